"""Repeated evaluation: move each entry as far as the question says, and look at what the model does (Bilodeau, Jaques,
Koh and Kim 2024).

    A_j(x) = sign(f(x + r e_j) - f(x))  max over k of |f(x + (k/K) r e_j) - f(x)|,      k = 1, ..., K

The sign says where the output goes, the size whether it moves on the way. It costs K evaluations an entry and answers
the question that was asked and no other; where none is asked, at no distance, it does not apply.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import select


@attribution_method(cites="arXiv:2212.11870")
@torch.no_grad()
def repeated_evaluation(question: AttributionQuestion, *, evaluations: int = 4) -> Tensor:
    """The output's moves at `evaluations` points of each entry's way.

    Raises:
        Unsupported: the question names no reach.
    """
    if question.reach is None:
        raise Unsupported("repeated_evaluation answers what the output does at a distance, and the question names none")
    start = select(question.model(question.inputs), question.targets)
    flat = question.inputs.flatten(1)
    found = torch.zeros_like(flat)
    for entry in range(flat.shape[1]):
        way = []
        for step in range(1, evaluations + 1):
            moved = flat.clone()
            moved[:, entry] += question.reach * step / evaluations
            way.append(select(question.model(moved.view(question.inputs.shape)), question.targets) - start)
        found[:, entry] = way[-1].sign() * torch.stack(way).abs().amax(0)
    return found.view(question.inputs.shape)
