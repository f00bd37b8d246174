"""What the metrics over pairs of variants share: which belong together, and how strongly a region is marked.

Region attribution a(x) is that of Yang and Kim 2019 (arXiv:1907.09701): positive parts are summed over channels,
clipped at the 99th percentile of the picture, scaled to [0, 1] by its least and greatest value, and averaged over the
region. A map that is the same everywhere marks nothing: a(x) = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import Alteration, AttributionExplanation, Contrast
from benchmark.families.family import Labelled

CLIPPED = 0.99
"""The quantile of a map above which all values count as the greatest."""

Score = Callable[[Labelled, Labelled, Bool[Tensor, "n ..."]], dict[str, float]]


def each_pair(
    explanations: Sequence[Labelled],
    part: Callable[[Labelled], Contrast | Alteration],
    first: Callable[[Labelled], bool],
    score: Score,
    lacking: str,
) -> list[dict[str, float] | None]:
    """`score(one, other, region)` of every two variants that belong together, for both of them.

    `part` says what is compared, and `first` which of the two variants comes first.

    Raises:
        Unsupported: no pair is complete, as where the method failed on one of its variants: `lacking` says of what.
        TouchstoneError: the variants of a pair do not share a region, or are more than two.
    """
    pairs: dict[str, dict[bool, Labelled]] = {}
    for one in explanations:
        sides = pairs.setdefault(part(one).pair, {})
        if first(one) in sides:
            raise TouchstoneError(f"got two variants for one side of pair {part(one).pair!r}: {one.variant}")
        sides[first(one)] = one
    found = {}
    for pair, sides in pairs.items():
        if len(sides) == 2:
            region, same = (part(sides[side]).region.cpu() for side in (True, False))
            if not torch.equal(region, same):
                names = f"{sides[True].variant} and {sides[False].variant}"
                raise TouchstoneError(f"variants {names} do not share a region")
            found[pair] = score(sides[True], sides[False], region)
    if not found:
        raise Unsupported(f"no pair of variants is complete: explanations of both {lacking} are needed")
    return [found.get(part(one).pair) for one in explanations]


def region_attribution(explanation: AttributionExplanation, region: Bool[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """a(x) of each input, from 0 to 1: how strongly its region is marked on the scale of its own map."""
    positive = explanation.attributions.double().clamp(min=0)
    if positive.ndim == 4:
        positive, region = positive.sum(1), region.any(1)
    strengths, inside = positive.flatten(1), region.flatten(1)
    least, most = strengths.amin(1, keepdim=True), strengths.quantile(CLIPPED, dim=1, keepdim=True)
    scaled = ((strengths - least) / (most - least).clamp(min=1e-300)).clamp(max=1)
    return (scaled * inside).sum(1) / inside.sum(1)
