"""The attribution family, as the engine knows it."""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, check, count_calls, taught
from benchmark.families.attribution.readings import READINGS, read
from benchmark.families.attribution.tables import question_tables, truth_tables
from benchmark.families.attribution.trivial import JUDGE, TEMPLATE, trivial
from benchmark.families.family import Family, drawn_by

FAMILY = Family(
    name="attribution",
    explanation=AttributionExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=drawn_by("benchmark.families.attribution.pictures"),
    question_tables=question_tables,
    truth_tables=truth_tables,
    count_calls=count_calls,
    taught=taught,
    readings=READINGS,
    read=read,
)
