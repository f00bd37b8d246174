"""Out of data: how far from all training activations do atoms point?

    mean over atoms i of  1 - max over training rows j of  cos(d_i, a_j - b)

b is the dictionary's bias, from which atoms start; with b = 0 it is what Fel et al. 2025 (arXiv:2502.12892) measure, by
a definition that is given as it was recalled. There less is better. It knows no truth, and true directions do not have
0: where every row holds several concepts, none lies along one. So it tells where atoms lie, and nothing of how good
they are. Training rows have 0.
"""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion
from benchmark.plugins import metric


@metric(range=(0.0, 2.0), direction="lower", truth_free=True, cites="arXiv:2502.12892")
def out_of_data(explanation: DictionaryExplanation, question: DictionaryQuestion) -> float:
    """Mean over atoms of 1 less the greatest cosine with a training row, seen from the bias; 1 for an empty atom."""
    rows = normalize(question.train - explanation.bias, dim=1)
    atoms = normalize(explanation.atoms, dim=1)
    nearest = torch.stack([(part @ atoms.T).amax(0) for part in rows.split(8192)]).amax(0)
    return float((1 - nearest).clamp(0, 2).mean())
