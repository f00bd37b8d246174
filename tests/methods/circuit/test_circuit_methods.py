"""Circuit methods in closed form: linear networks, gates, saturation, a quadratic."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.circuit import CircuitQuestion, check
from benchmark.families.circuit.metrics.edge_auroc import edge_auroc
from benchmark.families.circuit.trivial import trivial
from benchmark.families.circuit.units import Unit, Units
from benchmark.subjects import generator_for
from methods.circuit.acdc import acdc
from methods.circuit.activation_patching import activation_patching
from methods.circuit.eap_integrated_gradients import eap_integrated_gradients
from methods.circuit.edge_attribution_patching import edge_attribution_patching
from methods.circuit.message_difference import message_difference
from methods.circuit.random_circuit import random_circuit
from methods.circuit.weight_norm import weight_norm

FINDERS = (activation_patching, edge_attribution_patching, eap_integrated_gradients, acdc)


def gate(unit: Unit, inputs: int = 2) -> CircuitQuestion:
    """Inputs that are on in the clean run and off in the corrupted one, into one gate, which is the answer."""
    names = [f"x{i}" for i in range(inputs)]
    graph = Units([*(Unit(name, "input") for name in names), unit, Unit("y")], {
        **{(name, unit.name): 1.0 for name in names}, (unit.name, "y"): 1.0,
    })  # fmt: skip
    clean = torch.ones(3, inputs)
    return CircuitQuestion(graph=graph, clean=clean, corrupted=clean * 0, contrast=torch.ones(3, 1), seed=0)


AND = Unit("and", "relu", bias=-1.0)
OR = Unit("or", "cap")


def joint(question: CircuitQuestion, edges: list[int]) -> float:
    """The effect of cutting several edges at once."""
    keep = torch.ones(question.size)
    whole = question.values(keep).mean()
    keep[edges] = 0
    return float(whole - question.values(keep).mean())


@pytest.mark.parametrize("method", FINDERS, ids=lambda m: m.__name__)
def test_the_trivial_problem_is_solved(method):
    question, truth = trivial(0)
    assert edge_auroc(check(method(question), question), truth)[""] == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_in_a_linear_network_patching_and_its_approximations_agree(seed):
    generator = generator_for(seed, "linear")
    names = [(a, b) for a in ("x0", "x1", "x2") for b in ("h0", "h1", "y")] + [("h0", "y"), ("h1", "y")]
    weights = torch.randn(len(names), generator=generator).tolist()
    units = [Unit("x0", "input"), Unit("x1", "input"), Unit("x2", "input"), Unit("h0"), Unit("h1"), Unit("y")]
    clean, corrupted = torch.randn(2, 6, 3, generator=generator)
    question = CircuitQuestion(
        graph=Units(units, dict(zip(names, weights, strict=True))),
        clean=clean,
        corrupted=corrupted,
        contrast=torch.randn(6, 1, generator=generator),
        seed=seed,
    )
    exact = activation_patching(question)
    for other in (
        activation_patching(question, direction="denoising"),
        edge_attribution_patching(question),
        eap_integrated_gradients(question),
    ):
        torch.testing.assert_close(other, exact, atol=1e-4, rtol=1e-4)
    differences = ((clean - corrupted) * question.contrast).mean(0)
    torch.testing.assert_close(exact[:3], differences[0] * torch.tensor(  # x0 through h0, h1, and at once
        [weights[0] * weights[9], weights[1] * weights[10], weights[2]]
    ), atol=1e-4, rtol=1e-4)  # fmt: skip


def test_and_gate_each_member_is_necessary():
    question = gate(AND)
    assert activation_patching(question).tolist() == [1, 1, 1]
    assert joint(question, [0, 1]) == 1
    assert activation_patching(question, direction="denoising").tolist() == [0, 0, 1]
    assert edge_attribution_patching(question).tolist() == [1, 1, 1]


def test_or_gate_each_member_is_enough():
    question = gate(OR)
    assert activation_patching(question).tolist() == [0, 0, 1]
    assert joint(question, [0, 1]) == 1
    assert activation_patching(question, direction="denoising").tolist() == [1, 1, 1]
    assert edge_attribution_patching(question).tolist() == [0, 0, 1]
    shapley = (activation_patching(question)[:2] + activation_patching(question, direction="denoising")[:2]) / 2
    assert shapley.tolist() == [0.5, 0.5]
    many = eap_integrated_gradients(question, steps=1000)
    torch.testing.assert_close(many, torch.tensor([0.5, 0.5, 1.0]), atol=2e-3, rtol=0)


def test_acdc_keeps_one_of_the_redundant_edges():
    scores = acdc(gate(OR, inputs=3))
    assert sorted(scores[:3].tolist()) == [0, 0, 10], "two leave at once, the last is then necessary"
    assert scores[3] == 10
    assert acdc(gate(AND)).tolist() == [10, 10, 10]


def test_acdc_cuts_an_edge_on_the_rung_of_its_effect():
    units = [Unit("x0", "input"), Unit("x1", "input"), Unit("x2", "input"), Unit("y")]
    graph = Units(units, {("x0", "y"): 0.05, ("x1", "y"): 0.3, ("x2", "y"): 0.65})
    clean = torch.ones(2, 3)
    question = CircuitQuestion(graph=graph, clean=clean, corrupted=clean * 0, contrast=torch.ones(2, 1), seed=0)
    # thresholds 0.01, 0.1, 1 of the whole effect
    assert acdc(question, rungs=3, lowest=0.01).tolist() == [1, 2, 2]


def test_saturation_hides_an_edge_from_the_slope_but_not_from_patching():
    question = gate(Unit("step", "clamp", bias=-0.5, gain=4.0), inputs=1)
    assert activation_patching(question).tolist() == [1, 1]
    assert edge_attribution_patching(question).tolist() == [0, 1]
    torch.testing.assert_close(eap_integrated_gradients(question, steps=1000)[0], torch.tensor(1.0), atol=5e-3, rtol=0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.floats(-2, 2), st.floats(-2, 2))
def test_integrated_gradients_of_a_square_are_off_by_the_rule_of_its_steps(steps, clean, corrupted):
    # slopes 2 x at x' + j/k (x - x') for j = 1..k: their mean is x + x' + (x - x') / k
    graph = Units(
        [Unit("x", "input"), Unit("square", "square"), Unit("y")], {("x", "square"): 1.0, ("square", "y"): 1.0}
    )
    ends = [torch.tensor([[end]], dtype=torch.float32) for end in (clean, corrupted)]
    question = CircuitQuestion(graph=graph, clean=ends[0], corrupted=ends[1], contrast=torch.ones(1, 1), seed=0)
    found = float(eap_integrated_gradients(question, steps=steps)[0])
    assert found == pytest.approx(clean**2 - corrupted**2 + (clean - corrupted) ** 2 / steps, abs=1e-4)


def test_controls_run_nothing(monkeypatch):
    question, _ = trivial(0)
    monkeypatch.setattr(Units, "compute", None)
    assert torch.equal(weight_norm(question), question.graph.weights.abs())
    assert torch.equal(random_circuit(question), random_circuit(question))


def test_message_difference_marks_whatever_carries_the_signal_and_never_asks_for_the_answer(monkeypatch):
    question, truth = trivial(0)
    expected = (question.clean_messages - question.corrupted_messages).mean(1).abs()
    monkeypatch.setattr(CircuitQuestion, "values", None)
    monkeypatch.setattr(CircuitQuestion, "restored", None)
    scores = message_difference(question)
    torch.testing.assert_close(scores, expected)
    roles = dict(zip(truth.roles, scores.tolist(), strict=False))
    assert roles["dead"] == 0, "the closed unit's own edge carries nothing"
    assert (scores[:4] > 0.5).all(), "its inputs are marked like those of the open one"
