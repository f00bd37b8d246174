"""What a published folder keeps: all that its pages are made from.

    write(kept, folder)
    kept = read(folder)

    scores.parquet      every row of the long format; the tables but certificates and facts follow from it
    <table>.csv         `TABLES`, with six digits
    provenance.json     where it came from: configuration, commit, versions, hardware
    pictures/           what the families drew
    board.json          `Facts`: what no table holds (titles, sentences, what plugins say of themselves)

Pages are made from what `read` returns, also when a board is published: so they show the numbers of the tables, and are
the same whenever they are made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.artifacts import FileRecord, record, write_atomically, write_bytes
from benchmark.errors import DamagedArtifactError, TouchstoneError, UnknownNameError
from benchmark.layout import Layout
from benchmark.marks import null_of, skill
from benchmark.scores import COLUMNS
from benchmark.site.text import slug
from benchmark.statistics.agreement import COLUMNS as AGREEMENT
from benchmark.statistics.readings import COLUMNS as READINGS

SCHEMA = 3
"""The version of what is kept; a reader refuses newer ones."""
FACTS, SCORES, SOURCE, PICTURES = "board.json", "scores.parquet", "provenance.json", "pictures"
TABLES = (
    *("leaderboard", "tasks", "variants", "budgets", "readings", "dials", "marks", "agreement", "claims"),
    *("certificates", "measured"),
)
"""The tables kept as CSV, by the stem of their files."""
SINCE = {"agreement": (2, AGREEMENT), "readings": (3, READINGS)}
"""Tables that older boards lack: the schema that brought them, and their columns."""

SELDOM_TWICE = ("value", "skill", "chance_skill")
"""Columns of the scores in which a number seldom stands twice."""
SINGLE = 1e-6
"""How far a number of single precision may be from what it stands for, as a share of it."""

FLAGS = (
    *("beats_blind", "beats_random", "beats_untrained", "specialist", "reference"),
    *("ranked", "passed", "at_least", "finding", "rising"),
)
COUNTS = (
    "rank_low",
    "rank_high",
    "group",
    "tasks",
    "methods",
    "seeds",
    "seed",
    "failures",
    "unsupported",
    "rank",
    "rank_plain",
)
TEXTS = (
    *("family", "task", "variant", "method", "wide_over", "dial", "holds_to", "breaks_at", "skills"),
    *("control", "reason", "rival", "claim", "source", "verdict", "statement", "expect", "margin_from", "published"),
    *("subject", "check", "fact", "metric", "choice", "way"),
)
"""What columns of the tables hold; all others are numbers."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Described(_Record):
    """What a plugin says of itself (see `benchmark.site.board.About`)."""

    kind: str
    family: str | None
    name: str
    summary: str = ""
    cites: str = ""
    text: str = ""
    parameters: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    options: dict[str, Any] = {}


class Shown(_Record):
    """A picture; its file is `pictures/<family>-<task>-<name>.png`."""

    family: str
    task: str
    name: str
    title: str
    caption: str
    method: str = ""

    @property
    def file(self) -> str:
        """The name of its file."""
        return slug(self.family, self.task, self.name) + ".png"


class Dial(_Record):
    """A sequence of a task's variants in which something grows."""

    family: str
    task: str
    name: str
    variants: tuple[str, ...]


