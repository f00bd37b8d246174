"""The speed comparison of dictionaries: that it takes turns and that our timed step runs."""

import pytest
import torch

from benchmark.speed._rules import rule_of
from benchmark.speed.dictionaries import CONSECUTIVE, Measurement, in_turns, planted_activations, step_of


def test_both_run_in_turns():
    calls = []
    best = in_turns(lambda: calls.append("ours"), lambda: calls.append("theirs"), rounds=4)
    turn = 1 + CONSECUTIVE
    assert calls == (["ours"] * turn + ["theirs"] * turn) * 4
    assert min(best) >= 0


def test_the_ratio_is_above_one_where_ours_is_faster():
    assert Measurement("step", ours=300.0, other=100.0).ratio == pytest.approx(3)


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        ("relu_l1", "ReluL1"),
        ("topk", "TopK"),
        ("p_anneal", "PAnneal"),
        ("matryoshka_batch_topk", "MatryoshkaBatchTopK"),
    ],
)
def test_the_timed_step_is_that_of_the_method_and_runs_on(method, rule):
    assert type(rule_of(method)).__name__ == rule
    activations = planted_activations(16, 512, features=32, active=2)
    once = step_of(rule_of(method), activations, m=48, batch=128, sparsity=4)
    once()
    once()
    assert torch.isfinite(activations).all()
