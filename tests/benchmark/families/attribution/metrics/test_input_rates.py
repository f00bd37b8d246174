"""Input dependence and independence against closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import Alteration, AttributionExplanation, AttributionTruth, Contrast
from benchmark.families.attribution.metrics.input_dependence_rate import input_dependence_rate
from benchmark.families.attribution.metrics.input_independence_rate import input_independence_rate
from benchmark.families.attribution.trivial import trivial
from benchmark.families.family import Labelled

POSED, TRUTH = trivial(0)
REGION = TRUTH.masks[""]
OTHER = replace(POSED, inputs=POSED.inputs + 1)


def labelled(attributions: Tensor, first: bool, *, pair: str = "", region: Tensor = REGION) -> Labelled:
    """Of the first variant, whose region is used and as it was, or of the second."""
    truth = AttributionTruth(
        {"": REGION}, input_contrast=Contrast(region, first, pair), alteration=Alteration(region, not first, pair)
    )
    made = AttributionExplanation(attributions.float())
    return Labelled("m", f"{pair} {first}", 0, made, truth, POSED if first else OTHER)


def marked(share: float) -> Tensor:
    """A map whose region attribution is `share`: the rest is 0 but for the last row, which is 1."""
    values = torch.where(REGION, share, 0.0)
    values[:, :, -1] = 1
    return values


@pytest.mark.parametrize(("used", "unused", "rate"), [(0.6, 0.4, 1.0), (0.4, 0.6, 0.0), (0.5, 0.5, 0.5)])
def test_a_region_should_be_marked_more_where_it_is_used(used: float, unused: float, rate: float) -> None:
    both = [labelled(marked(used), True), labelled(marked(unused), False)]
    assert input_dependence_rate(both) == [{"": rate}] * 2
    assert input_dependence_rate(both[::-1]) == [{"": rate}] * 2


def test_dependence_is_a_share_of_inputs() -> None:
    mixed = marked(0.5)
    mixed[: len(mixed) // 4] = marked(0.9)[: len(mixed) // 4]
    mixed[-len(mixed) // 4 :] = marked(0.1)[-len(mixed) // 4 :]
    assert input_dependence_rate([labelled(mixed, True), labelled(marked(0.2), False)])[0] == {"": 0.75}


@pytest.mark.parametrize(("after", "rate"), [(0.54, 1.0), (0.46, 1.0), (0.56, 0.0), (0.44, 0.0)])
def test_a_change_that_does_not_matter_may_move_a_tenth(after: float, rate: float) -> None:
    both = [labelled(marked(0.5), True), labelled(marked(after), False)]
    assert input_independence_rate(both) == [{"": rate}] * 2


def test_who_never_looks_is_steady_and_at_chance() -> None:
    still = torch.randn(REGION.shape, generator=torch.Generator().manual_seed(0))
    for one in (still, torch.zeros_like(still)):
        both = [labelled(one, True), labelled(one, False)]
        assert input_dependence_rate(both)[0] == {"": 0.5}
        assert input_independence_rate(both)[0] == {"": 1.0}


@pytest.mark.parametrize("metric", [input_dependence_rate, input_independence_rate])
def test_what_does_not_belong_together_is_refused(metric) -> None:
    one, other = labelled(marked(0.5), True), labelled(marked(0.5), False)
    lone = labelled(marked(0.5), True, pair="lone")
    assert metric([one, lone, other])[1] is None
    with pytest.raises(Unsupported, match="both inputs"):
        metric([lone])
    with pytest.raises(TouchstoneError, match="share a region"):
        metric([one, labelled(marked(0.5), False, region=~REGION)])
    with pytest.raises(TouchstoneError, match="two variants for one side"):
        metric([one, one])
