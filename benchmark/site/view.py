"""A `Board` arranged the way the page shows it: by family, then ranked and other rows, then by task and variant.

Only grouping and ordering happen here; templates do the rest. A row is a dictionary of the table's columns.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import TouchstoneError
from benchmark.site import svg, text
from benchmark.site.board import About, Board, PagePicture

Row = dict[str, Any]
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Image:
    """A picture with its published file name and its size in pixels."""

    picture: PagePicture
    file: str
    width: int
    height: int

    @property
    def alt(self) -> str:
        """What a reader who cannot see it is told."""
        return ": ".join(part for part in (self.picture.title, self.picture.caption) if part)

    @property
    def uri(self) -> str:
        """The whole file as a data address."""
        return "data:image/png;base64," + base64.b64encode(self.picture.path.read_bytes()).decode("ascii")


@dataclass(frozen=True)
class Ranking:
    """The rows of a ranking in the order of the table; those without a rank apart, by the reason."""

    ranked: list[Row]
    specialists: list[Row]
    declined: list[Row]
    references: list[Row]

    @property
    def twinned(self) -> bool:
        """Whether anything here was also measured on random weights."""
        return any(row["above_untrained"] is not None for row in self.ranked)

    @property
    def chance(self) -> float:
        """Where chance lies on the axis of skill: at 0 where no control beats it, else below."""
        found = [row["skill"] for row in self.references if row["method"] == "random" and row["skill"] is not None]
        return float(found[0]) if found else 0.0

    @property
    def groups(self) -> list[tuple[str, str, list[Row]]]:
        """Kind, heading and rows of each part that has any."""
        parts = (
            ("ranked", "", self.ranked),
            ("specialists", "Specialists: they answer under half of the tasks and are not ranked", self.specialists),
            ("declined", "Declined: these methods say that they do not apply here", self.declined),
            ("references", "References: not contestants, but what methods are measured against", self.references),
        )
        return [part for part in parts if part[2]]


@dataclass(frozen=True)
class Variant:
    """One variant of a task: what each method reached on each metric, between the marks."""

    name: str
    seeds: int | None
    floor: dict[str, str]
    blind: dict[str, str]
    ceiling: dict[str, str]
    mark: Row
    """Its row of the board's `marks`; empty where there is none."""
    rows: list[tuple[str, bool, dict[str, Row]]]


@dataclass(frozen=True)
class Task:
    """One task of a family."""

    name: str
    about: About
    ranking: Ranking
    metrics: list[str]
    primary: list[str]
    variants: list[Variant]
    images: list[Image]
    dials: list[Row]
    """Where each method breaks down as one thing grows."""
    anchor: str


@dataclass(frozen=True)
class Family:
    """One family: its ranking, and its tasks."""

    name: str
    ranking: Ranking
    tasks: list[Task]
    images: list[Image]
    metrics: list[tuple[str, About]]
    resolution: float | None
    clusters: int | None
    notes: dict[str, Any]
    budgets: list[Row]
    """Learned methods at each of their budgets."""
    anchor: str

    @property
    def rising(self) -> list[str]:
        """The methods to which the last step up in budget still brought more than its noise."""
        last = {row["method"]: row["rising"] for row in self.budgets}
        return [method for method, rising in last.items() if rising is True]

    @property
    def beating(self) -> int | None:
        """How many ranked methods beat the best blind control, or chance where there is none; None where no method's
        runs can tell."""
        known = [row["beats_blind"] for row in self.ranking.ranked if row["beats_blind"] is not None]
        return sum(known) if known else None

    @property
    def beating_untrained(self) -> int | None:
        """How many ranked methods earn more than on random weights; None where nothing can tell, as with few seeds."""
        known = [row["beats_untrained"] for row in self.ranking.ranked if row["beats_untrained"] is not None]
        return sum(known) if known else None

    @property
    def leaders(self) -> list[str]:
        """The methods that may be the best: those whose rank interval starts at one."""
        return [row["method"] for row in self.ranking.ranked if row["rank_low"] == 1]


@dataclass(frozen=True)
class WorstCheck:
    """One check of one subject over all its seeds: the value nearest to failing, and which seeds passed."""

    subject: str
    name: str
    value: Any
    threshold: Any
    at_least: bool
    passed: list[int]
    failed: list[int]


@dataclass(frozen=True)
class Fact:
    """A number measured on a subject beside its certificate: mean, least and greatest over the seeds."""

    subject: str
    name: str
    mean: float
    least: float
    greatest: float
    seeds: list[int]


@dataclass(frozen=True)
class Failure:
    """Cells that failed alike: the same method, reason and command, on some variants and seeds."""

    row: Row
    variants: list[str]
    seeds: list[int]

    @property
    def declined(self) -> bool:
        """Whether the method said that it does not apply, which costs it nothing."""
        return bool(self.row["status"] == "unsupported")


