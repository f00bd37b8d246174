"""The probing family, as the engine knows it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.family import Case, Family, Picture
from benchmark.families.probing import ProbingExplanation, check
from benchmark.families.probing.trivial import JUDGE, TEMPLATE, trivial


def _pictures(cases: Sequence[Case]) -> Sequence[Picture]:
    from benchmark.families.probing.pictures import pictures  # drawing libraries are loaded by whoever draws

    return pictures(cases)


FAMILY = Family(
    name="probing",
    explanation=ProbingExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=_pictures,
)
