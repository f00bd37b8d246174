"""The probing family, as the engine knows it."""

from __future__ import annotations

from benchmark.families.family import Family, drawn_by
from benchmark.families.probing import ProbingExplanation, blinded, check
from benchmark.families.probing.tables import question_tables, truth_tables
from benchmark.families.probing.trivial import JUDGE, TEMPLATE, trivial

FAMILY = Family(
    name="probing",
    explanation=ProbingExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=drawn_by("benchmark.families.probing.pictures"),
    question_tables=question_tables,
    truth_tables=truth_tables,
    blinded=blinded,
)
