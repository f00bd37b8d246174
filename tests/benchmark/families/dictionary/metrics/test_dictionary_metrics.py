"""Metrics of dictionaries in closed form: the oracle, copies, permutations, flipped signs, detectors that are always
on, nothing.
"""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from benchmark.families.dictionary import (
    DictionaryExplanation,
    DictionaryQuestion,
    DictionaryTruth,
    sparse,
)
from benchmark.families.dictionary.firing import SHARES, firings
from benchmark.families.dictionary.metrics.amortisation_gap import amortisation_gap
from benchmark.families.dictionary.metrics.board_reconstruction import board_reconstruction, micro_f1
from benchmark.families.dictionary.metrics.coverage import coverage
from benchmark.families.dictionary.metrics.coverage_above_null import coverage_above_null
from benchmark.families.dictionary.metrics.dead_fraction import dead_fraction
from benchmark.families.dictionary.metrics.explained_variance import explained_variance
from benchmark.families.dictionary.metrics.firing_f1 import firing_f1
from benchmark.families.dictionary.metrics.l0 import l0
from benchmark.families.dictionary.metrics.mcc import mcc
from benchmark.families.dictionary.metrics.mmcs_atoms_to_truth import mmcs_atoms_to_truth
from benchmark.families.dictionary.metrics.mmcs_truth_to_atoms import mmcs_truth_to_atoms
from benchmark.families.dictionary.metrics.pursuit_f1 import pursuit_f1
from benchmark.families.dictionary.metrics.recall_at_cosine import recall_at_cosine
from benchmark.families.dictionary.references import oracle, random
from benchmark.scores import Metric, by_name
from tests.support.measuring import measure

G, D, N = 6, 6, 400
COSINE = (mcc, mmcs_truth_to_atoms, mmcs_atoms_to_truth, recall_at_cosine)
FIRING = (firing_f1, coverage, coverage_above_null, board_reconstruction)


def measured(metric, explanation, truth, question):
    """A metric with those of the arguments that it names, as the engine calls it."""
    return by_name(metric, explanation=explanation, truth=truth, question=question)


def value(metric, explanation, truth, question):
    got = measured(metric, explanation, truth, question)
    return got[""] if isinstance(got, dict) else got


@pytest.fixture
def case():
    """Six features on the axes of six dimensions, without noise."""
    generator = torch.Generator().manual_seed(0)
    magnitudes = [
        (torch.rand(N, G, generator=generator) < 0.3) * (0.5 + torch.rand(N, G, generator=generator)) for _ in range(2)
    ]
    truth = DictionaryTruth(
        magnitudes[0] > 0,
        magnitudes[1] > 0,
        torch.eye(G),
        torch.zeros(D),
        validation_codes=magnitudes[0],
        test_codes=magnitudes[1],
    )
    question = DictionaryQuestion(magnitudes[0], magnitudes[0], magnitudes[1], size=8, sparsity=2, seed=0)
    return question, truth, oracle(question, truth)


def explain(atoms, validation, test, bias=None):
    return DictionaryExplanation(atoms, torch.zeros(D) if bias is None else bias, *sparse(validation), *sparse(test))


def of_columns(truth, columns):
    atoms = truth.directions[columns]
    return explain(atoms, truth.validation_codes[:, columns], truth.test_codes[:, columns])


def test_the_oracle_reaches_every_ceiling(case):
    question, truth, planted = case
    for metric in (*COSINE, *FIRING, explained_variance):
        assert value(metric, planted, truth, question) == pytest.approx(1, abs=1e-5), metric.__name__
    assert dead_fraction(planted) == 0
    counted = l0(planted, question)
    assert counted[""] == pytest.approx(float(truth.test.float().sum(1).mean()))
    assert counted["asked"] == 2


def test_order_of_atoms_does_not_matter(case):
    question, truth, planted = case
    shuffled = of_columns(truth, [3, 1, 5, 0, 4, 2])
    for metric in (*COSINE, *FIRING, explained_variance):
        assert value(metric, shuffled, truth, question) == pytest.approx(
            value(metric, planted, truth, question), abs=1e-5
        )


def test_missing_features_cost_their_share(case):
    _, truth, _ = case
    half = of_columns(truth, [0, 1, 2])
    assert firing_f1(half, truth) == pytest.approx(0.5)
    assert mcc(half, truth) == pytest.approx(0.5)
    assert mmcs_truth_to_atoms(half, truth) == pytest.approx(0.5)
    assert recall_at_cosine(half, truth) == pytest.approx(0.5)
    assert mmcs_atoms_to_truth(half, truth) == pytest.approx(1)


