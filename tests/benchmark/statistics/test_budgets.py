"""Skill at several budgets, the gain of the last step, and what is still rising."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics.budgets import at_largest, budget_curve
from tests.support.long_table import long_table

BUDGET = {"a@1x": 1.0, "a": 4.0, "b@1x": 1.0, "b": 4.0}


def table(**options) -> pd.DataFrame:
    """`a` gains .2 by the step up on every seed, `b` gains and loses; `plain` has no budget."""
    skills = {"a@1x": 0.3, "a": 0.5, "b@1x": 0.4, "b": 0.4, "plain": 0.1}

    def skill(method: str, _task: str, _variant: str, seed: int) -> float:
        wobble = {"a": 0.01, "b": 0.1}.get(method, 0.0) * (seed - 1)
        return skills[method] + wobble

    found = long_table(skill, methods=list(skills), **options)
    return found.assign(budget=found["method"].map(BUDGET))


def test_the_curve_holds_skill_gain_and_what_is_still_rising() -> None:
    found = budget_curve(table()).set_index(["method", "budget"])
    assert list(found.index) == [("a", 1.0), ("a", 4.0), ("b", 1.0), ("b", 4.0)]
    assert found.skill.tolist() == pytest.approx([0.3, 0.5, 0.4, 0.4])
    assert found.loc[("a", 4.0), "gain"] == pytest.approx(0.2)
    assert found.loc[("a", 4.0), "gain_low"] < 0.2 < found.loc[("a", 4.0), "gain_high"]
    assert found.rising.tolist() == [None, True, None, False]
    assert found.loc[[("a", 1.0), ("b", 1.0)]].gain.isna().all()
    assert (found.seconds == 2.0).all()


def test_a_task_that_ran_at_fewer_budgets_stays_at_its_largest() -> None:
    """Of two tasks, t1 ran at 1x and 4x, t2 at 16x, too: their largest is called `a` in both."""
    skills = {("t1", "a@1x"): 0.2, ("t1", "a"): 0.4, ("t2", "a@1x"): 0.1, ("t2", "a@4x"): 0.3, ("t2", "a"): 0.9}
    found = long_table(
        lambda m, t, _v, seed: skills.get((t, m), 0.0) + 0.01 * seed * (m == "a"), methods=["a@1x", "a@4x", "a"]
    )
    asked = np.array([key in skills for key in zip(found["task"], found["method"], strict=True)])
    found = found[(found["reference"] | asked) & found["task"].isin(["t1", "t2"])]
    budget = found["method"].map({"a@1x": 1.0, "a@4x": 4.0}).where(found["method"] != "a", 16.0)
    budget = budget.where(~((found["method"] == "a") & (found["task"] == "t1")), 4.0).where(~found["reference"])
    curve = budget_curve(found.assign(budget=budget))
    assert list(zip(curve.method, curve.budget, strict=True)) == [("a", 1.0), ("a", 4.0), ("a", 16.0)]
    assert curve.skill.tolist() == pytest.approx([0.15, (0.41 + 0.3) / 2, (0.41 + 0.91) / 2])
    assert curve.gain.tolist()[1:] == pytest.approx([(0.21 + 0.2) / 2, (0.0 + 0.61) / 2])
    assert curve.rising.tolist() == [None, True, True]


def test_one_seed_cannot_say_what_is_rising() -> None:
    found = budget_curve(table(seeds=(0,)))
    assert found.rising.isna().all()
    assert np.isfinite(found[found.budget == 4].gain).all()


def test_the_board_has_each_method_at_its_largest_budget() -> None:
    assert set(at_largest(table()).method) == {"a", "b", "plain", "random", "oracle"}
    assert budget_curve(table().drop(columns="budget")).empty
    other = long_table(lambda *_: 0.5, family="other").assign(budget=np.nan)
    assert set(budget_curve(pd.concat([table(), other], ignore_index=True)).family) == {"family"}
