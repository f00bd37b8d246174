"""The description family, as the engine knows it."""

from __future__ import annotations

from benchmark.families.description import DescriptionExplanation, check, count_calls
from benchmark.families.description.tables import question_tables, truth_tables
from benchmark.families.description.trivial import JUDGE, TEMPLATE, trivial
from benchmark.families.family import Family, drawn_by

FAMILY = Family(
    name="description",
    explanation=DescriptionExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=drawn_by("benchmark.families.description.pictures"),
    question_tables=question_tables,
    truth_tables=truth_tables,
    count_calls=count_calls,
)
