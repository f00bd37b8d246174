"""References of the description family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmark.errors import TouchstoneError
from benchmark.families.description import DescriptionExplanation, DescriptionQuestion, DescriptionTruth
from benchmark.plugins import reference


def _explanation(texts: Sequence[str], programs: Sequence[str]) -> DescriptionExplanation:
    empty = "\n" * (len(texts) - 1)
    return DescriptionExplanation(
        "\n".join(texts), "\n".join(programs), empty, torch.zeros(len(texts), dtype=torch.int64)
    )


@reference(draws=True)
def random(
    question: DescriptionQuestion, truth: DescriptionTruth, generator: torch.Generator
) -> DescriptionExplanation:
    """Swapped descriptions: every box gets the true description of another one (Sattolo's cyclic permutation)."""
    count = len(question.boxes)
    if count < 2:
        raise TouchstoneError(
            f"got {count} function, expected at least 2: a description can only be swapped with another's"
        )
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = int(torch.randint(last, (), generator=generator))
        order[last], order[other] = order[other], order[last]
    return _explanation([truth.sentences[i] for i in order], [truth.programs[i] for i in order])


@reference()
def oracle(truth: DescriptionTruth) -> DescriptionExplanation:
    """The canonical sentence and program of every function."""
    return _explanation(truth.sentences, truth.programs)


@reference()
def without_exceptions(truth: DescriptionTruth) -> DescriptionExplanation:
    """The truth but for its exceptions: what a perfect description of the global function alone is worth."""
    return _explanation(truth.sentences, truth.plain)
