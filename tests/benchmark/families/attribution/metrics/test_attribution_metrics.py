"""Metrics of attributions against closed forms, scikit-learn, and brute force over the order of ties."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.families.attribution import AttributionExplanation, AttributionTruth, references
from benchmark.families.attribution.metrics.auroc import auroc
from benchmark.families.attribution.metrics.average_precision import average_precision
from benchmark.families.attribution.metrics.null_share import null_share
from benchmark.families.attribution.metrics.rank_accuracy import rank_accuracy
from benchmark.families.attribution.metrics.truth_mass import truth_mass
from benchmark.families.attribution.trivial import trivial
from benchmark.scores import Metric, by_name
from tests.support.measuring import measure

MASKED = (rank_accuracy, truth_mass, auroc, average_precision)
POSED, TRUTH = trivial(seed=0)
SIZE = 24


def measured(metric, explanation, truth, question):
    """A metric with those of the arguments that it names, as the engine calls it."""
    return by_name(metric, explanation=explanation, truth=truth, question=question)


def explain(values) -> AttributionExplanation:
    return AttributionExplanation(torch.as_tensor(np.asarray(values), dtype=torch.float32))


def truth_of(mask) -> AttributionTruth:
    mask = torch.as_tensor(np.asarray(mask), dtype=torch.bool)
    return AttributionTruth(masks={"": mask}, zero_set=~mask)


def scores(values, mask) -> dict[str, float]:
    return {metric.__name__: measured(metric, explain(values), truth_of(mask), POSED)[""] for metric in MASKED}


# few distinct values, so that ties are common
maps = arrays(np.float32, (3, SIZE), elements=st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0, 3.0]))
masks = st.lists(st.integers(1, SIZE - 1), min_size=3, max_size=3).flatmap(
    lambda counts: st.tuples(*(st.permutations([True] * c + [False] * (SIZE - c)) for c in counts))
)


@given(maps, masks)
@settings(max_examples=30, deadline=None)
def test_scores_lie_in_their_range_and_agree_with_scikit_learn(values, mask):
    found = scores(values, mask)
    assert all(0 <= value <= 1 for value in found.values())
    strengths = np.abs(values)
    expected = np.mean([roc_auc_score(m, s) for m, s in zip(mask, strengths, strict=True)])
    assert found["auroc"] == pytest.approx(expected, abs=1e-9)
    expected = np.mean([average_precision_score(m, s) for m, s in zip(mask, strengths, strict=True)])
    assert found["average_precision"] == pytest.approx(expected, abs=1e-9)


@given(maps, masks)
@settings(max_examples=30, deadline=None)
def test_only_order_and_magnitude_matter(values, mask):
    found = scores(values, mask)
    assert scores(4 * values, mask) == pytest.approx(found)
    assert scores(-values, mask) == pytest.approx(found)
    found.pop("truth_mass")
    cubed = scores(values**3, mask)
    cubed.pop("truth_mass")
    assert cubed == pytest.approx(found)


@given(arrays(np.float32, (1, 6), elements=st.sampled_from([0.0, 1.0, 2.0])), st.permutations([1, 1, 0, 0, 0, 1]))
@settings(max_examples=30, deadline=None)
def test_ties_count_with_their_expected_value(values, mask):
    mask = np.array([mask], dtype=bool)
    count = int(mask.sum())
    shares = []
    for order in itertools.permutations(range(6)):
        top = sorted(order, key=lambda i: -values[0, i])[:count]  # stable: ties keep the permuted order
        shares.append(mask[0, top].mean())
    assert scores(values, mask)["rank_accuracy"] == pytest.approx(np.mean(shares))


@pytest.mark.parametrize("constant", [0.0, 1.0, -3.0])
def test_a_map_without_information_scores_chance(constant):
    mask = np.zeros((2, SIZE), dtype=bool)
    mask[0, :6] = mask[1, 3:9] = True
    found = scores(np.full((2, SIZE), constant), mask)
    share = pytest.approx(6 / SIZE)
    assert found == {"rank_accuracy": share, "truth_mass": share, "average_precision": share, "auroc": 0.5}
    nulls = null_share(explain(np.full((2, SIZE), constant)), truth_of(mask))
    assert list(nulls) == ["2.5%", "5%", "10%", "20%", "30%"]
    assert all(value == pytest.approx(1 - 6 / SIZE) for value in nulls.values())


def test_references_reach_ceiling_and_bottom():
    block = TRUTH.masks[""]
    inner = torch.zeros_like(block)
    inner[:, :, 1, 2:4] = True
    truth = AttributionTruth(masks={"": block, "inner": inner}, zero_set=~block)
    oracle, inverted = references.oracle(truth), references.inverted(truth)
    for metric in MASKED:
        assert measured(metric, oracle, truth, POSED) == pytest.approx({"": 1.0, "inner": 1.0}, abs=1e-3)
    for metric in (rank_accuracy, truth_mass, auroc):
        assert measured(metric, inverted, truth, POSED)[""] == 0
    assert average_precision(inverted, truth)[""] == pytest.approx(0.5)
    assert set(null_share(oracle, truth).values()) == {0.0}
    assert set(null_share(inverted, truth).values()) == {1.0}


def test_random_explanations_score_chance():
    mask = np.zeros((200, 100), dtype=bool)
    mask[:, :30] = True
    found = scores(np.random.default_rng(0).normal(size=(200, 100)), mask)
    assert found["auroc"] == pytest.approx(0.5, abs=0.02)
    assert found["rank_accuracy"] == pytest.approx(0.3, abs=0.02)
    assert found["truth_mass"] == pytest.approx(0.3, abs=0.02)


def test_null_share_counts_the_strongest_entries():
    values = np.arange(40, 0, -1)[None]
    zero = np.zeros((1, 40), dtype=bool)
    zero[0, [0, 3, 4, 5]] = True
    truth = AttributionTruth(masks={"": torch.tensor(~zero)}, zero_set=torch.tensor(zero))
    found = null_share(explain(values), truth)
    assert found == {"2.5%": 1.0, "5%": 0.5, "10%": 0.5, "20%": 0.5, "30%": pytest.approx(4 / 12)}


def test_null_share_is_not_measured_without_a_zero_set():
    metric = Metric("null_share", null_share, needs=null_share.__touchstone__.options["needs"])
    explanation = explain(torch.zeros(POSED.inputs.shape))
    assert measure([metric], explanation, TRUTH, POSED)
    assert measure([metric], explanation, AttributionTruth(masks=TRUTH.masks, zero_set=None), POSED) == {}
