"""How many true features of several dimensions have atoms that span them?

A circle in a plane has no direction of its own, and a dictionary writes it with several atoms around it (Engels et al.
2024, arXiv:2405.14860). So the plane is asked for: the atoms within 26 degrees of it must together span a plane of
which every direction is that near. One atom of a plane is not half of it, and atoms that mix two features are near
neither. For features of one dimension it is `recall_at_cosine_0.9`, but for signs.

Chance: a random direction in d dimensions is so near a plane with probability 0.19^(d / 2 - 1), 10^-11 where d = 32.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.subspaces import found_by
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("subspaces",), cites="arXiv:2405.14860")
def subspace_recall(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Share of true subspaces that the atoms find (`found_by`)."""
    assert truth.subspaces is not None, "declared in `needs`"
    return sum(found_by(explanation.atoms, one) for one in truth.subspaces) / len(truth.subspaces)
