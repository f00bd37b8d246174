"""Where attribution lies, how far from where it should, and how it is divided among features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import wasserstein_distance

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics.emd import emd
from benchmark.families.attribution.metrics.false_positive_mass import false_positive_mass
from benchmark.families.attribution.metrics.feature_precision import feature_precision
from benchmark.families.attribution.metrics.pointing_game import pointing_game
from benchmark.families.attribution.metrics.rank_accuracy import rank_accuracy
from benchmark.families.attribution.metrics.uniformity_score import uniformity_score

WIDTH = 9
maps = arrays(np.float64, WIDTH, elements=st.floats(0, 5).map(lambda x: round(x, 2)))
masks = arrays(np.bool_, WIDTH).filter(lambda mask: mask.any() and not mask.all())


def row(values: np.ndarray) -> torch.Tensor:
    """As one input of one channel and a row of places."""
    return torch.as_tensor(np.asarray(values))[None, None]


def explained(values: object) -> AttributionExplanation:
    return AttributionExplanation(torch.as_tensor(np.asarray(values), dtype=torch.float32))


@settings(max_examples=60, deadline=None)
@given(values=maps, mask=masks)
def test_on_a_row_transport_is_the_wasserstein_distance(values: np.ndarray, mask: np.ndarray) -> None:
    mass = values if values.sum() > 0 else np.ones(WIDTH)
    places = np.arange(WIDTH)
    expected = 1 - wasserstein_distance(places, places, mass, mask.astype(float)) / (WIDTH - 1)
    found = emd(AttributionExplanation(row(values).float()), AttributionTruth({"": row(mask)}))
    assert found == pytest.approx(expected, abs=1e-6)


def test_corners_are_as_far_apart_as_can_be_and_channels_lie_at_one_place() -> None:
    mask = torch.zeros(1, 2, 8, 8, dtype=torch.bool)
    mask[0, 0, 0, 0] = True
    truth = AttributionTruth({"": mask})
    assert emd(AttributionExplanation(mask.float().flip(2, 3)), truth) == pytest.approx(0, abs=1e-9)
    assert emd(AttributionExplanation(mask.float().flip(1)), truth) == pytest.approx(1)
    beside = torch.zeros(1, 2, 8, 8)
    beside[0, 0, 0, 1] = 2
    assert emd(AttributionExplanation(beside), truth) == pytest.approx(1 - 1 / (7 * 2**0.5))


def test_columns_of_a_table_have_no_distance() -> None:
    with pytest.raises(Unsupported, match="row or a grid"):
        emd(explained(np.ones((2, 3))), AttributionTruth({"": torch.eye(2, 3).bool()}))


def test_the_strongest_entry_is_in_the_truth_or_not_and_ties_share() -> None:
    mask = torch.tensor([[True, False, False, False]] * 3)
    found = pointing_game(explained([[2, 1, 0, 0], [-1, 3, 0, 0], [1, -1, 0, 0]]), AttributionTruth({"": mask}))
    assert found[""] == pytest.approx((1 + 0 + 0.5) / 3)


def test_the_mass_on_the_zero_set() -> None:
    mask = torch.tensor([[True, False, False, False]] * 2)
    zero = torch.tensor([[False, False, True, True]] * 2)
    truth = AttributionTruth({"": mask}, zero_set=zero)
    assert false_positive_mass(explained([[1, 1, -2, 0], [0, 0, 0, 0]]), truth) == pytest.approx((0.5 + 0.5) / 2)
    empty = AttributionTruth({"": mask}, zero_set=torch.ones_like(zero))
    with pytest.raises(Unsupported, match="inside and outside"):
        false_positive_mass(explained(np.ones((2, 4))), empty)


@settings(max_examples=40, deadline=None)
@given(values=arrays(np.float32, (4, WIDTH), elements=st.sampled_from([-2.0, 0.0, 0.0, 0.5, 1.0])), mask=masks)
def test_feature_precision_is_rank_accuracy_and_that_of_the_mean(values: np.ndarray, mask: np.ndarray) -> None:
    truth = AttributionTruth({"": torch.as_tensor(np.tile(mask, (4, 1)))})
    found = feature_precision(explained(values), truth)
    assert found[""] == pytest.approx(rank_accuracy(explained(values), truth)[""])
    one = AttributionTruth({"": torch.as_tensor(mask)[None]})
    assert found["all"] == pytest.approx(rank_accuracy(explained(np.abs(values).mean(0, keepdims=True)), one)[""])


def test_of_truths_that_change_there_is_no_common_ranking() -> None:
    assert set(feature_precision(explained(np.ones((3, 3))), AttributionTruth({"": torch.eye(3).bool()}))) == {""}


def test_weights_are_compared_among_relevant_features_by_magnitude() -> None:
    mask = torch.tensor([[True, True, False]])
    due = {"derivative": torch.tensor([[-1.0, 3.0, 9.0]]), "ablation": torch.tensor([[2.0, 2.0, 0.0]])}
    truth = AttributionTruth({"": mask}, references=due)
    found = uniformity_score(explained([[1, 1, 5]]), truth)
    assert found["ablation"] == pytest.approx(1)
    assert found["derivative"] == pytest.approx(1 - (0.25 / 0.75 + 0.25 / 1.25) / 2)
    assert found[""] == found["ablation"]
    assert uniformity_score(explained([[-2, 6, 0]]), truth)["derivative"] == pytest.approx(1)
    assert uniformity_score(explained([[0, 0, 7]]), truth)["ablation"] == pytest.approx(1)


def test_a_single_relevant_feature_divides_nothing() -> None:
    truth = AttributionTruth({"": torch.eye(3).bool()}, references={"derivative": torch.ones(3, 3)})
    with pytest.raises(Unsupported, match="two relevant features"):
        uniformity_score(explained(np.ones((3, 3))), truth)


def test_references_have_the_shape_of_the_masks() -> None:
    with pytest.raises(ValueError, match=r"reference 'derivative'.*expected floats \[3, 3\]"):
        AttributionTruth({"": torch.eye(3).bool()}, references={"derivative": torch.ones(3, 2)})
