"""Skill, and what counts as what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.marks import skill, with_marks
from benchmark.statistics.rows import ScoresError, grid, ranked_rows
from tests.support.long_table import change, long_table

numbers = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))


def test_skill_is_zero_at_the_floor_and_one_at_the_ceiling() -> None:
    np.testing.assert_allclose(skill([0.5, 1.0, 0.75, 0.25], 0.5, 1.0), [0, 1, 0.5, -0.5])


def test_skill_of_a_metric_where_lower_is_better() -> None:
    np.testing.assert_allclose(skill([0.5, 0.0, 0.125, 0.6], 0.5, 0.0), [0, 1, 0.75, -0.2])


@pytest.mark.parametrize(
    "triple", [(0.3, 0.5, 0.5), (0.3, 0.1 + 0.2, 0.3), (0, 0, 0), (np.nan, 0, 1), (0.5, np.nan, 1), (0.5, 0, np.nan)]
)
def test_skill_is_nan_where_nothing_is_measured(triple: tuple[float, float, float]) -> None:
    assert np.isnan(skill(*triple))


@given(
    value=numbers, floor=numbers, ceiling=numbers, shift=numbers, scale=st.sampled_from([-7.0, -0.5, 0.01, 1.0, 30.0])
)
def test_skill_does_not_change_under_an_affine_rescale(
    value: float, floor: float, ceiling: float, shift: float, scale: float
) -> None:
    assume(abs(floor - ceiling) > 0.01)
    moved = skill(scale * value + shift, scale * floor + shift, scale * ceiling + shift)
    np.testing.assert_allclose(moved, skill(value, floor, ceiling), rtol=1e-6, atol=1e-6)


def _one(table: pd.DataFrame, method: str = "a") -> pd.Series:
    return (table["method"] == method) & (table["task"] == "t1") & (table["seed"] == 0) & (table["variant"] == "v")


def _row(table: pd.DataFrame) -> pd.Series:
    rows = ranked_rows(table)
    return rows[_one(rows)].iloc[0]


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_failures_count_at_the_floor_even_without_a_floor_of_their_own(status: str) -> None:
    table = long_table(lambda *_: 0.7)
    row = _row(change(table, _one(table), status=status, value=np.nan, floor=np.nan, ceiling=np.nan))
    assert row["skill"] == 0
    assert row["failed"]


def _with_twin(skill_of: dict[str, float]) -> pd.DataFrame:
    """Variant v, whose twin u is not ranked, and w without a twin."""
    table = long_table(lambda _method, _task, variant, seed: skill_of[variant] + 0.1 * seed, variants=("u", "v", "w"))
    table["twin"] = table["variant"].map({"u": "", "v": "u", "w": ""})
    return change(table, table["variant"] == "u", ranked=False)


def test_a_gain_is_the_skill_beyond_that_on_random_weights_of_the_same_seed() -> None:
    rows = ranked_rows(_with_twin({"u": 0.2, "v": 0.5, "w": 0.9}))
    own = rows[~rows["reference"]]
    assert set(rows["variant"]) == {"v", "w"}
    np.testing.assert_allclose(own.loc[own["variant"] == "v", "gain"], 0.3)
    assert own.loc[own["variant"] == "w", "gain"].isna().all()
    assert rows.loc[rows["reference"] & (rows["variant"] == "v"), "gain"].eq(0).all()


@pytest.mark.parametrize("status", ["failed", "timeout", "unsupported"])
def test_a_failure_on_random_weights_earns_nothing_and_one_on_the_trained_counts_at_the_floor(status: str) -> None:
    table = _with_twin({"u": 0.2, "v": 0.5, "w": 0.9})
    twin = (table["method"] == "a") & (table["task"] == "t1") & (table["seed"] == 0) & (table["variant"] == "u")
    assert np.isnan(_row(change(table, twin, status=status, value=np.nan))["gain"])
    trained = _row(change(table, _one(table), status=status, value=np.nan))["gain"]
    assert np.isnan(trained) if status == "unsupported" else trained == pytest.approx(-0.2)


def test_without_twins_there_are_no_gains() -> None:
    assert np.isnan(grid(ranked_rows(long_table(lambda *_: 0.7))).gain).all()


def test_dark_is_the_skill_of_the_control_that_sets_the_null_on_the_same_seed() -> None:
    luck = {0: -0.1, 1: 0.0, 2: 0.1}
    table = long_table(lambda m, _t, _v, seed: {"a": 0.6, "b": 0.2 + luck[seed], "c": -0.5}[m])
    marked = with_marks(table.assign(control=table["method"].isin(["b", "c"])))
    found = grid(ranked_rows(marked))
    by_seed = dict(zip(found.instances["seed"], found.dark, strict=True))
    assert by_seed == pytest.approx({seed: shift / 0.8 for seed, shift in luck.items()})
    np.testing.assert_allclose(found.above_dark[found.methods.index("b")], 0, atol=1e-12)
    oracle = found.methods.index("oracle")
    np.testing.assert_allclose(found.with_luck_of_null[oracle], 1)
    assert (found.from_chance.dark == 0).all()


def test_where_chance_sets_the_null_nothing_is_dark() -> None:
    table = long_table(lambda m, *_: {"a": 0.6, "b": -0.2, "c": -0.5}[m])
    assert (grid(ranked_rows(with_marks(table.assign(control=table["method"] == "b")))).dark == 0).all()
    assert (grid(ranked_rows(table)).dark == 0).all()


def test_the_luck_of_the_null_is_the_derivative_of_skill() -> None:
    def skills(shift: float) -> pd.DataFrame:
        table = long_table(
            lambda m, _t, _v, seed: {"a": 0.6, "b": 0.2 + shift * (seed == 1), "c": 0}[m], tasks=["t"], variants=["v"]
        )
        return with_marks(table.assign(control=table["method"] == "b"))

    small = 1e-4
    moved, still = grid(ranked_rows(skills(small))), grid(ranked_rows(skills(0.0)))
    expected = moved.skill[0].mean() - still.skill[0].mean()
    at = moved.instances["seed"].to_numpy() == 1
    contribution = (moved.with_luck_of_null - moved.skill)[0]
    # the seed's own shift, beyond the mean shift of all seeds
    np.testing.assert_allclose(contribution[at] - contribution[~at][0], 3 * expected, rtol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_a_failure(value: float) -> None:
    table = long_table(lambda *_: 0.7)
    row = _row(change(table, _one(table), value=value))
    assert row["skill"] == 0
    assert row["failed"]


def test_unsupported_is_left_out_and_is_no_failure() -> None:
    table = long_table(lambda *_: 0.7)
    row = _row(change(table, _one(table), status="unsupported", value=np.nan))
    assert np.isnan(row["skill"])
    assert not row["failed"]


def test_an_instance_that_measures_nothing_is_left_out_for_everybody_failures_too() -> None:
    table = long_table(lambda *_: 0.7)
    broken = (table["task"] == "t1") & (table["seed"] == 0) & (table["variant"] == "v")
    table = change(table, broken, ceiling=0.5, value=0.5)
    table = change(table, _one(table), status="failed", value=np.nan)
    board = grid(ranked_rows(table))
    assert len(board.instances) == 3 * 2 * 3 - 1
    assert np.isfinite(board.skill).all()


def test_the_parts_of_a_grid_are_the_grids_of_the_parts() -> None:
    table = long_table(lambda m, t, variant, seed: 0.4 + 0.1 * (seed == 1) + 0.05 * len(t + variant + m))
    table = table[~((table["method"] == "b") & (table["task"] == "t2"))]
    rows = ranked_rows(change(table, (table["variant"] == "w") & (table["seed"] == 2), ceiling=0.5, value=0.5))
    for columns in (["task"], ["task", "variant"]):
        found = dict(grid(rows).parts(rows, columns))
        assert len(found) == 3 * len(columns)
        for key, own in rows.groupby(columns, sort=True):
            expected, part = grid(own), found[tuple(map(str, key))]
            assert part.methods == expected.methods
            pd.testing.assert_frame_equal(part.instances, expected.instances)
            for name in ("reference", "skill", "luck", "gain", "chance", "chance_luck", "dark"):
                np.testing.assert_array_equal(getattr(part, name), getattr(expected, name))


def test_only_primary_metrics_of_ranked_variants_enter() -> None:
    table = long_table(lambda *_: 0.7)
    other = change(table, table["seed"] >= 0, metric="other", primary=False, value=0.0)
    table = change(table, table["variant"] == "w", ranked=False)
    rows = ranked_rows(pd.concat([table, other]))
    assert set(rows["metric"]) == {"accuracy"}
    assert set(rows["variant"]) == {"v"}


def test_all_mistakes_of_a_table_are_told() -> None:
    table = long_table(lambda *_: 0.7)
    with pytest.raises(ScoresError, match=r"(?s)unknown column 'floor_sd'.*'ranked'"):
        ranked_rows(table.drop(columns=["floor_sd", "ranked"]))
    with pytest.raises(
        ScoresError, match=r"(?s)unknown status 'fail'; did you mean 'failed'.*more than one row for family, t1"
    ):
        ranked_rows(pd.concat([change(table, _one(table), status="fail"), table[_one(table, "b")]]))
    with pytest.raises(ScoresError, match="one primary metric"):
        ranked_rows(pd.concat([table, table[_one(table)].assign(metric="other")]))


def test_the_input_is_left_as_it_was() -> None:
    table = long_table(lambda *_: 0.7)
    before = table.copy()
    ranked_rows(table)
    pd.testing.assert_frame_equal(table, before)


def test_a_control_that_favours_one_rival_is_no_luck_of_either() -> None:
    favour = {"v": 0.3, "w": -0.1}
    table = long_table(lambda m, _t, variant, seed: favour[variant] + 0.1 * (seed - 1) if m == "b" else 0.5)
    marked = with_marks(table.assign(control=table["method"] == "b", rival=table["variant"].map({"v": "w", "w": "v"})))
    found = grid(ranked_rows(marked))
    assert found.dark.sum() == pytest.approx(0, abs=1e-12)
    assert found.instances.assign(dark=found.dark).groupby("variant")["dark"].sum().abs().max() < 1e-12
    assert found.dark.max() == pytest.approx(0.1 / 0.9)
