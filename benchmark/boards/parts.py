"""A board less some of its families, whose rows are made anew, or less its many small pictures.

rest = without(read(folder), ["attribution"])      what stays is as if they had never run
small = without_details(read(folder))              pictures of all methods at once alone
small = without_pictures(read(folder), ["graph"])  no picture of this kind
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from benchmark.boards.kept import Facts, Kept, Shown
from benchmark.errors import UnknownNameError


def without(board: Kept, families: Collection[str]) -> Kept:
    """The board less these families: rows, facts, pictures, provenance, and what is known of their subjects alone.

    Tables that follow from the rows are left as they are: whoever joins boards computes them anew.

    Raises:
        UnknownNameError: the board has no such family.
    """
    known = sorted({family for family, _ in board.tasks})
    for family in families:
        if family not in known:
            raise UnknownNameError("family of this board", family, known)
    scores = board.scores[~board.scores["family"].isin(families)].reset_index(drop=True)
    subjects = frozenset(str(name) for name in scores["subject"].unique())
    tables = dict(board.tables)
    for name in ("certificates", "measured"):
        tables[name] = _about(board.tables[name], subjects)
    facts = _facts(board.facts, families, board.provenance["configuration"].get("left_out", ()))
    return replace(
        board,
        scores=scores,
        tables=tables,
        facts=facts,
        provenance=_provenance(board.provenance, families, subjects),
        pictures={shown.file: board.pictures[shown.file] for shown in facts.pictures},
    )


def without_details(board: Kept) -> Kept:
    """The board without the pictures that show one method each; those of all methods and of the data stay."""
    return _showing(board, [each for each in board.facts.pictures if not each.method])


def without_pictures(board: Kept, kinds: Collection[str]) -> Kept:
    """The board without the pictures whose names end with `-cosines`, `-graph` or other such kinds."""
    return _showing(board, [each for each in board.facts.pictures if each.name.rpartition("-")[2] not in kinds])


def _showing(board: Kept, shown: Sequence[Shown]) -> Kept:
    facts = board.facts.model_copy(update={"pictures": tuple(shown)})
    return replace(board, facts=facts, pictures={each.file: board.pictures[each.file] for each in shown})


def concerns(name: str, families: Collection[str]) -> bool:
    """Whether a key of a profile's `tasks` or `methods` (`attribution/lime`) is about one of these families."""
    return name.partition("/")[0] in families


def _about(table: pd.DataFrame, subjects: Collection[str]) -> pd.DataFrame:
    return table[[_model(name) in subjects for name in table["subject"]]].reset_index(drop=True)


def _model(subject: str) -> str:
    """The plugin of a planned subject, as rows name it: `othello` of `othello-training-none`."""
    return subject.partition("-")[0]


def _facts(facts: Facts, families: Collection[str], said: Iterable[str]) -> Facts:
    """Without what is said of these families, and what the profile said of all: the run that is joined says it anew."""

    def stays(family: str | None) -> bool:
        return family not in families

    return facts.model_copy(
        update={
            "left_out": tuple(line for line in facts.left_out if line not in said),
            "dials": tuple(dial for dial in facts.dials if stays(dial.family)),
            "unranked": tuple(key for key in facts.unranked if stays(key[0])),
            "plugins": tuple(each for each in facts.plugins if stays(_family(each.kind, each.family, each.name))),
            "pictures": tuple(shown for shown in facts.pictures if stays(shown.family)),
            "notes": {family: note for family, note in facts.notes.items() if stays(family)},
        }
    )


def _family(kind: str, family: str | None, name: str) -> str | None:
    return name if kind == "family" else family


def _provenance(source: Mapping[str, Any], families: Collection[str], subjects: Collection[str]) -> Mapping[str, Any]:
    """What of the provenance is about the other families; its durations are of a run that is no more whole."""
    configuration = dict(source["configuration"])
    for key in ("tasks", "methods"):
        entries = configuration.get(key, {})
        configuration[key] = {name: given for name, given in entries.items() if not concerns(name, families)}
    resolved = configuration["resolved_tasks"]
    configuration["resolved_tasks"] = {
        name: given for name, given in resolved.items() if name.partition(".")[0] not in families
    }
    resolved = configuration["resolved_subjects"]
    configuration["resolved_subjects"] = {name: given for name, given in resolved.items() if _model(name) in subjects}
    changed: dict[str, Any] = {"configuration": configuration}
    if "families" in source:
        changed["families"] = {name: own for name, own in source["families"].items() if name not in families}
    return {key: value for key, value in source.items() if key != "duration_seconds"} | changed
