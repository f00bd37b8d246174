"""Overlap of a method's subspaces with the planted ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingExplanation, ProbingTruth

NO_SUBSPACE = "the method names no subspace"


@dataclass(frozen=True)
class Overlap:
    """Two subspaces of one concept."""

    concept: int
    found: int
    """Dimension of the subspace that the method returned."""
    planted: int
    cosines: Float[Tensor, " k"]
    """Cosines of the min(found, planted) principal angles, largest first."""


def overlaps(explanation: ProbingExplanation, truth: ProbingTruth) -> Iterator[Overlap]:
    """One `Overlap` per real concept that has a planted subspace. Declines a method that names no subspace."""
    assert truth.subspaces is not None, "declared in `needs`"
    if explanation.subspace is None:
        raise Unsupported(NO_SUBSPACE)
    for concept in truth.real:
        found, planted = (
            rows[rows.norm(dim=1) > 0.5] for rows in (explanation.subspace[concept], truth.subspaces[concept])
        )
        if len(planted):
            cosines = torch.linalg.svdvals(found @ planted.T).clamp(0, 1) if len(found) else planted.new_zeros(0)
            yield Overlap(concept, len(found), len(planted), cosines)
