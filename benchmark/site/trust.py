"""Metrics that need no truth, and whether they order methods as the truth does, for the section that asks this.

trusted(rows)      a line for each family and metric, those to be trusted first; `rows` are those of `agreement`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.site.rows import Row, grouped
from benchmark.site.svg import Axis

TAU = Axis(-1.2, 1.2, ((-1.0, "chance", "−1"), (0.0, "blind", "unrelated"), (1.0, "truth", "1")))
"""The axis of Kendall's tau."""


@dataclass(frozen=True)
class Trust:
    """One metric of a family."""

    family: str
    metric: str
    mean: Row
    """Over all tasks that have it."""
    tasks: list[Row]
    """Task by task, where it orders best first."""

    @property
    def verdict(self) -> tuple[str, str]:
        """The style of a badge and a word on the order that this metric gives."""
        low, high = self.mean["ci_low"], self.mean["ci_high"]
        if low is None:
            return "open", "too few seeds to tell"
        if low <= 0 <= high:
            return "bad", "not told from chance"
        return ("good", "towards the truth") if low > 0 else ("bad", "away from the truth")


def trusted(rows: Sequence[Row]) -> list[Trust]:
    """The metrics of all families, in each family the one that comes nearest to the truth first."""
    found = []
    for (family, metric), mine in grouped(rows, "family", "metric").items():
        (mean,) = [row for row in mine if not row["task"]]
        tasks = sorted((row for row in mine if row["task"]), key=lambda row: (-row["tau"], row["task"]))
        found.append(Trust(family, metric, mean, tasks))
    return sorted(found, key=lambda each: (each.family, -each.mean["tau"], each.metric))
