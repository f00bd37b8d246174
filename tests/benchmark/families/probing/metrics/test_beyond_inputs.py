"""Beyond inputs: whoever says what is known has a half, whoever says the opposite too, and the truth has it all."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.families.probing import ProbingExplanation, ProbingTruth
from benchmark.families.probing.metrics.beyond_inputs import ALIKE, beyond_inputs


def problem(seed=0, inputs=1600, hidden=1.0):
    """A class decided by what is known and by something hidden, in two concepts."""
    g = torch.Generator().manual_seed(seed)
    known, extra = torch.randn(2, inputs, 2, generator=g)
    labels = (known + hidden * extra > 0).long()
    logits = torch.stack([torch.zeros_like(known), known], 2)
    return ProbingTruth(names=("a", "b"), labels=labels, control_of=(-1, -1), known=logits), known, extra


def scored(scores, truth):
    return beyond_inputs(ProbingExplanation(scores=torch.stack([torch.zeros_like(scores), scores], 2)), truth)


def test_closed_forms():
    truth, known, extra = problem()
    assert scored(truth.labels.float(), truth) == 1
    assert scored(-truth.labels.float(), truth) == 0
    assert scored(torch.zeros_like(known), truth) == 0.5
    assert scored(extra, truth) > 0.97, "what was hidden decides between inputs that are alike"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.integers(1, 4))
def test_no_function_of_what_is_known_is_worth_anything(seed, shift, power):
    truth, known, _ = problem(seed)
    for said in (known, -known, (known - shift) ** power, (known > shift).float(), -(known.abs() > 1).float() * known):
        assert scored(said, truth) == pytest.approx(0.5, abs=0.08)


def test_the_opposite_on_what_is_known_badly_wins_accuracy_there_and_nothing_here():
    truth, known, _ = problem(inputs=16000)
    wrong = (known > 0).long() != truth.labels
    contrary = torch.where(known.abs() < 0.5, -known, known)
    assert ((contrary > 0).long() == truth.labels)[wrong].float().mean() > 0.5
    assert scored(contrary, truth) == pytest.approx(0.5, abs=0.03)


def test_a_class_that_the_inputs_tell_decides_nothing():
    g = torch.Generator().manual_seed(1)
    labels = torch.randint(3, (1600, 1), generator=g)
    known = torch.zeros(1600, 1, 3)
    known[..., 1] = torch.where(labels == 1, 20.0, -20.0)
    truth = ProbingTruth(names=("a",), labels=labels, control_of=(-1,), known=known + 0.01 * torch.rand(1600, 1, 3))
    told = torch.nn.functional.one_hot((labels == 1).long(), 3).float()
    assert beyond_inputs(ProbingExplanation(scores=told), truth) == 0.5
    assert beyond_inputs(ProbingExplanation(scores=torch.nn.functional.one_hot(labels, 3).float()), truth) == 1


def test_controls_count_for_nothing_and_nothing_to_tell_is_a_half():
    truth, known, _ = problem()
    labels = truth.labels.clone()
    labels[:, 1] = 0
    other = ProbingTruth(names=("a", "control"), labels=labels, control_of=(-1, 0), known=truth.known)
    assert scored(labels.float(), other) == 1
    clear = ProbingTruth(names=("a", "b"), labels=labels[:ALIKE], control_of=(0, 0), known=truth.known[:ALIKE])
    assert scored(known[:ALIKE], clear) == 0.5


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_inputs_and_the_scale_of_scores_change_nothing(seed):
    truth, known, extra = problem(seed, inputs=400)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(seed))
    moved = ProbingTruth(
        names=truth.names, labels=truth.labels[order], control_of=truth.control_of, known=truth.known[order]
    )
    score = scored(extra + known, truth)
    assert scored(((extra + known) / 7).exp()[order], moved) == pytest.approx(score)