class View:
    """Everything the templates ask for."""

    def __init__(self, board: Board) -> None:
        self.board = board

    @cached_property
    def images(self) -> list[Image]:
        """All pictures, read once for their size.

        Raises:
            TouchstoneError: a file is no PNG, or two pictures share a name.
        """
        found = [_image(picture) for picture in self.board.pictures]
        names = [image.file for image in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TouchstoneError(
                f"two pictures of the board are called {twice[0]!r}; their names must differ within a task"
            )
        return found

    @cached_property
    def families(self) -> list[Family]:
        """The families, in the order of the leaderboard."""
        board = self.board
        ranks, tasks, metrics = rows(board.leaderboard), rows(board.tasks), rows(board.metrics)
        references = {(row["family"], row["method"]) for row in ranks + tasks if row["reference"] is True}
        result = []
        for name in _order(row["family"] for row in ranks + tasks + metrics):
            mine = [row for row in metrics if row["family"] == name]
            rated = [row for row in tasks if row["family"] == name]
            notes = dict(board.notes.get(name, {}))
            resolution, clusters = notes.pop("resolution", None), notes.pop("clusters", None)
            result.append(
                Family(
                    name=name,
                    ranking=_ranking([row for row in ranks if row["family"] == name]),
                    tasks=[
                        self._task(name, task, rated, mine, references)
                        for task in _order(row["task"] for row in rated + mine)
                    ],
                    images=self._pictures(name, ""),
                    metrics=[
                        (metric, board.about("metric", name, metric))
                        for metric in _order(str(row["metric"]).split("@")[0] for row in mine)
                    ],
                    resolution=None if text.is_missing(resolution) else float(resolution),
                    clusters=None if text.is_missing(clusters) else int(clusters),
                    notes=notes,
                    budgets=[row for row in rows(board.budgets) if row["family"] == name],
                    anchor=text.slug("family", name),
                )
            )
        return result

    def _task(
        self, family: str, name: str, rated: list[Row], metrics: list[Row], references: set[tuple[str, str]]
    ) -> Task:
        mine = [row for row in metrics if row["task"] == name]
        primary = _order(row["metric"] for row in mine if row["primary"] is True)
        ranking = _ranking([row for row in rated if row["task"] == name])
        place = {row["method"]: at for at, (_, row) in enumerate(_flat(ranking))}
        marks = {(row["family"], row["task"], row["variant"]): row for row in rows(self.board.marks)}
        variants = []
        for variant in _order(row["variant"] for row in mine):
            here = [row for row in mine if row["variant"] == variant]
            counts = {int(row["n"]) for row in here if not text.is_missing(row["n"])}
            methods = sorted(_order(row["method"] for row in here), key=lambda method: place.get(method, len(place)))
            variants.append(
                Variant(
                    name=variant,
                    seeds=max(counts, default=None),
                    floor=_extents(here, "floor"),
                    blind=_extents(here, "blind"),
                    ceiling=_extents(here, "ceiling"),
                    mark=marks.get((family, name, variant), {}),
                    rows=[
                        (
                            method,
                            (family, method) in references,
                            {row["metric"]: row for row in here if row["method"] == method},
                        )
                        for method in methods
                    ],
                )
            )
        return Task(
            name=name,
            about=self.board.about("task", family, name),
            ranking=ranking,
            metrics=primary + [metric for metric in _order(row["metric"] for row in mine) if metric not in primary],
            primary=primary,
            variants=variants,
            images=self._pictures(family, name),
            dials=[row for row in rows(self.board.dials) if (row["family"], row["task"]) == (family, name)],
            anchor=text.slug("task", family, name),
        )

    def _pictures(self, family: str, task: str) -> list[Image]:
        return [image for image in self.images if (image.picture.family, image.picture.task) == (family, task)]

    def axis_of(self, ranking: Ranking) -> svg.Axis:
        """The page's axis with the marks of one table."""
        return svg.marked(self.axis, ranking.chance)

    @cached_property
    def axis(self) -> svg.Axis:
        """The axis of skill, one for the whole page; references, some far below chance, may leave it."""
        table = [row for row in rows(self.board.leaderboard) + rows(self.board.tasks) if row["reference"] is not True]
        return svg.skill_axis(row[key] for row in table for key in ("skill", "ci_low", "ci_high"))

    @cached_property
    def claims(self) -> list[Row]:
        """The claims, decided ones first: reproduced, not reproduced, undecided, out of regime, not testable here."""
        return sorted(rows(self.board.claims), key=lambda row: VERDICTS.get(str(row["verdict"]), ("", "", 9))[2])

    @cached_property
    def verdicts(self) -> list[tuple[str, int]]:
        """How many claims have each verdict."""
        return [
            (name, sum(row["verdict"] == name for row in self.claims))
            for name in _order(row["verdict"] for row in self.claims)
        ]

    @cached_property
    def effects(self) -> svg.Axis:
        """The axis of the claims' effects."""
        return svg.effect_axis(row[key] for row in self.claims for key in ("effect", "ci_low", "ci_high", "margin"))

    @cached_property
    def checks(self) -> list[WorstCheck]:
        """The certificates by subject and check, failed ones first."""
        table = rows(self.board.certificates)
        result = []
        for subject, name in _order((row["subject"], row["check"]) for row in table):
            mine = [row for row in table if (row["subject"], row["check"]) == (subject, name)]
            worst = min(mine, key=_reserve)
            failed = sorted({int(row["seed"]) for row in mine if row["passed"] is not True})
            passed = sorted({int(row["seed"]) for row in mine} - set(failed))
            result.append(
                WorstCheck(subject, name, worst["value"], worst["threshold"], bool(worst["at_least"]), passed, failed)
            )
        return sorted(result, key=lambda check: not check.failed)

    @cached_property
    def facts(self) -> list[Fact]:
        """What else was measured on the subjects, one line for each over all its seeds."""
        result = []
        for (subject, name), mine in self.board.measured.groupby(["subject", "fact"], sort=False):
            values = mine["value"]
            result.append(
                Fact(str(subject), str(name), values.mean(), values.min(), values.max(), sorted(map(int, mine["seed"])))
            )
        return result

    @cached_property
    def failures(self) -> list[Failure]:
        """Cells without a score, alike ones together; those that declined come last."""
        table = rows(self.board.failures)
        alike: Callable[[Row], tuple[str, ...]] = lambda row: tuple(  # noqa: E731
            str(row[key]) for key in ("family", "task", "method", "status", "reason", "command")
        )
        result = []
        for key in _order(alike(row) for row in table):
            mine = [row for row in table if alike(row) == key]
            seeds = sorted({int(row["seed"]) for row in mine if not text.is_missing(row["seed"])})
            result.append(Failure(mine[0], _order(str(row["variant"]) for row in mine), seeds))
        return sorted(result, key=lambda failure: failure.declined)

    @property
    def failed(self) -> int:
        """How many cells and seeds failed, those that declined left out."""
        return sum(row["status"] != "unsupported" for row in rows(self.board.failures))


VERDICTS = {
    "reproduced": ("good", "✓", 0),
    "not reproduced": ("bad", "✗", 1),
    "undecided": ("open", "?", 2),
    "out of regime": ("open", "≠", 3),
    "not testable here": ("open", "∅", 4),
}
"""A verdict's style, sign and place."""


def rows(frame: pd.DataFrame) -> list[Row]:
    """A table as dictionaries of plain Python values: missing ones are None, and `is True` means what it says."""
    names = [str(name) for name in frame.columns]
    return [
        {name: _plain(value) for name, value in zip(names, line, strict=True)}
        for line in frame.itertuples(index=False, name=None)
    ]


def _plain(value: Any) -> Any:
    return None if text.is_missing(value) else value.item() if hasattr(value, "item") else value


def _order(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _ranking(table: list[Row]) -> Ranking:
    references = [row for row in table if row["reference"] is True]
    methods = [row for row in table if row["reference"] is not True]
    declined = [row for row in methods if row["skill"] is None]
    # In the table of one task a specialist of the family has a rank like any other method.
    specialists = [row for row in methods if row["specialist"] is True and row["rank_low"] is None]
    apart = {id(row) for row in declined + specialists}
    return Ranking(
        ranked=[row for row in methods if id(row) not in apart],
        specialists=[row for row in specialists if row["skill"] is not None],
        declined=declined,
        references=references,
    )


def _flat(ranking: Ranking) -> list[tuple[str, Row]]:
    return [(kind, row) for kind, _, group in ranking.groups for row in group]


def _extents(table: Sequence[Row], column: str) -> dict[str, str]:
    return {
        metric: text.extent(row[column] for row in table if row["metric"] == metric)
        for metric in _order(row["metric"] for row in table)
    }


def _reserve(row: Row) -> tuple[bool, float]:
    """How far a check is from failing; failed ones and missing values first."""
    value, threshold = row["value"], row["threshold"]
    passed = row["passed"] is True
    if text.is_missing(value) or text.is_missing(threshold):
        return passed, float("-inf")
    return passed, (value - threshold) if row["at_least"] else (threshold - value)


def _image(picture: PagePicture) -> Image:
    head = Path(picture.path).read_bytes()[:24]
    if head[:8] != PNG or len(head) < 24:
        raise TouchstoneError(f"the board's picture {picture.path} is no PNG file (got the bytes {head[:8]!r})")
    width, height = struct.unpack(">II", head[16:24])
    return Image(picture, text.slug(picture.family, picture.task, picture.name) + ".png", width, height)
