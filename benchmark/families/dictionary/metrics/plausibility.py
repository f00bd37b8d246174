"""Plausibility: do atoms point where the model's own classifier looks?

    mean over classes k of  max over atoms j of  cos(v_k, d_j)

v_k are the classification directions: rows of the read-out less their mean, for a softmax does not change when all
logits change alike. After Fel et al. 2025 (arXiv:2502.12892), whose definition is given as it was recalled; whether
they take the mean away is not known to us. A read-out says how a class is read from activations, `directions` may say
how a concept is written there; the two need not be the same.

It is a mean of cosines, and pays for pointing nearly there: random atoms have well above 0, and the class means of
activations that have collapsed onto their classes have nearly all of it.
"""

from __future__ import annotations

from torch.nn.functional import normalize

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.plugins import metric


@metric(range=(-1.0, 1.0), direction="higher", perfect=1.0, needs=("class_directions",), cites="arXiv:2502.12892")
def plausibility(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Mean over classes of the greatest signed cosine of an atom with the class direction."""
    assert truth.class_directions is not None, "declared in `needs`"
    cosines = normalize(truth.class_directions.float(), dim=1) @ normalize(explanation.atoms.float(), dim=1).T
    return float(cosines.amax(1).mean())
