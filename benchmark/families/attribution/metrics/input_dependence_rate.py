"""Input dependence rate (Yang and Kim 2019, arXiv:1907.09701): is a place marked less once what it shows is not used?

    input_dependence_rate = share of inputs with  a(x where the region is used) > a(x where it is not)

One model is asked about pairs of inputs that differ in a region: what lies there matters to the model in the one and
not in the other, as where an object is laid on a part of the scene that a classifier of scenes has read. The paper
pastes the object on a scene that had none, and calls the rest, 1 - rate, false positives. The region attribution a(x)
stands in `_pairs.py`. Even values count one half, so that a map which is the same for both inputs has 0.5, and so have
random ones. Who marks objects whatever the model reads has 1 with a model that reads objects and 0 with one that reads
scenes.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool
from torch import Tensor

from benchmark.families.attribution.metrics._pairs import each_pair, region_attribution
from benchmark.families.family import Labelled
from benchmark.plugins import metric


@metric(
    range=(0.0, 1.0),
    direction="higher",
    perfect=1.0,
    cites="arXiv:1907.09701",
    needs=("input_contrast",),
    scope="variants",
)
def input_dependence_rate(explanations: Sequence[Labelled]) -> list[dict[str, float] | None]:
    """On how many inputs the region is marked more where it is used; one value for both variants of a pair.

    Raises:
        Unsupported: no pair is complete, as where the method failed on one of its variants.
        TouchstoneError: the variants of a pair do not share a region, or are more than two.
    """
    return each_pair(explanations, "input_contrast", "used", _rate, "inputs")


def _rate(user: Labelled, other: Labelled, region: Bool[Tensor, "n ..."]) -> dict[str, float]:
    used, unused = (region_attribution(one.explanation, region) for one in (user, other))
    return {"": float(((used > unused).double() + (used == unused).double() / 2).mean())}
