"""What another reading changes of a method's place on a task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics.budgets import at_largest
from benchmark.statistics.readings import COLUMNS, readings
from tests.support.long_table import long_table

SKILLS = {"a": 0.3, "b": 0.5, "c": 0.7, "a@sign-positive": 0.6, "a@target-loss": 0.1, "b@1x": 0.9}


def table(**options) -> pd.DataFrame:
    """`a` gains .3 where its sign is read, and loses .2 where the loss is asked for."""
    return long_table(lambda method, _t, _v, seed: SKILLS[method] + 0.01 * seed, methods=list(SKILLS), **options)


def test_a_method_takes_its_own_place_among_the_others() -> None:
    found = readings(table())
    first = found[found["task"] == found["task"].iloc[0]].set_index(["method", "choice", "way"])
    assert list(first.index) == [("a", "sign", "positive"), ("a", "target", "loss")]
    assert first["change"].tolist() == pytest.approx([0.3, -0.2])
    assert first["rank"].tolist() == [2, 3]
    assert first["rank_plain"].tolist() == [3, 3]
    assert first["methods"].tolist() == [3, 3], "a smaller budget and another reading are no methods"
    assert (first["change_low"] <= first["change"]).all()
    assert (first["change"] <= first["change_high"]).all()


def test_other_readings_do_not_rank() -> None:
    assert not at_largest(table())["method"].str.contains("@").any()


def test_what_declines_everything_has_no_rank() -> None:
    scores = table()
    lost = scores["method"].eq("a@target-loss")
    scores.loc[lost, "status"], scores.loc[lost, "value"] = "unsupported", np.nan
    found = readings(scores).set_index("way")
    assert found.loc["loss", "rank"].isna().all()
    assert found.loc["loss", "skill"].isna().all()
    assert (found.loc["loss", "unsupported"] > 0).all()


def test_without_other_readings_the_table_is_empty() -> None:
    scores = table()
    assert readings(scores[~scores["method"].str.contains("@")]).columns.tolist() == list(COLUMNS)
