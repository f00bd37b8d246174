"""Key frequencies recovered: of the subspaces that a network uses, how many does some atom lie in?

In modular arithmetic a feature is a frequency, a plane in which an angle turns (Nanda et al. 2023, arXiv:2301.05217).
One atom within 26 degrees of the plane tells which frequency is used, and nothing of the angle across it;
`subspace_recall` asks for atoms that span the plane.
"""

from __future__ import annotations

import torch

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.subspaces import COSINE
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("subspaces",), cites="arXiv:2301.05217")
def key_frequency_recall(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Share of true subspaces with an atom of cosine above 0.9."""
    assert truth.subspaces is not None, "declared in `needs`"
    unit = torch.nn.functional.normalize(explanation.atoms, dim=1)
    named = [bool(((unit @ subspace.T).norm(dim=1) > COSINE).any()) for subspace in truth.subspaces]
    return sum(named) / len(named)
