"""Loss recovered: how much of what a model knows is still there when a reconstruction takes the activations' place.

    (CE(0) - CE(reconstruction)) / (CE(0) - CE(activations)),      CE: the cross-entropy of the model's next answer

1 where nothing is lost, 0 where activations of zero do as well (as in Karvonen et al. 2024, arXiv:2408.00113). It needs
no truth: a reconstruction may serve the model and be made of atoms that mean nothing.
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth
from benchmark.plugins import metric


@metric(range=(-1e999, 1e999), direction="higher", truth_free=True, needs=("loss",), cites="arXiv:2408.00113", draws=12)
def loss_recovered(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> float:
    """The share of the loss of no activations that the reconstruction of the test rows takes away.

    Raises:
        Unsupported: the model does no better with its activations than with zeros.
    """
    loss = truth.loss
    assert loss is not None, "declared in `needs`"
    activations = question.test[loss.rows]
    rebuilt = explanation.test_codes[loss.rows] @ explanation.atoms + explanation.bias
    none, whole, kept = (
        float(loss.of(given).mean()) for given in (torch.zeros_like(activations), activations, rebuilt)
    )
    if none - whole <= 0:
        raise Unsupported(f"got a loss of {whole:.3g} with the activations and {none:.3g} without: nothing is lost")
    return (none - kept) / (none - whole)
