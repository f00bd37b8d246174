"""Metrics of selections and of answers, against scikit-learn, brute force and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth, Behaviours, references
from benchmark.families.attribution.metrics.behaviour_accuracy import behaviour_accuracy
from benchmark.families.attribution.metrics.controlled_power import controlled_power
from benchmark.families.attribution.metrics.false_discovery_rate import false_discovery_rate
from benchmark.families.attribution.metrics.power import power
from benchmark.families.attribution.tables import question_tables, truth_tables
from benchmark.families.attribution.trivial import trivial

SHAPE = (3, 12)
POSED, TRUTH = trivial(seed=0)
selections = arrays(np.bool_, SHAPE)
masks = arrays(np.bool_, SHAPE).filter(lambda mask: bool(mask.any() and not mask.all(1).any()))
maps = arrays(np.float32, SHAPE, elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 4.0]))
directions = arrays(np.int64, SHAPE, elements=st.integers(-1, 1))


def told(values, selected=None) -> AttributionExplanation:
    chosen = None if selected is None else torch.as_tensor(np.asarray(selected), dtype=torch.bool)
    return AttributionExplanation(torch.as_tensor(np.asarray(values), dtype=torch.float32), selected=chosen)


def truth_of(mask, **others) -> AttributionTruth:
    return AttributionTruth({"": torch.as_tensor(np.asarray(mask), dtype=torch.bool)}, **others)


@given(selections, masks)
@settings(max_examples=60, deadline=None)
def test_power_and_false_discoveries_are_those_of_scikit_learn_over_all_pairs(selected, mask):
    explanation, truth = told(np.zeros(SHAPE), selected), truth_of(mask)
    assert power(explanation, truth) == pytest.approx(recall_score(mask.flatten(), selected.flatten()))
    precision = precision_score(mask.flatten(), selected.flatten(), zero_division=1)
    assert false_discovery_rate(explanation, truth) == pytest.approx(1 - precision)


def brute(values, selected, mask) -> float:
    strengths, best = np.abs(values), 0
    for cut in np.unique(strengths):
        found = selected & (strengths >= cut)
        false = (found & ~mask).sum()
        if found.sum() and 10 * false <= found.sum():
            best = max(best, (found & mask).sum())
    return best / mask.sum()


@given(maps, selections, masks)
@settings(max_examples=80, deadline=None)
def test_controlled_power_is_the_best_cut_of_the_selection(values, selected, mask):
    found = controlled_power(told(values, selected), truth_of(mask))
    assert found[""] == pytest.approx(brute(values, selected, mask))
    everything = np.ones_like(selected)
    assert found["ranking"] == pytest.approx(brute(values, everything, mask))
    undecided = controlled_power(told(values), truth_of(mask))
    assert undecided == {"": found["ranking"], "ranking": found["ranking"]}
    assert controlled_power(told(values, everything), truth_of(mask)) == undecided, "to select all is not to decide"


def test_of_two_rivals_whose_shares_are_even_a_blind_map_has_no_power():
    values = np.arange(40.0)[None]
    first = np.arange(40)[None] % 2 == 0
    assert controlled_power(told(values), truth_of(first))[""] == 0
    assert controlled_power(told(values), truth_of(~first))[""] == pytest.approx(1 / 20), "the first hit, before a miss"


def test_one_finding_in_ten_may_be_false():
    values, mask = np.arange(20.0, 0, -1)[None], np.ones((1, 20), bool)
    mask[0, [9, 14, 17]] = False
    assert controlled_power(told(values), truth_of(mask))[""] == pytest.approx(13 / 17)
    mask[0, [8, 9]] = False, True
    assert controlled_power(told(values), truth_of(mask))[""] == pytest.approx(13 / 17)
    mask[0, 0] = False
    assert controlled_power(told(values), truth_of(mask))[""] == 0


def test_what_does_not_decide_has_no_errors():
    explanation = told(np.ones(SHAPE))
    for metric in (power, false_discovery_rate):
        with pytest.raises(Unsupported, match="does not say which"):
            metric(explanation, truth_of(np.eye(*SHAPE)))
    for metric in (power, false_discovery_rate, controlled_power):
        with pytest.raises(Unsupported, match="empty on every input"):
            metric(told(np.ones(SHAPE), np.ones(SHAPE)), truth_of(np.zeros(SHAPE)))


def test_one_channel_is_enough_to_select_a_pixel():
    values = torch.zeros(1, 3, 2, 2)
    selected = torch.zeros_like(values, dtype=torch.bool)
    selected[0, 2, 0, 0] = True
    mask = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    mask[0, 0, 0] = True
    explanation = AttributionExplanation(values, per_pixel=True, selected=selected)
    truth = AttributionTruth({"": mask})
    assert power(explanation, truth) == 0.5
    assert false_discovery_rate(explanation, truth) == 0


def behaving(direction, asked) -> AttributionTruth:
    direction, asked = torch.as_tensor(np.asarray(direction)), torch.as_tensor(np.asarray(asked))
    return AttributionTruth(
        {"": torch.eye(*direction.shape).bool()}, behaviours=Behaviours(direction=direction, asked=asked)
    )


@given(maps, directions, selections)
@settings(max_examples=80, deadline=None)
def test_answers_are_signs_and_sizes(values, direction, asked):
    moving, still = asked & (direction != 0), asked & (direction == 0)
    if not moving.any():
        return
    found = behaviour_accuracy(told(values), behaving(direction, asked))
    right = np.where(values == 0, 0.5, np.sign(values) == direction)[moving].mean()
    assert found[""] == pytest.approx(right)
    assert ("spurious" in found) == still.any()
    if still.any():
        expected = roc_auc_score(moving[asked], np.abs(values)[asked])
        assert found["spurious"] == pytest.approx(expected)
    rival = behaviour_accuracy(told(values), behaving(-direction, asked))
    assert found[""] + rival[""] == pytest.approx(1), "who does not look at the model has one half"


def test_references_decide_and_answer():
    direction = torch.tensor([[1, -1, 0, 0], [-1, -1, 0, 1]])
    mask = direction != 0
    truth = AttributionTruth({"": mask}, behaviours=Behaviours(direction, torch.ones_like(mask)))
    oracle, inverted = references.oracle(truth), references.inverted(truth)
    assert behaviour_accuracy(oracle, truth) == {"": 1, "spurious": 1}
    assert behaviour_accuracy(inverted, truth) == {"": 0, "spurious": 0}
    assert (power(oracle, truth), false_discovery_rate(oracle, truth)) == (1, 0)
    assert (power(inverted, truth), false_discovery_rate(inverted, truth)) == (0, 1)
    assert controlled_power(oracle, truth) == {"": 1, "ranking": 1}
    draws = [references.random(POSED, TRUTH, torch.Generator().manual_seed(seed)) for seed in range(30)]
    assert np.mean([power(draw, TRUTH) for draw in draws]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([false_discovery_rate(draw, TRUTH) for draw in draws]) == pytest.approx(0.5, abs=0.03)


def test_what_is_no_behaviour_is_refused():
    mask, direction = torch.eye(2, 3).bool(), torch.ones(2, 3, dtype=torch.int64)
    for wrong, message in (
        (Behaviours(direction.float(), mask), r"direction: got torch\.float32"),
        (Behaviours(direction[:1], mask), r"direction: got torch\.int64 \[1, 3\]"),
        (Behaviours(2 * direction, mask), r"expected -1, 0 and 1"),
        (Behaviours(0 * direction, mask), "rises or falls"),
        (Behaviours(direction, ~mask & mask), "rises or falls"),
        (Behaviours(direction, mask.long()), r"behaviours\.asked: got torch\.int64"),
        (Behaviours(direction, mask[:1]), r"behaviours\.asked: got torch\.bool \[1, 3\]"),
    ):
        with pytest.raises(ValueError, match=message):
            AttributionTruth({"": mask}, behaviours=wrong)
    truth = AttributionTruth({"": mask}, behaviours=Behaviours(direction, mask))
    with pytest.raises(TouchstoneError, match=r"expected \[2, 3\] as in the truth"):
        behaviour_accuracy(told(np.ones((2, 4))), truth)


def test_tables_show_the_reach_and_what_is_asked():
    assert {table.name: table for table in question_tables(POSED)}["reach"].columns["reach"].tolist() == [
        pytest.approx(0.1)
    ]
    assert [table.name for table in question_tables(replace(POSED, reach=None))] == ["inputs", "background", "baseline"]
    assert {"direction", "asked"} <= set(truth_tables(TRUTH)[0].columns)