def test_copies_help_no_one_to_one_metric(case):
    _, truth, _ = case
    copies = of_columns(truth, [0] * 6)
    assert firing_f1(copies, truth) < 1 / 6 + 5 / 6 * 0.5
    assert mcc(copies, truth) == pytest.approx(1 / 6)
    assert mmcs_atoms_to_truth(copies, truth) == pytest.approx(1)


def test_flipped_atoms_count_for_mcc_alone(case):
    _, truth, planted = case
    flipped = dataclasses.replace(planted, atoms=-planted.atoms)
    assert mcc(flipped, truth) == pytest.approx(1)
    assert recall_at_cosine(flipped, truth) == 0
    assert mmcs_truth_to_atoms(flipped, truth) == pytest.approx(0)
    assert firing_f1(flipped, truth) == pytest.approx(1)


def test_always_on_detectors_have_the_f1_of_the_base_rate_and_nothing_above_it(case):
    question, truth, _ = case
    on = torch.ones(N, G)
    always = explain(torch.eye(G), on, on)
    rate = truth.test.float().mean(0)
    expected = float((2 * rate / (1 + rate)).mean())
    assert firing_f1(always, truth) == pytest.approx(expected, abs=1e-5)
    scores = coverage(always, truth)
    assert scores["per_cell_threshold"] == scores["shared_threshold"] == pytest.approx(expected, abs=1e-5)
    assert coverage_above_null(always, truth, question)[""] == pytest.approx(0, abs=1e-6)
    assert board_reconstruction(always, truth) == 0


def test_a_shared_threshold_can_cost(case):
    _, truth, _ = case
    # feature 0 is on where its code exceeds 0.55 of the greatest, feature 1 where it exceeds 0
    validation, test = torch.zeros(N, 2), torch.zeros(N, 2)
    for codes, labels in ((validation, truth.validation), (test, truth.test)):
        codes[:, 0] = torch.where(labels[:, 0], 1.0, 0.5)
        codes[:, 1] = torch.where(labels[:, 1], 0.3, 0.0)
        codes[0, 1] = 1.0
    two = DictionaryTruth(truth.validation[:, :2], truth.test[:, :2])
    scores = coverage(explain(torch.eye(G)[:2], validation, test), two)
    assert scores["per_cell_threshold"] > 0.98
    assert scores["shared_threshold"] < 0.9


def test_a_twin_as_good_as_the_dictionary_leaves_nothing_above_it(case):
    question, truth, planted = case
    twin = dataclasses.replace(truth, twin_validation=truth.validation_codes, twin_test=truth.test_codes)
    scores = coverage_above_null(planted, twin, question)
    assert scores["always_on"] == pytest.approx(1)
    assert scores["twin"] < scores["always_on"]


def test_nothing_scores_nothing(case):
    question, truth, _ = case
    empty = explain(torch.zeros(3, D), torch.zeros(N, 3), torch.zeros(N, 3))
    for metric in (*COSINE, *FIRING):
        assert value(metric, empty, truth, question) == 0, metric.__name__
    assert dead_fraction(empty) == 1
    assert l0(empty, question)[""] == 0
    mean = dataclasses.replace(empty, bias=question.test.mean(0))
    assert explained_variance(mean, question) == pytest.approx(0, abs=1e-5)


def test_features_that_never_occur_are_left_out(case):
    _, truth, planted = case
    test = truth.test.clone()
    test[:, 0] = False
    rare = dataclasses.replace(truth, test=test)
    assert firing_f1(planted, rare) == pytest.approx(1)
    assert coverage(planted, rare)[""] == pytest.approx(1)


def test_random_draws_lie_far_below_the_oracle(case):
    question, truth, _ = case
    draws = [random(question, torch.Generator().manual_seed(seed)) for seed in range(20)]
    for metric in FIRING:
        assert sum(value(metric, draw, truth, question) for draw in draws) / 20 < 0.5, metric.__name__
    assert abs(sum(l0(draw, question)[""] for draw in draws) / 20 - question.sparsity) < 0.3
    assert all(explained_variance(draw, question) < 0.1 for draw in draws)


