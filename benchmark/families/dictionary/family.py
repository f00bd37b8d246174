"""The dictionary family, as the engine knows it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.dictionary import DictionaryExplanation, blinded, check
from benchmark.families.dictionary.trivial import JUDGE, TEMPLATE, trivial
from benchmark.families.family import Case, Family, Picture


def _pictures(cases: Sequence[Case]) -> Sequence[Picture]:
    from benchmark.families.dictionary.pictures import pictures  # drawing libraries are loaded by whoever draws

    return pictures(cases)


FAMILY = Family(
    name="dictionary",
    explanation=DictionaryExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=_pictures,
    blinded=blinded,
)
