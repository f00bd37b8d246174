"""The circuit family, as the engine knows it."""

from __future__ import annotations

from benchmark.families.circuit import CircuitExplanation, check, count_calls
from benchmark.families.circuit.tables import question_tables, truth_tables
from benchmark.families.circuit.trivial import JUDGE, TEMPLATE, trivial
from benchmark.families.family import Family, drawn_by

FAMILY = Family(
    name="circuit",
    explanation=CircuitExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=drawn_by("benchmark.families.circuit.pictures"),
    question_tables=question_tables,
    truth_tables=truth_tables,
    count_calls=count_calls,
)
