"""The speed comparison of dictionaries: that it takes turns and that our timed step runs."""

import pytest
import torch

from benchmark.learning.dictionaries import L1, TopK
from benchmark.speed.dictionaries import CONSECUTIVE, Measurement, in_turns, planted_activations, step_of


def test_both_run_in_turns():
    calls = []
    best = in_turns(lambda: calls.append("ours"), lambda: calls.append("theirs"), rounds=4)
    turn = 1 + CONSECUTIVE
    assert calls == (["ours"] * turn + ["theirs"] * turn) * 4
    assert min(best) >= 0


def test_the_ratio_is_above_one_where_ours_is_faster():
    assert Measurement("step", ours=300.0, other=100.0).ratio == pytest.approx(3)


@pytest.mark.parametrize("rule", [L1(), TopK()])
def test_the_timed_step_runs_on(rule):
    activations = planted_activations(16, 512, features=32, active=2)
    once = step_of(rule, activations, m=48, batch=128, sparsity=4)
    once()
    once()
    assert torch.isfinite(activations).all()
