"""The model contrast score against closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth, Contrast
from benchmark.families.attribution.metrics.model_contrast import model_contrast, region_attribution
from benchmark.families.attribution.trivial import trivial
from benchmark.families.family import Labelled

POSED, TRUTH = trivial(0)
REGION = TRUTH.masks[""]


def labelled(attributions: torch.Tensor, *, used: bool, pair: str = "", region: torch.Tensor = REGION) -> Labelled:
    truth = AttributionTruth({"": REGION}, ~REGION, Contrast(region, used, pair))
    return Labelled("m", f"{pair}{used}", 0, AttributionExplanation(attributions.float()), truth, POSED)


def test_what_follows_the_model_scores_one_and_what_does_not_look_scores_zero() -> None:
    both = [labelled(REGION, used=True), labelled(~REGION, used=False)]
    assert model_contrast(both) == [{"": 1.0, "used": 1.0, "unused": 0.0}] * 2
    assert model_contrast(both[::-1]) == [{"": 1.0, "used": 1.0, "unused": 0.0}] * 2
    blind = torch.randn(REGION.shape)
    assert model_contrast([labelled(blind, used=True), labelled(blind, used=False)])[0][""] == 0
    turned = [labelled(~REGION, used=True), labelled(REGION, used=False)]
    assert model_contrast(turned)[0][""] == -1


def test_region_attribution_clips_scales_and_ignores_what_speaks_against() -> None:
    ramp = torch.arange(101.0)[None] - 0.0
    last = torch.zeros(1, 101, dtype=torch.bool)
    last[:, -2:] = True
    assert region_attribution(AttributionExplanation(ramp), last) == pytest.approx(1), "0 to 99, the outlier cut off"
    assert region_attribution(AttributionExplanation(5 * ramp), last) == pytest.approx(1)
    assert region_attribution(AttributionExplanation(-ramp), last) == 0
    assert region_attribution(AttributionExplanation(torch.ones_like(ramp)), last) == 0, "marks nothing in particular"


def test_channels_are_summed_after_signs_are_cut() -> None:
    attributions = torch.zeros(1, 2, 4, 4)
    attributions[0, :, 0, 0] = torch.tensor([-1.0, 1.0])
    region = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    region[0, 1, 0, 0] = True
    assert region_attribution(AttributionExplanation(attributions), region) == 1


def test_pairs_are_apart_and_a_half_one_has_no_value() -> None:
    half = labelled(REGION, used=True, pair="other")
    both = [labelled(REGION, used=True), half, labelled(~REGION, used=False)]
    assert model_contrast(both)[1] is None
    with pytest.raises(Unsupported, match="both models"):
        model_contrast([half])


def test_what_does_not_belong_together_is_refused() -> None:
    user, other = labelled(REGION, used=True), labelled(REGION, used=False)
    with pytest.raises(TouchstoneError, match="same inputs"):
        model_contrast([user, replace(other, question=replace(POSED, inputs=POSED.inputs + 1))])
    with pytest.raises(TouchstoneError, match="share a region"):
        model_contrast([user, labelled(REGION, used=False, region=~REGION)])
    with pytest.raises(TouchstoneError, match="two variants for one side"):
        model_contrast([user, user])
