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
    part: str,
    first: str,
    score: Score,
    lacking: str,
) -> list[dict[str, float] | None]:
    """`score(one, other, region)` of every two variants that belong together, for both of them.

    `part` names what of the truth is compared, and `first` the flag of it that is True in the variant that comes first.

    Raises:
        Unsupported: no pair is complete, as where the method failed on one of its variants: `lacking` says of what.
        TouchstoneError: the variants of a pair do not share a region, or are more than two.
    """
    pairs: dict[str, dict[bool, Labelled]] = {}
    parts: list[Contrast | Alteration] = [getattr(one.truth, part) for one in explanations]
    for one, own in zip(explanations, parts, strict=True):
        sides, side = pairs.setdefault(own.pair, {}), bool(getattr(own, first))
        if side in sides:
            raise TouchstoneError(f"got two variants for one side of pair {own.pair!r}: {one.variant}")
        sides[side] = one
    found = {}
    for pair, sides in pairs.items():
        if len(sides) == 2:
            region, same = (getattr(sides[side].truth, part).region.cpu() for side in (True, False))
            if not torch.equal(region, same):
                names = f"{sides[True].variant} and {sides[False].variant}"
                raise TouchstoneError(f"variants {names} do not share a region")
            found[pair] = score(sides[True], sides[False], region)
    if not found:
        raise Unsupported(f"no pair of variants is complete: explanations of both {lacking} are needed")
    return [found.get(own.pair) for own in parts]


def region_attribution(explanation: AttributionExplanation, region: Bool[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """a(x) of each input, from 0 to 1: how strongly its region is marked on the scale of its own map."""
    positive = explanation.attributions.double().clamp(min=0)
    if positive.ndim == 4:
        positive, region = positive.sum(1), region.any(1)
    strengths, inside = positive.flatten(1), region.flatten(1)
    least, most = strengths.amin(1, keepdim=True), strengths.quantile(CLIPPED, dim=1, keepdim=True)
    scaled = ((strengths - least) / (most - least).clamp(min=1e-300)).clamp(max=1)
    return (scaled * inside).sum(1) / inside.sum(1)
