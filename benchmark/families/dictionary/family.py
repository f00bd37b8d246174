"""The dictionary family, as the engine knows it."""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, blinded, check
from benchmark.families.dictionary.tables import question_tables, truth_tables
from benchmark.families.dictionary.trivial import JUDGE, TEMPLATE, trivial
from benchmark.families.family import Family, drawn_by

FAMILY = Family(
    name="dictionary",
    explanation=DictionaryExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=drawn_by("benchmark.families.dictionary.pictures"),
    question_tables=question_tables,
    truth_tables=truth_tables,
    blinded=blinded,
)
