"""The first step of a dial at which nothing is left above the null."""

from __future__ import annotations

import numpy as np

from benchmark.statistics.breakdown import FALLEN, breakdown
from tests.support.long_table import change, long_table

STEPS = ("easy", "hard", "hardest")
SKILLS = {
    "falls": (0.9, 0.5, 0.0),
    "stumbles": (0.9, FALLEN - 0.01, 0.8),
    "holds": (0.9, 0.9, 0.2),
    "never": (-0.3, 0.0, 0.05),
}


def table():
    return long_table(
        lambda method, _t, variant, _s: SKILLS[method][STEPS.index(variant)],
        methods=list(SKILLS), tasks=("t",), variants=STEPS,
    )  # fmt: skip


def test_a_method_breaks_down_at_the_first_step_where_nothing_is_left() -> None:
    found = breakdown(table(), {("family", "t"): {"dial": STEPS}}).set_index("method")
    assert found.breaks_at.to_dict() == {"falls": "hardest", "holds": "", "never": "easy", "stumbles": "hard"}
    assert found.holds_to.to_dict() == {"falls": "hard", "holds": "hardest", "never": "", "stumbles": "easy"}
    assert found.skills["falls"] == "easy 0.90, hard 0.50, hardest 0.00"
    assert (found.seeds == 3).all(), "and no reference has a row"


def test_steps_that_did_not_run_are_left_out_and_whoever_declined_one_has_no_row() -> None:
    scores = table()
    found = breakdown(scores[scores.variant != "hard"], {("family", "t"): {"dial": STEPS}}).set_index("method")
    assert found.breaks_at["falls"] == "hardest"
    assert found.holds_to["falls"] == "easy"
    declined = change(scores, (scores.method == "falls") & (scores.variant == "hard"), skill=np.nan)
    assert "falls" not in set(breakdown(declined, {("family", "t"): {"dial": STEPS}}).method)
    assert breakdown(scores, {("family", "t"): {"dial": ("easy",)}, ("family", "u"): {"other": STEPS}}).empty


def test_one_bad_seed_weighs_at_most_minus_one() -> None:
    scores = table()
    bad = change(scores, (scores.method == "holds") & (scores.variant == "hard") & (scores.seed == 0), skill=-50.0)
    found = breakdown(bad, {("family", "t"): {"dial": STEPS}}).set_index("method")
    assert found.skills["holds"].split(", ")[1] == f"hard {np.mean([-1, 0.9, 0.9]):.2f}"
    assert found.breaks_at["holds"] == ""