class Facts(_Record):
    """What no table holds."""

    schema_version: int = SCHEMA
    profile: str
    title: str
    source: str
    """How the command line names the profile: its name in `config/`, or a file."""
    left_out: tuple[str, ...] = ()
    """Sentences on what is not there, and why."""
    notes: dict[str, dict[str, int | float | str | None]] = {}
    """By family, what stands beside its ranking."""
    dials: tuple[Dial, ...] = ()
    unranked: tuple[tuple[str, str, str], ...] = ()
    """(family, task, variant) that the task itself declares a diagnosis."""
    plugins: tuple[Described, ...] = ()
    pictures: tuple[Shown, ...] = ()

    def noting(self, notes: Mapping[str, Mapping[str, Any]]) -> Facts:
        """The same with these notes."""
        return self.model_copy(update={"notes": notes})

    @property
    def dial_steps(self) -> dict[tuple[str, str], dict[str, tuple[str, ...]]]:
        """The dials of each (family, task), by name."""
        found: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        for dial in self.dials:
            found.setdefault((dial.family, dial.task), {})[dial.name] = dial.variants
        return found

    @property
    def truth_free(self) -> dict[tuple[str, str], str]:
        """The directions of the metrics that need no truth, by (family, metric)."""
        metrics = [each for each in self.plugins if each.kind == "metric" and each.options.get("truth_free")]
        families = dict.fromkeys(each.name for each in self.plugins if each.kind == "family")
        return {
            (family, each.name): str(each.options["direction"])
            for each in metrics
            for family in ([each.family] if each.family else families)
            if each.options["direction"] in ("higher", "lower")
        }


@dataclass(frozen=True, eq=False)
class Kept:
    """All that a folder keeps.

    Attributes:
        facts: what no table holds.
        scores: every row, in the columns of `benchmark.scores`, also of smaller budgets and other readings.
        tables: by the names in `TABLES`.
        provenance: see `benchmark.provenance`.
        pictures: the PNG file of each of `facts.pictures`, by the name under which it is published.
    """

    facts: Facts
    scores: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]
    pictures: Mapping[str, Path] = field(default_factory=dict)

    @property
    def tasks(self) -> frozenset[tuple[str, str]]:
        """(family, task) of all rows."""
        found = self.scores[["family", "task"]].drop_duplicates().itertuples(index=False, name=None)
        return frozenset((str(family), str(task)) for family, task in found)


def board_folder(name: str) -> Path:
    """The folder of a board: a folder stands for itself, anything else is a profile published below this folder."""
    if Path(name).is_dir():
        return Path(name)
    folder = Layout(name).leaderboard
    if not folder.is_dir():
        known = [path.name for path in folder.parent.glob("*/") if (path / FACTS).is_file()]
        raise UnknownNameError("published board", name, known, where=f"{folder.parent}/; nor is it a folder")
    return folder


def write(kept: Kept, folder: Path) -> dict[Path, FileRecord]:
    """Write all files into `folder`, each atomically, and return their records. Of other files, only pictures go: those
    of another board that was there."""
    files = {}
    for name in TABLES:
        files[folder / f"{name}.csv"] = write_bytes(folder / f"{name}.csv", as_csv(kept.tables[name]))
    scores = folder / SCORES
    files[scores] = write_atomically(scores, partial(_write_scores, kept.scores))
    files[folder / SOURCE] = write_bytes(folder / SOURCE, as_json(kept.provenance))
    files[folder / FACTS] = write_bytes(folder / FACTS, as_json(kept.facts.model_dump()))
    for name, path in kept.pictures.items():
        target = folder / PICTURES / name
        there = target.exists() and target.samefile(path)
        files[target] = record(target) if there else write_bytes(target, path.read_bytes())
    for path in (folder / PICTURES).glob("*.png"):
        if path.name not in kept.pictures:
            path.unlink()
    return files


