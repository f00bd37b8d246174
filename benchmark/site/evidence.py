"""What the ranking rests on: claims with their verdicts, certificates, facts about the subjects, and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmark.site import text
from benchmark.site.rows import Row, grouped, rows, unique

VERDICTS = {
    "reproduced": ("good", "✓", 0),
    "not reproduced": ("bad", "✗", 1),
    "undecided": ("open", "?", 2),
    "out of regime": ("open", "≠", 3),
    "not testable here": ("open", "∅", 4),
}
"""A verdict's style, sign and place."""


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
class Certificate:
    """All checks of one subject, failed ones first."""

    subject: str
    checks: list[WorstCheck]

    @property
    def failed(self) -> list[WorstCheck]:
        """The checks that failed on some seed."""
        return [check for check in self.checks if check.failed]


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
    """Cells of one task that failed alike: the same method, reason and command, on some variants and seeds."""

    row: Row
    variants: list[str]
    seeds: list[int]

    @property
    def declined(self) -> bool:
        """Whether the method said that it does not apply, which costs it nothing."""
        return bool(self.row["status"] == "unsupported")


@dataclass(frozen=True)
class FailureSummary:
    """All failures of one kind of one method."""

    family: str
    method: str
    status: str
    tasks: list[str]
    count: int
    reason: str

    @property
    def declined(self) -> bool:
        """Whether the method said that it does not apply."""
        return self.status == "unsupported"


def claims_of(frame: pd.DataFrame) -> list[Row]:
    """The claims, decided ones first: reproduced, not reproduced, undecided, out of regime, not testable here."""
    return sorted(rows(frame), key=lambda row: VERDICTS.get(str(row["verdict"]), ("", "", len(VERDICTS)))[2])


def verdicts_by_family(claims: Sequence[Row]) -> list[tuple[list[str], dict[str, int]]]:
    """How many claims have each verdict, by the families of the tasks that they compare, most claims first."""
    found: dict[tuple[str, ...], Counter[str]] = {}
    for row in claims:
        families = unique(task.partition("/")[0] for task in str(row["tasks"] or "").split(", ") if task)
        found.setdefault(tuple(families), Counter())[str(row["verdict"])] += 1
    return [(list(key), dict(each)) for key, each in sorted(found.items(), key=lambda item: -item[1].total())]


def certificates_of(frame: pd.DataFrame) -> list[Certificate]:
    """The certificates by subject, those with a failed check first."""
    found = []
    for (subject,), mine in grouped(rows(frame), "subject").items():
        checks = [_worst(str(subject), str(name), lines) for (name,), lines in grouped(mine, "check").items()]
        found.append(Certificate(str(subject), sorted(checks, key=lambda check: not check.failed)))
    return sorted(found, key=lambda certificate: not certificate.failed)


def certifies(certificate: Certificate, subjects: Iterable[str]) -> bool:
    """Whether it is one of these subjects', whatever its parameters (`blockmnist-training-robust` of `blockmnist`)."""
    return any(certificate.subject == name or certificate.subject.startswith(f"{name}-") for name in subjects)


def facts_of(frame: pd.DataFrame) -> list[Fact]:
    """What else was measured on the subjects, one line for each over all its seeds."""
    found = []
    for (subject, name), mine in grouped(rows(frame), "subject", "fact").items():
        values = [float(row["value"]) for row in mine if row["value"] is not None]
        if values:
            seeds = sorted(int(row["seed"]) for row in mine)
            found.append(Fact(str(subject), str(name), sum(values) / len(values), min(values), max(values), seeds))
    return found


def failures_of(lines: Sequence[Row]) -> list[Failure]:
    """Cells without a score, alike ones together; those that declined come last."""
    found = []
    for mine in grouped(lines, "family", "task", "method", "status", "reason", "command").values():
        seeds = sorted({int(row["seed"]) for row in mine if row["seed"] is not None})
        found.append(Failure(mine[0], unique(str(row["variant"]) for row in mine), seeds))
    return sorted(found, key=lambda failure: failure.declined)


def summed_up(lines: Sequence[Row]) -> list[FailureSummary]:
    """The failures of each method in a line for each kind; those that declined come last."""
    found = []
    for (family, method, status), mine in grouped(lines, "family", "method", "status").items():
        reasons = unique(text.plain(row["reason"]) for row in mine)
        more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
        tasks = unique(str(row["task"]) for row in mine)
        found.append(FailureSummary(family, method, status, tasks, len(mine), reasons[0] + more))
    return sorted(found, key=lambda failure: failure.declined)


def _worst(subject: str, name: str, lines: Sequence[Row]) -> WorstCheck:
    worst = min(lines, key=_reserve)
    failed = sorted({int(row["seed"]) for row in lines if row["passed"] is not True})
    passed = sorted({int(row["seed"]) for row in lines} - set(failed))
    return WorstCheck(subject, name, worst["value"], worst["threshold"], bool(worst["at_least"]), passed, failed)


def _reserve(row: Row) -> tuple[bool, float]:
    """How far a check is from failing; failed ones and missing values first."""
    value, threshold = row["value"], row["threshold"]
    passed = row["passed"] is True
    if value is None or threshold is None:
        return passed, float("-inf")
    return passed, (value - threshold) if row["at_least"] else (threshold - value)
