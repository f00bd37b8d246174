"""Cosines between true directions and learned atoms."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth


def cosines(explanation: DictionaryExplanation, truth: DictionaryTruth) -> Float[Tensor, "g m"]:
    """Signed cosine of every true direction with every atom; 0 for atoms of length 0."""
    assert truth.directions is not None, "declared in `needs`"
    unit = torch.nn.functional.normalize
    return unit(truth.directions.float(), dim=1) @ unit(explanation.atoms.float(), dim=1).T