def test_cosines_are_not_measured_without_directions(case):
    question, truth, planted = case
    metrics = [Metric(one.__name__, one, needs=one.__touchstone__.options["needs"]) for one in COSINE]
    assert len(measure(metrics, planted, truth, question)) == len(COSINE)
    assert measure(metrics, planted, dataclasses.replace(truth, directions=None), question) == {}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_micro_f1_is_that_of_scikit_learn(seed, often, likely):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(30, 5, generator=generator) < often
    predicted = torch.rand(30, 5, generator=generator) < likely
    assert micro_f1(predicted, labels) == pytest.approx(f1_score(labels, predicted, average="micro", zero_division=0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_scores_stay_in_their_range(seed):
    generator = torch.Generator().manual_seed(seed)
    truth = DictionaryTruth(*(torch.rand(60, 4, generator=generator) < 0.4 for _ in range(2)), torch.eye(4, D))
    rows = torch.randn(60, D, generator=generator)
    question = DictionaryQuestion(rows, rows, rows, size=5, sparsity=2, seed=seed)
    codes = [(torch.rand(60, 5, generator=generator) - 0.6).clamp(min=0) for _ in range(2)]
    explanation = explain(torch.randn(5, D, generator=generator), *codes)
    for metric in (*COSINE, *FIRING, dead_fraction, explained_variance, l0):
        low, high = metric.__touchstone__.options["range"]
        got = measured(metric, explanation, truth, question)
        for score in (got if isinstance(got, dict) else {"": got}).values():
            assert low - 1e-6 <= score <= high + 1e-6
            assert not math.isnan(score)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.9]))
def test_hits_and_firings_are_counted_as_defined(seed, density):
    g = torch.Generator().manual_seed(seed)
    # few distinct values, so that codes lie on thresholds too
    codes = torch.randint(0, 11, (30, 5), generator=g) / 10 * (torch.rand(30, 5, generator=g) < density)
    labels = torch.rand(30, 4, generator=g) < 0.4
    found = firings(codes).against(labels)
    for at, share in enumerate(SHARES):
        fires = codes > share * codes.amax(0)
        assert torch.equal(found.fires[at], fires.sum(0).float())
        assert torch.equal(found.hits[at], (fires[:, :, None] & labels[:, None, :]).sum(0).float())
    assert torch.equal(found.on, labels.sum(0).float())


def test_pursuit_reads_the_atoms_and_not_the_encoder(case):
    question, truth, planted = case
    exact = dataclasses.replace(question, sparsity=6)
    assert pursuit_f1(planted, truth, exact) == pytest.approx(1, abs=1e-5)
    assert amortisation_gap(planted, truth, exact) == pytest.approx(0, abs=1e-5)
    silent = explain(truth.directions, torch.zeros(N, G), torch.zeros(N, G))
    assert pursuit_f1(silent, truth, exact) == pytest.approx(1, abs=1e-5)
    assert amortisation_gap(silent, truth, exact) == pytest.approx(1, abs=1e-5)


def test_right_codes_of_wrong_atoms_have_a_gap_below_zero(case):
    question, truth, planted = case
    wrong = dataclasses.replace(planted, atoms=torch.ones(G, D))
    assert firing_f1(wrong, truth) == pytest.approx(1)
    assert amortisation_gap(wrong, truth, question) == pytest.approx(pursuit_f1(wrong, truth, question) - 1)
    assert pursuit_f1(wrong, truth, question) < 0.3


def test_pursuit_does_not_ask_how_long_atoms_are_nor_where_the_origin_is(case):
    question, truth, planted = case
    length = torch.linspace(0.5, 2, G)[:, None]
    moved = dataclasses.replace(
        question, train=question.train + 3, validation=question.validation + 3, test=question.test + 3
    )
    scaled = dataclasses.replace(planted, atoms=planted.atoms * length, bias=planted.bias + 3)
    assert pursuit_f1(scaled, truth, moved) == pytest.approx(pursuit_f1(planted, truth, question), abs=1e-5)


def test_pursuit_is_asked_anew_for_another_question(case):
    question, truth, planted = case
    few = pursuit_f1(planted, truth, dataclasses.replace(question, sparsity=1))
    assert few < pursuit_f1(planted, truth, dataclasses.replace(question, sparsity=6))
    assert pursuit_f1(planted, truth, dataclasses.replace(question, sparsity=1)) == few


def test_the_sum_of_two_features_is_neither(case):
    _, truth, _ = case
    pairs = explain(truth.directions + truth.directions.roll(1, 0), truth.validation_codes, truth.test_codes)
    assert recall_at_cosine(pairs, truth) == 0
    assert mcc(pairs, truth) == pytest.approx(0.5**0.5, abs=1e-5)
