"""Activation patching of every edge: cut one edge at a time, and see how much of the answer goes (Zhang and Nanda
2023).

    noising     s_e = value(clean run) - value(clean run, e carries the corrupted message)
    denoising   s_e = value(corrupted run, e carries the clean message) - value(corrupted run)

Exact, and one run of the model an edge. Noising finds what is necessary, so it misses edges that have a substitute;
denoising finds what is sufficient, so it misses edges that need company (arXiv:2505.10039).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method


@circuit_method(cites="arXiv:2309.16042")
def activation_patching(
    question: CircuitQuestion, *, direction: Literal["noising", "denoising"] = "noising", at_once: int = 16
) -> Tensor:
    """The mean effect of each edge, in units of the value; `at_once` edges are cut in one batch of runs."""
    run, sign = (question.values, 1.0) if direction == "noising" else (question.restored, -1.0)
    with torch.no_grad():
        whole = run(torch.ones(question.size)).mean()
        cuts = (1 - torch.eye(question.size)).split(at_once)
        return sign * (whole - torch.cat([run(cut).mean(-1) for cut in cuts]))
