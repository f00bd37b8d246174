"""The circuit family, as the engine knows it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.circuit import CircuitExplanation, check, count_calls
from benchmark.families.circuit.trivial import JUDGE, TEMPLATE, trivial
from benchmark.families.family import Case, Family, Picture


def _pictures(cases: Sequence[Case]) -> Sequence[Picture]:
    from benchmark.families.circuit.pictures import pictures  # drawing libraries are loaded by whoever draws

    return pictures(cases)


FAMILY = Family(
    name="circuit",
    explanation=CircuitExplanation,
    check=check,
    trivial=trivial,
    judge=JUDGE,
    template=TEMPLATE,
    pictures=_pictures,
    count_calls=count_calls,
)
