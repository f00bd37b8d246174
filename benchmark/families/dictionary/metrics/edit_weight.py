"""Edit weight: does an edit take out as much of the activation as the attribute is?

    w_j = f_j d_j.z / |z|^2,      z = sum_j f_j d_j,      so that the weights of a row sum to 1

(Makelov, Lange and Nanda 2024). The weight of an edit is the sum over the atoms that it removes. It would be 0 of an
edit that changes nothing and 1 of one that exchanges everything; the attribute's own weight lies between. The score
is the distance from there, so that it has a best value. It says nothing of where an edit leads: see `edit_success`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.families.dictionary.metrics._edits import edits
from benchmark.plugins import metric


@metric(
    range=(0.0, 1e999),
    direction="lower",
    perfect=0.0,
    needs=("alternatives", "directions", "test_codes"),
    cites="arXiv:2405.08366",
)
def edit_weight(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> float:
    """Mean distance of the removed weight from the attribute's own, over rows and attributes; 1 without any edit."""
    assert truth.alternatives is not None
    assert truth.directions is not None
    assert truth.test_codes is not None
    apart = []
    for edit in edits(explanation, truth, question):
        planted = truth.test_codes[edit.rows]
        columns = list(truth.alternatives[edit.attribute])
        alone = torch.zeros_like(planted)
        alone[:, columns] = planted[:, columns]
        own = weight(alone, planted, truth.directions)
        apart.append(weight(edit.removed, explanation.test_codes[edit.rows], explanation.atoms) - own)
    distances = torch.cat(apart).abs()
    return float(distances.mean()) if len(distances) else 1.0


def weight(part: Float[Tensor, "e m"], codes: Float[Tensor, "e m"], atoms: Float[Tensor, "m d"]) -> Float[Tensor, " e"]:
    """The share of a part of the codes in what all of them reconstruct; 0 where they reconstruct nothing."""
    whole = codes @ atoms
    return ((part @ atoms) * whole).sum(1) / whole.square().sum(1).clamp(min=1e-12)
