"""Input independence rate (Yang and Kim 2019, arXiv:1907.09701): does a change that does not matter leave the map?

    input_independence_rate = share of inputs with  |a(x altered) - a(x)| <= 0.1 a(x)

One model is asked about pairs of inputs that differ in a region and get the same answer, as where an object that the
model ignores has another colour. The region attribution a(x) stands in `_pairs.py`. The paper searches for a patch that
leaves the output where it was; a task here may alter what the model is shown to ignore, within its distribution.

It asks for no more than steadiness: a map that is the same for all inputs has 1, and so has one of zeros. It is to be
read beside `input_dependence_rate`, where these have no more than chance.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool
from torch import Tensor

from benchmark.families.attribution.metrics._pairs import each_pair, region_attribution
from benchmark.families.family import Labelled
from benchmark.plugins import metric

STEADY = 0.1
"""By so much of itself a region's attribution may differ."""


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:1907.09701", needs=("alteration",), scope="variants")
def input_independence_rate(explanations: Sequence[Labelled]) -> list[dict[str, float] | None]:
    """On how many inputs the alteration leaves the region's attribution; one value for both variants of a pair.

    Raises:
        Unsupported: no pair is complete, as where the method failed on one of its variants.
        TouchstoneError: the variants of a pair do not share a region, or are more than two.
    """
    return each_pair(explanations, "alteration", "altered", _rate, "inputs")


def _rate(altered: Labelled, plain: Labelled, region: Bool[Tensor, "n ..."]) -> dict[str, float]:
    before, after = (region_attribution(one.explanation, region) for one in (plain, altered))
    return {"": float(((after - before).abs() <= STEADY * before).double().mean())}