def _write_scores(scores: pd.DataFrame, path: Path) -> None:
    """As small as a file gets that any reader of Parquet opens: numbers that seldom recur are split into bytes, and
    skill, which `read` computes from value and marks where they agree, has single precision."""
    scores = scores.assign(skill=scores["skill"].astype("float32"))
    split = dict.fromkeys(SELDOM_TWICE, "BYTE_STREAM_SPLIT")
    others = [name for name in scores.columns if name not in split]
    scores.to_parquet(
        path, index=False, compression="zstd", compression_level=19, use_dictionary=others, column_encoding=split
    )


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as it is published: numbers with six digits, nothing where nothing is known."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def as_json(content: Mapping[str, Any]) -> bytes:
    """A mapping as strict JSON, a line for each of its keys; NaN is null, infinity a text."""
    lines = (f"{json.dumps(key)}:{_compact(value)}" for key, value in plain(content).items())
    return ("{" + ",\n".join(lines) + "}\n").encode()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """The value as JSON holds it: no tuples, no numpy, no numbers that are none."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def read(folder: Path) -> Kept:
    """What a folder keeps.

    Raises:
        TouchstoneError: the folder holds no board, one of an older form, or one of a newer schema.
        DamagedArtifactError: a file is missing or is not what it should be.
    """
    path = folder / FACTS
    if not path.is_file():
        older = "a board published before boards kept" if (folder / SCORES).is_file() else "no board: boards keep"
        raise TouchstoneError(f"{folder} holds {older} what their pages are made from in {FACTS}; publish it again")
    facts = _facts(path)
    scores = _scores(folder / SCORES)
    lacking = {name: list(columns) for name, (since, columns) in SINCE.items() if facts.schema_version < since}
    tables = read_tables(folder, [name for name in TABLES if name not in lacking])
    tables |= {name: pd.DataFrame(columns=columns) for name, columns in lacking.items()}
    pictures = {shown.file: folder / PICTURES / shown.file for shown in facts.pictures}
    for picture in pictures.values():
        if not picture.is_file():
            raise DamagedArtifactError(f"{picture} is missing")
    source = _json(folder / SOURCE)
    if absent := [key for key in ("profile", "configuration", "configuration_hash") if key not in source]:
        raise DamagedArtifactError(f"{folder / SOURCE} is damaged: it lacks {', '.join(absent)}")
    return Kept(facts, scores, tables, source, pictures)


def read_tables(folder: Path, names: Sequence[str] = TABLES) -> dict[str, pd.DataFrame]:
    """Some tables of a folder alone, which boards of every form have. Raises `DamagedArtifactError`."""
    return {name: _table(folder / f"{name}.csv") for name in names}


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedArtifactError(f"{path} is damaged: it is no JSON ({error})") from None
    if not isinstance(content, dict):
        raise DamagedArtifactError(f"{path} is damaged: got a {type(content).__name__}, expected a mapping")
    return content


def _facts(path: Path) -> Facts:
    content = _json(path)
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA:
        raise TouchstoneError(
            f"{path} has the schema {version}, this version of Touchstone reads up to {SCHEMA}: "
            "use the version that published it, or a later one"
        )
    try:
        return Facts.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DamagedArtifactError(f"{path} is damaged: {place}: {first['msg']}") from None


def _scores(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DamagedArtifactError(f"{path} is damaged: it cannot be read ({error})") from None
    if absent := [name for name in COLUMNS if name not in table.columns]:
        raise DamagedArtifactError(f"{path} is damaged: it lacks the columns {', '.join(absent)}")
    value = table["value"].where(~table["status"].isin(["failed", "timeout"]), table["floor"])
    exact = skill(value, null_of(table["floor"], table["blind"], table["ceiling"]), table["ceiling"])
    kept = table["skill"].to_numpy(dtype="float64")
    agrees = np.isclose(kept, exact, rtol=SINGLE, atol=SINGLE)
    return table.assign(skill=np.where(agrees, exact, kept))


def _table(path: Path) -> pd.DataFrame:
    try:
        return parsed(path.stem, path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedArtifactError(f"{path} is damaged: it cannot be read ({error})") from None


def parsed(name: str, content: bytes) -> pd.DataFrame:
    """A table from its CSV file, with the types of its columns. Raises `ValueError`."""
    header = content.partition(b"\n")[0].decode().split(",")
    kinds = {column: _kind(name, column) for column in header}
    return pd.read_csv(
        BytesIO(content),
        dtype=kinds,
        keep_default_na=False,
        na_values={column: [""] for column, kind in kinds.items() if kind != "str"},
    )


def _kind(table: str, column: str) -> str:
    """The type with which a column is read; a text that is empty stays one."""
    if column in TEXTS or (table, column) == ("claims", "tasks"):
        return "str"
    return "boolean" if column in FLAGS else "Int64" if column in COUNTS else "float64"
