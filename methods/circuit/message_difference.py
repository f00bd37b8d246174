"""Message difference, a control: an edge counts by how far what it carries moves from corrupted to clean inputs.

    s_e = || mean over pairs of (clean message - corrupted message) ||

It looks at activations and never at what the answer makes of them: it marks every edge that carries the signal, those
into units that pass nothing on as well. What it reaches is had without knowing what is used.
"""

from __future__ import annotations

from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method


@circuit_method(cites="arXiv:2309.16042", control=True)
def message_difference(question: CircuitQuestion) -> Tensor:
    """The norm of the mean difference, in units of the message."""
    moved = (question.clean_messages - question.corrupted_messages).mean(1)
    return moved.flatten(1).norm(dim=1) if moved.dim() > 1 else moved.abs()
