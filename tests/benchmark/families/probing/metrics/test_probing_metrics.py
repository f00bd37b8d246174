"""Probing metrics: ceilings, floors, closed forms, and bases that must not matter."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.probing import ProbingExplanation, check
from benchmark.families.probing.metrics import test_accuracy as accuracy_module
from benchmark.families.probing.metrics.control_accuracy import control_accuracy
from benchmark.families.probing.metrics.dimension_f1 import dimension_f1
from benchmark.families.probing.metrics.dimension_precision import dimension_precision
from benchmark.families.probing.metrics.dimension_recall import dimension_recall
from benchmark.families.probing.metrics.erasure_gap import erasure_gap
from benchmark.families.probing.metrics.interchange_accuracy import interchange_accuracy
from benchmark.families.probing.metrics.selectivity import selectivity
from benchmark.families.probing.metrics.subspace_angle import subspace_angle
from benchmark.families.probing.references import majority, oracle, random
from benchmark.families.probing.trivial import trivial
from benchmark.scores import Metric, by_name
from benchmark.subjects import generator_for
from tests.support.measuring import measure

accuracy = accuracy_module.test_accuracy
PLACES = (dimension_f1, dimension_precision, dimension_recall, subspace_angle)


def measured(metric, explanation, truth, question):
    """A metric with those of the arguments that it names, as the engine calls it."""
    return by_name(metric, explanation=explanation, truth=truth, question=question)


@pytest.fixture
def problem():
    return trivial(0)


def named(question, subspace, reader=None):
    scores = torch.zeros(len(question.test), question.concepts, max(question.classes))
    return check(ProbingExplanation(scores=scores, subspace=subspace, reader=reader), question)


def test_the_oracle_reaches_every_ceiling(problem):
    question, truth = problem
    best = oracle(question, truth)
    assert accuracy(best, truth)[""] == 1
    assert dimension_precision(best, truth)[""] == pytest.approx(1)
    assert dimension_recall(best, truth)[""] == pytest.approx(1)
    assert dimension_f1(best, truth)[""] == pytest.approx(1)
    assert subspace_angle(best, truth)[""] == pytest.approx(0, abs=0.1)
    assert interchange_accuracy(best, truth, question)[""] == 1
    assert erasure_gap(best, truth, question)[""] < 0.1


def test_random_explanations_are_at_chance(problem):
    question, truth = problem
    draws = [random(question, generator_for(i, "random")) for i in range(300)]

    def mean(metric):
        return sum(measured(metric, draw, truth, question)[""] for draw in draws) / len(draws)

    assert mean(accuracy) == pytest.approx((1 / 2 + 1 / 3) / 2, abs=0.02)
    assert mean(dimension_precision) == pytest.approx((1 / 8 + 2 / 8) / 2, abs=0.03)
    assert mean(dimension_recall) == pytest.approx((1 / 8 + 2 / 8) / 2, abs=0.03)
    assert mean(interchange_accuracy) < 0.7
    assert mean(selectivity) == pytest.approx(0, abs=0.03)


def test_majority_is_as_good_as_the_commonest_class(problem):
    question, truth = problem
    commonest = question.labels.mode(0).values
    expected = (truth.labels == commonest).float().mean(0)[truth.real].mean()
    assert accuracy(majority(question), truth)[""] == pytest.approx(float(expected))


def test_selectivity_compares_a_concept_with_its_own_control(problem):
    question, truth = problem
    scores = torch.nn.functional.one_hot(truth.labels, 3).float()
    scores[:40, 2] = scores[:40, 2].roll(1, -1)  # the control is wrong for half of the inputs
    by = dataclasses.replace(truth, groups={"sign": (0,), "triangle": (1,)})
    found = selectivity(check(scores, question), by)
    control = control_accuracy(check(scores, question), by)[""]
    assert control < 1
    assert found == pytest.approx({"": 1 - control, "sign": 1 - control})


def test_sets_of_axes_give_set_precision_and_recall(problem):
    question, truth = problem
    axes = torch.eye(8)
    found = torch.stack([axes[[0, 5]], axes[[1, 5]], 0 * axes[:2]])  # one right of two; one right of two
    by = dataclasses.replace(truth, groups={"sign": (0,), "triangle": (1,)})
    explanation = named(question, found)
    assert dimension_precision(explanation, by) == pytest.approx({"": 0.5, "sign": 0.5, "triangle": 0.5})
    assert dimension_recall(explanation, by) == pytest.approx({"": 0.75, "sign": 1.0, "triangle": 0.5})
    # sign: precision 1/2, recall 1; triangle: one half each
    assert dimension_f1(explanation, by) == pytest.approx({"": (2 / 3 + 1 / 2) / 2, "sign": 2 / 3, "triangle": 0.5})
    assert subspace_angle(explanation, by) == pytest.approx({"": 22.5, "sign": 0.0, "triangle": 45.0})


def test_nothing_found_scores_nothing(problem):
    question, truth = problem
    empty = named(question, torch.zeros(3, 2, 8))
    assert dimension_precision(empty, truth)[""] == 0
    assert dimension_recall(empty, truth)[""] == 0
    assert dimension_f1(empty, truth)[""] == 0
    assert subspace_angle(empty, truth)[""] == 90
    assert interchange_accuracy(empty, truth, question)[""] < 1


def test_the_whole_space_is_recalled_but_not_precise_and_exchanges_too_much(problem):
    question, truth = problem
    everything = named(question, torch.eye(8).expand(3, 8, 8))
    assert dimension_recall(everything, truth)[""] == pytest.approx(1)
    assert dimension_precision(everything, truth)[""] == pytest.approx((1 / 8 + 2 / 8) / 2)
    exchanged = interchange_accuracy(everything, truth, question)[""]
    best = interchange_accuracy(oracle(question, truth), truth, question)[""]
    assert exchanged < best - 0.3, "the triangle comes along"


@settings(max_examples=15, deadline=None)
@given(angle=st.floats(0, math.pi), tilt=st.floats(0, math.pi / 2))
def test_the_basis_of_a_subspace_does_not_matter(angle, tilt):
    question, truth = trivial(0)
    c, s = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[c, -s], [s, c]])
    axes = torch.eye(8)
    tilted = torch.stack([math.cos(tilt) * axes[1] + math.sin(tilt) * axes[4], axes[2]])
    subspace = torch.stack([axes[[0, 3]], tilted, 0 * axes[:2]])
    plain, turned = named(question, subspace), named(question, turn @ subspace)
    for metric in (*PLACES, interchange_accuracy):
        # the angle's derivative is infinite at 0 degrees
        assert measured(metric, plain, truth, question)[""] == pytest.approx(
            measured(metric, turned, truth, question)[""], abs=0.1
        )
    assert dimension_recall(plain, dataclasses.replace(truth, groups={"t": (1,)}))["t"] == pytest.approx(
        (1 + math.cos(tilt) ** 2) / 2, abs=1e-5
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_rotation_of_everything_changes_nothing(seed):
    question, truth = trivial(0)
    turn = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(seed))).Q
    found = random(question, generator_for(seed, "random"))
    turned = dataclasses.replace(found, subspace=found.subspace @ turn)
    planted = dataclasses.replace(truth, subspaces=truth.subspaces @ turn)
    for metric in PLACES:
        assert measured(metric, found, truth, question)[""] == pytest.approx(
            measured(metric, turned, planted, question)[""], abs=1e-3
        )


def test_self_exchange_is_a_no_op(problem):
    question, truth = problem
    pairs = truth.interchange
    seen = {}

    def follows(outputs):
        seen["change"] = (outputs - question.test[pairs.base][:, :3]).abs().max()
        return torch.ones(len(outputs))

    same = dataclasses.replace(truth, interchange=dataclasses.replace(pairs, source=pairs.base, follows=follows))
    explanation = random(question, generator_for(0, "random"))
    assert interchange_accuracy(explanation, same, question)[""] == 1
    assert seen["change"] == 0


def test_erasing_the_wrong_place_leaves_everything(problem):
    question, truth = problem
    wrong = named(question, torch.eye(8)[5:7].expand(3, 2, 8))
    left = erasure_gap(wrong, truth, question)
    constants = [float(torch.bincount(truth.labels[:, c]).max() / 80) for c in (0, 1)]
    assert left["linear"] == pytest.approx(1 - sum(constants) / 2, abs=0.02)
    assert left["mlp"] == pytest.approx(1 - sum(constants) / 2, abs=0.05)
    assert left[""] == pytest.approx((left["linear"] + left["mlp"]) / 2)


def test_metrics_that_do_not_apply_give_no_rows(problem):
    question, truth = problem
    nowhere, best = check(majority(question).scores, question), oracle(question, truth)
    unplanted = dataclasses.replace(truth, control_of=(-1, -1, -1), subspaces=None, interchange=None, erased=())
    located = (*PLACES, interchange_accuracy, erasure_gap)
    for metric in (*located, selectivity, control_accuracy):
        one = [Metric("one", metric, needs=metric.__touchstone__.options["needs"])]
        assert measure(one, best, truth, question)
        assert measure(one, best, unplanted, question) == {}
        assert bool(measure(one, nowhere, truth, question)) == (metric not in located)
