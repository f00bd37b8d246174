"""What a model says for the targets of a question, in chunks that fit the memory."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion

CHUNK = 1000
"""Inputs at a time."""


def outputs(question: AttributionQuestion, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """The logit of each question's target on other inputs in the same order; the output itself without targets."""
    found = []
    targets = question.targets
    with torch.no_grad():
        for start in range(0, len(inputs), CHUNK):
            said: Tensor = question.model(inputs[start : start + CHUNK])
            if targets is not None:
                said = said.gather(1, targets[start : start + CHUNK, None])[:, 0]
            found.append(said.reshape(-1))
    return torch.cat(found)


def probabilities(question: AttributionQuestion, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """The softmax probability of each target; without targets the output itself."""
    if question.targets is None:
        return outputs(question, inputs)
    found = []
    with torch.no_grad():
        for start in range(0, len(inputs), CHUNK):
            said: Tensor = question.model(inputs[start : start + CHUNK]).softmax(1)
            found.append(said.gather(1, question.targets[start : start + CHUNK, None])[:, 0])
    return torch.cat(found)
