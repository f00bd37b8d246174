"""Metrics of circuits: scikit-learn, closed forms, and the inequality between CPR and CMD."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from benchmark.errors import Unsupported
from benchmark.families.circuit import CircuitExplanation, CircuitQuestion, CircuitTruth
from benchmark.families.circuit.metrics.edge_auroc import edge_auroc
from benchmark.families.circuit.metrics.faithfulness import SIZES, areas, faithfulness, nested_circuits
from benchmark.families.circuit.references import inverted, oracle, random
from benchmark.families.circuit.trivial import trivial
from benchmark.families.circuit.units import Unit, Units
from benchmark.subjects import generator_for

some_scores = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.0, 0.5, 1.0, 3.0]), min_size=8, max_size=8)


def explain(scores) -> CircuitExplanation:
    return CircuitExplanation(scores=torch.as_tensor(scores, dtype=torch.float32))


def network(seed, units=3):
    """Four inputs, each to all units, and those to the answer; weights of both signs, so that circuits overshoot."""
    generator = generator_for(seed, "network")
    names = [("x", f"h{i}") for i in range(units)] + [("z", f"h{i}") for i in range(units)]
    names += [(f"h{i}", "y") for i in range(units)]
    weights = torch.randn(len(names), generator=generator).tolist()
    hidden = [Unit(f"h{i}", "relu", bias=0.1) for i in range(units)]
    graph = Units([Unit("x", "input"), Unit("z", "input"), *hidden, Unit("y")], dict(zip(names, weights, strict=True)))
    clean, corrupted = torch.randn(2, 5, 2, generator=generator)
    return CircuitQuestion(graph=graph, clean=clean, corrupted=corrupted, contrast=torch.ones(5, 1), seed=seed)


@given(some_scores, st.permutations(["essential"] * 2 + ["or_redundant"] * 2 + ["dead"] * 3 + ["noise_reader"]))
@settings(max_examples=40, deadline=None)
def test_auroc_is_that_of_scikit_learn_for_all_and_for_each_role(scores, roles):
    truth = CircuitTruth(roles=tuple(roles))
    found = edge_auroc(explain(scores), truth)
    inside, magnitudes = truth.circuit.numpy(), np.abs(scores)
    assert found[""] == pytest.approx(roc_auc_score(inside, magnitudes))
    for role in ("essential", "or_redundant"):
        own = truth.having(role).numpy()
        asked = own | ~inside
        assert found[role] == pytest.approx(roc_auc_score(own[asked], magnitudes[asked]))
    assert set(found) == {"", "essential", "or_redundant"}
    assert edge_auroc(explain([-5 * score for score in scores]), truth) == pytest.approx(found)


def test_references_span_the_scale():
    question, truth = trivial(0)
    assert edge_auroc(oracle(truth), truth)[""] == 1
    assert edge_auroc(inverted(truth), truth)[""] == 0
    assert edge_auroc(explain(torch.ones(question.size)), truth)[""] == 0.5
    draws = [edge_auroc(random(question, generator_for(i, "r")), truth)[""] for i in range(400)]
    assert np.mean(draws) == pytest.approx(0.5, abs=0.04)


def test_the_planted_circuit_is_complete_as_soon_as_it_is_whole():
    question, truth = trivial(0)
    # f rises straight to 1 at the circuit's share of the edges, 1/2, and stays there
    assert faithfulness(oracle(truth), question) == pytest.approx({"": 0.75, "cpr": 0.75, "cmd": 0.25}, abs=1e-6)
    # all that is dead first: f stays 0 up to 1/2 and then rises to 1
    assert faithfulness(inverted(truth), question) == pytest.approx({"": 0.25, "cpr": 0.25, "cmd": 0.75}, abs=1e-6)


def test_scores_that_say_nothing_let_f_rise_evenly():
    question = network(0)
    assert faithfulness(explain(torch.ones(9)), question) == pytest.approx({"": 0.5, "cpr": 0.5, "cmd": 0.5})


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_cmd_is_at_least_the_distance_of_cpr_from_one(network_seed, score_seed):
    question = network(network_seed)
    effect = (question.values(torch.ones(9)) - question.values(torch.zeros(9))).mean()
    assume(abs(float(effect)) > 1e-3)
    explanation = random(question, generator_for(score_seed, "scores"))
    found = faithfulness(explanation, question)
    assert found["cmd"] >= abs(1 - found["cpr"]) - 1e-9
    assert found[""] == 1 - found["cmd"]
    with torch.no_grad():
        values = question.values(nested_circuits(explanation.strengths).float()).mean(-1)
    f = (values - values[0]) / (values[-1] - values[0])
    if float(f.max()) <= 1:
        assert found["cmd"] == pytest.approx(abs(1 - found["cpr"]), abs=1e-5), "equality on one side of 1"


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_inequality_holds_for_every_curve(f):
    f, q = torch.tensor(f, dtype=torch.float64), torch.linspace(0, 1, len(f), dtype=torch.float64)
    cpr, cmd = areas(f, q)
    assert cmd >= abs(1 - cpr) - 1e-12
    cpr, cmd = areas(f.clamp(min=1), q)
    assert cmd == pytest.approx(cpr - 1, abs=1e-12)


@given(some_scores)
@settings(max_examples=40, deadline=None)
def test_circuits_are_nested_from_none_to_all_and_ties_stay_together(scores):
    strengths = explain(scores).strengths
    circuits = nested_circuits(strengths)
    assert not circuits[0].any()
    assert circuits[-1].all()
    assert (circuits[1:] >= circuits[:-1]).all()
    assert (circuits[1:] != circuits[:-1]).any(1).all(), "each is larger than the one before"
    for strength in strengths.unique():
        members = circuits[:, strengths == strength]
        assert (members == members[:, :1]).all()


def test_large_graphs_are_cut_in_few_steps():
    assert len(nested_circuits(torch.arange(500.0))) == SIZES + 1


def test_f_of_the_complete_graph_is_one_and_of_none_zero():
    question = network(3)
    with torch.no_grad():
        values = question.values(nested_circuits(torch.arange(9.0)).float()).mean(-1)
    clean, corrupted = (
        (question.graph(inputs) * question.contrast).sum(-1).mean() for inputs in (question.clean, question.corrupted)
    )
    torch.testing.assert_close(values[-1], clean)
    torch.testing.assert_close(values[0], corrupted)


def test_pairs_without_an_effect_are_declined():
    question, truth = trivial(0)
    with pytest.raises(Unsupported, match="no effect"):
        faithfulness(oracle(truth), dataclasses.replace(question, corrupted=question.clean))
