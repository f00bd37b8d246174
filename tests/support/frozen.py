"""The thresholds of certificates, frozen in one file with a reason for each.

    seen = thresholds(plan, store)                 what the subjects of a plan were held to
    read(), write(seen)                            tests/frozen/thresholds.csv

A threshold is the check of a subject, the side on which it passes, and the number; a subject's variants may have
several. One that moves is another threshold, and needs a reason of its own: why this number, written before the result.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from benchmark.plan import Plan
from benchmark.store import Store

FILE = Path(__file__).parents[1] / "frozen" / "thresholds.csv"


class Threshold(NamedTuple):
    subject: str
    check: str
    passes: str
    """At least or at most the number."""
    number: float

    def __str__(self) -> str:
        return f"{self.subject}: {self.check} {self.passes} {self.number:g}"


def thresholds(plan: Plan, store: Store) -> set[Threshold]:
    """What the certificates of all trained subjects of a plan say."""
    found = set()
    for name, subject in plan.subjects.items():
        for seed in subject.seeds:
            content = store.read(plan.layout.subject(name, seed)).content
            assert content["status"] == "ok", f"{name}: {content['reason']}"
            for check in content["certificate"]:
                passes = "at least" if check["at_least"] else "at most"
                found.add(Threshold(subject.plugin.name, check["check"], passes, float(check["threshold"])))
    return found


def read() -> dict[Threshold, str]:
    """The frozen thresholds, with their reasons."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {Threshold(r["subject"], r["check"], r["passes"], float(r["threshold"])): r["reason"] for r in rows}
    assert len(found) == len(rows), f"{FILE.name} holds a threshold twice"
    return found


def write(seen: Iterable[Threshold], lacking: Collection[str] = ()) -> None:
    """Freeze these; one that was not frozen as it is gets no reason, for that is to be written by a person.

    Those of subjects that were not seen at all, for want of an optional package, stay as they are.
    """
    reasons = read() if FILE.is_file() else {}
    seen = {*seen, *(one for one in reasons if one.subject in lacking)}
    with FILE.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["subject", "check", "passes", "threshold", "reason"])
        writer.writerows((*one[:3], repr(one.number), reasons.get(one, "")) for one in sorted(seen))
