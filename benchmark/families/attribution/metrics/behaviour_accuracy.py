"""Behaviour accuracy: is the answer that a user reads off an attribution right?

    behaviour_accuracy = share of asked entries with  sign a = what the output does when the entry is moved up
    spurious           = P(|a| of an entry that moves the output  >  |a| of one that does not)

Two questions that people have of a model (Bilodeau, Jaques, Koh and Kim 2024, arXiv:2212.11870), each answered from one
number of the attribution: "does the output rise with this feature here?" by its sign, "is this feature spurious here?"
by its size, against that of an entry of the other kind. Moved is one entry, up by the reach that the question names.
Zeros and ties count one half. Chance is 0.5 where as many entries rise as fall; the planted truth has 1.

The paper's theorems are about any test of that number: of attributions that are complete and linear, none need do
better than a guess, whatever is concluded from it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2212.11870", needs=("behaviours",))
def behaviour_accuracy(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The share of right signs among the asked entries that move the output; `spurious` where some do not move it.

    Raises:
        TouchstoneError: the truth is about pixels and the explanation about entries, or the other way round.
    """
    assert truth.behaviours is not None, "declared in `needs`"
    values = explanation.attributions.double()
    if values.shape != truth.behaviours.direction.shape:
        raise TouchstoneError(
            f"got attributions {list(values.shape)}, expected {list(truth.behaviours.direction.shape)} as in the truth"
        )
    asked, direction = truth.behaviours.asked.cpu(), truth.behaviours.direction.cpu()
    moving, still = asked & (direction != 0), asked & (direction == 0)
    found = {"": float((1 + values.sign() * direction)[moving].mean() / 2)}
    if bool(still.any()):
        found["spurious"] = _above(values[moving].abs(), values[still].abs())
    return found


def _above(first: Float[Tensor, " m"], second: Float[Tensor, " k"]) -> float:
    """How often a value of the first is above one of the second, ties as one half."""
    ascending = second.sort().values
    below, reached = (torch.searchsorted(ascending, first, right=right).double() for right in (False, True))
    return float((below + reached).mean() / (2 * len(second)))
