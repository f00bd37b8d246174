"""What the metrics of selections share: which entries are selected, and which carry the planted answer.

All inputs are one pool of (input, entry) pairs, as in the tests whose error rates these are: an input on which nothing
is selected is no error, and none that is to be left out.
"""

from __future__ import annotations

from jaxtyping import Bool
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._shares import fitting


def decided(explanation: AttributionExplanation, truth: AttributionTruth) -> tuple[Bool[Tensor, "n d"], ...]:
    """The selected entries, and the planted ones.

    Raises:
        Unsupported: the explanation does not decide; or nothing is planted on any input.
    """
    if explanation.selected is None:
        raise Unsupported("the explanation ranks entries and does not say which of them are used")
    return selected_entries(explanation, explanation.selected), planted_entries(explanation, truth)


def selected_entries(explanation: AttributionExplanation, selected: Bool[Tensor, "n ..."]) -> Bool[Tensor, "n d"]:
    """A selection as rows; of a pixel, one selected channel is enough."""
    return (selected.any(1) if explanation.per_pixel else selected).flatten(1)


def planted_entries(explanation: AttributionExplanation, truth: AttributionTruth) -> Bool[Tensor, "n d"]:
    """The primary truth as rows. Raises `Unsupported` where it is empty on all inputs."""
    planted = fitting(explanation, truth.masks[""])
    if not bool(planted.any()):
        raise Unsupported("the truth is empty on every input: nothing is to be found there")
    return planted
