"""A ranking in its parts: who is ranked, and who stands apart for what reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmark.site.rows import Row
from benchmark.site.text import MISSING

TITLES = {
    "ranked": "",
    "specialists": "Specialists: they answer under half of the tasks and are not ranked",
    "declined": "Declined: these methods say that they do not apply here",
    "references": "References: not contestants, but what methods are measured against",
}


@dataclass(frozen=True)
class Ranking:
    """The rows of a ranking in the order of the table; those without a rank apart, by the reason."""

    ranked: list[Row]
    specialists: list[Row]
    declined: list[Row]
    references: list[Row]

    @classmethod
    def of(cls, table: Sequence[Row]) -> Ranking:
        """The parts of one table: a family's or a task's."""
        references = [row for row in table if row["reference"] is True]
        methods = [row for row in table if row["reference"] is not True]
        declined = [row for row in methods if row["skill"] is None]
        # In the table of one task a specialist of the family has a rank like any other method.
        specialists = [row for row in methods if row["specialist"] is True and row["rank_low"] is None]
        apart = {id(row) for row in declined + specialists}
        return cls(
            ranked=[row for row in methods if id(row) not in apart],
            specialists=[row for row in specialists if row["skill"] is not None],
            declined=declined,
            references=references,
        )

    @property
    def groups(self) -> list[tuple[str, str, list[Row]]]:
        """Kind, heading and rows of each part that has any."""
        return [(kind, title, rows) for kind, title in TITLES.items() if (rows := getattr(self, kind))]

    @cached_property
    def order(self) -> list[str]:
        """All methods as they are listed."""
        return [row["method"] for _, _, group in self.groups for row in group]

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
    def leaders(self) -> list[Row]:
        """The methods that may be the best."""
        return leaders(self.ranked)

    @property
    def cheapest(self) -> Row | None:
        """Of several that may be the best, the one that takes the least time."""
        timed = [row for row in self.leaders if row["seconds"] is not None]
        return min(timed, key=lambda row: float(row["seconds"])) if len(timed) > 1 else None

    @property
    def beating(self) -> int | None:
        """How many ranked methods beat the best blind control, or chance where there is none; None where no method's
        runs can tell."""
        return _count(self.ranked, "beats_blind")

    @property
    def beating_untrained(self) -> int | None:
        """How many ranked methods earn more than on random weights; None where nothing can tell, as with few seeds."""
        return _count(self.ranked, "beats_untrained")


def beats(row: Row) -> tuple[str, str]:
    """The style of a badge and the words on whether a method beats blind; no style where nothing can tell."""
    if row["beats_blind"] is None:
        return "", MISSING
    if row["beats_blind"]:
        return "good", "yes"
    return ("open", "no, but chance") if row["beats_random"] is True else ("none", "no")


def leaders(table: Iterable[Row]) -> list[Row]:
    """The rows of methods that may be the best: no other is shown to be better, and they do more than blind, as far as
    runs can tell: nobody is advised to use what needs no model.
    """
    first = [row for row in table if row.get("rank_low") == 1]
    return [row for row in first if row["beats_blind"] is True or (row["beats_blind"] is None and row["skill"] > 0)]


def front(table: Sequence[Row]) -> list[Row]:
    """The rows to which no other is both at least as good and at least as fast: `skill` against `seconds`, fastest
    first."""
    known = [row for row in table if row["skill"] is not None and row["seconds"] is not None]
    found: list[Row] = []
    for row in sorted(known, key=lambda row: (row["seconds"], -row["skill"])):
        if not found or row["skill"] > found[-1]["skill"]:
            found.append(row)
    return found


def _count(table: Sequence[Row], column: str) -> int | None:
    known = [row[column] for row in table if row[column] is not None]
    return sum(known) if known else None
