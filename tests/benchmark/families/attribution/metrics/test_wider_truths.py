"""Truths that are "nothing" on some inputs, and truths about pixels of several channels."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics.auroc import auroc
from benchmark.families.attribution.metrics.average_precision import average_precision
from benchmark.families.attribution.metrics.null_share import null_share
from benchmark.families.attribution.metrics.rank_accuracy import rank_accuracy
from benchmark.families.attribution.metrics.truth_mass import truth_mass

MASKED = (rank_accuracy, truth_mass, auroc, average_precision)
SIZE = 24


def truth_of(mask: torch.Tensor) -> AttributionTruth:
    return AttributionTruth({"": mask}, ~mask)


def test_inputs_where_nothing_is_to_be_found_are_left_out_of_the_mean() -> None:
    generator = torch.Generator().manual_seed(3)
    values, mask = torch.randn(6, SIZE, generator=generator), torch.rand(6, SIZE, generator=generator) < 0.3
    mask[:, 0], mask[:, 1] = True, False
    some = mask.clone()
    some[[1, 4]] = False
    kept = [0, 2, 3, 5]
    for metric in MASKED:
        assert metric(AttributionExplanation(values), truth_of(some)) == metric(
            AttributionExplanation(values[kept]), truth_of(mask[kept])
        )
        with pytest.raises(Unsupported, match="empty on every input"):
            metric(AttributionExplanation(values), AttributionTruth({"": torch.zeros_like(mask)}))
        finer = AttributionTruth({"": mask, "finer": torch.zeros_like(mask)})
        assert list(metric(AttributionExplanation(values), finer)) == [""], "no value where it is empty everywhere"
    assert null_share(AttributionExplanation(values), truth_of(some)) == null_share(
        AttributionExplanation(values[kept]), truth_of(mask[kept])
    )
    with pytest.raises(Unsupported, match="any explanation scores the same"):
        null_share(
            AttributionExplanation(values), AttributionTruth({"": torch.zeros_like(mask)}, torch.ones_like(mask))
        )


def test_a_truth_about_pixels_meets_explanations_about_pixels() -> None:
    mask = torch.zeros(2, 1, 2, 2, dtype=torch.bool)
    mask[:, :, 0, 0] = True
    values = torch.zeros(2, 3, 2, 2)
    values[:, :, 0, 0], values[:, 0, 1, 1] = -1.0, 2.0  # 3 in all against 2
    for metric in MASKED:
        assert metric(AttributionExplanation(values, True), AttributionTruth({"": mask}))[""] >= 0.6
        with pytest.raises(TouchstoneError, match="per pixel"):
            metric(AttributionExplanation(values), AttributionTruth({"": mask}))
    assert truth_mass(AttributionExplanation(values, True), AttributionTruth({"": mask}))[""] == pytest.approx(0.6)
