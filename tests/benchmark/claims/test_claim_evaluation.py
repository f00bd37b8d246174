"""Effects and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.claims import COLUMNS, EXTRAS, Claim, evaluate, load, verdict
from benchmark.statistics.intervals import sample

ROOT = Path(__file__).parents[3]


def scores(values: dict[tuple[str, str], Sequence[float]], *, start: int = 0, **options: Any) -> pd.DataFrame:
    """One row per (variant, method) and seed."""
    rows = [
        {
            **{
                "family": "attribution",
                "task": "blockmnist",
                "variant": variant,
                "method": method,
                "seed": start + seed,
            },
            **{"metric": "null_share@10%", "primary": False, "value": value, "floor": 0.5, "ceiling": 0.0},
            **{
                "chance_skill": (value - 0.5) / (0.0 - 0.5),
                "status": "ok",
                "reason": "",
                "ranked": True,
                "certified": True,
                "reference": False,
            },
            **options,
        }
        for (variant, method), column in values.items()
        for seed, value in enumerate(column)
    ]
    return pd.DataFrame(rows)


def side(variant: str = "standard", method: Any = "gradient", **options: Any) -> dict[str, Any]:
    return {
        **{"family": "attribution", "task": "blockmnist", "variant": variant, "method": method},
        **{"metric": "null_share@10%", **options},
    }


def claim(left: Any, right: Any, **options: Any) -> Claim:
    text = {"name": "n", "statement": "s", "source": "arXiv:0", "margin": 0.0, "margin_from": "sign"}
    return Claim.model_validate({**text, "left": left, "right": right, **options})


def only(one: Claim, table: pd.DataFrame) -> pd.Series:
    result = evaluate([one], table)
    assert tuple(result.columns) == (*COLUMNS, *EXTRAS)
    assert ", ".join(COLUMNS) == "claim, source, tasks, effect, ci_low, ci_high, verdict"
    return result.iloc[0]


@pytest.mark.parametrize(
    ("low", "high", "expect", "expected"),
    [
        (0.26, 0.9, "above", "reproduced"),
        (0.25, 0.9, "above", "undecided"),
        (0.1, 0.25, "above", "undecided"),
        (0.1, 0.24, "above", "not reproduced"),
        (0.1, 0.24, "below", "reproduced"),
        (0.26, 0.9, "below", "not reproduced"),
        (0.2, 0.3, "below", "undecided"),
        (-0.24, 0.24, "within", "reproduced"),
        (-0.25, 0.24, "within", "undecided"),
        (0.26, 0.3, "within", "not reproduced"),
        (-0.9, -0.26, "within", "not reproduced"),
        (np.nan, np.nan, "above", "undecided"),
        (np.nan, np.nan, "within", "undecided"),
    ],
)
def test_verdicts_at_the_margin(low: float, high: float, expect: Any, expected: str) -> None:
    assert verdict(low, high, 0.25, expect) == expected


def test_sides_with_the_same_seeds_are_paired() -> None:
    left, right = [0.5, 0.4, 0.6], [0.2, 0.15, 0.25]
    table = scores({("standard", "gradient"): left, ("robust", "gradient"): right})
    row = only(claim(side(), side("robust")), table.sample(frac=1, random_state=0))
    low, high = sample(np.subtract(left, right)).interval()
    np.testing.assert_allclose([row["effect"], row["ci_low"], row["ci_high"]], [0.3, low[0], high[0]])
    assert (row["verdict"], row["seeds"], row["tasks"]) == ("reproduced", 3, "attribution/blockmnist")


def test_sides_with_other_seeds_are_not() -> None:
    left, right = [0.5, 0.4, 0.6], [0.2, 0.15, 0.25, 0.3]
    table = pd.concat([scores({("standard", "gradient"): left}), scores({("robust", "gradient"): right}, start=7)])
    row = only(claim(side(), side("robust")), table)
    low, high = sample(left).minus(sample(right)).interval()
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], [low[0], high[0]])


def test_floor_ceiling_and_numbers() -> None:
    table = scores({("robust", "gradient"): [0.02, 0.03, 0.025]})
    assert only(claim({"reference": "floor"}, side("robust")), table)["effect"] == pytest.approx(0.475)
    assert only(claim(side("robust"), {"reference": "ceiling"}), table)["effect"] == pytest.approx(0.025)
    assert only(claim(side("robust"), 0.5), table)["effect"] == pytest.approx(-0.475)
    assert only(claim(side("robust"), {"reference": "floor"}, score="skill"), table)["effect"] == pytest.approx(0.95)
    assert only(claim({"reference": "ceiling"}, side("robust"), score="skill"), table)["effect"] == pytest.approx(0.05)


@pytest.mark.parametrize(("pick", "expected"), [("max", 0.45), ("min", 0.15), ("mean", 0.3)])
def test_the_best_of_several_methods_is_taken_at_each_seed(pick: str, expected: float) -> None:
    table = scores({("standard", "a"): [0.1, 0.5], ("standard", "b"): [0.4, 0.2]})
    row = only(claim(side(method=["a", "b"], pick=pick), 0.0), table)
    assert row["effect"] == pytest.approx(expected)


def _reasons() -> list[tuple[pd.DataFrame, str]]:
    good = scores({("standard", "gradient"): [0.5, 0.4, 0.6]})
    first = good["seed"] == 0
    return [
        (good.assign(task="blockmist"), "unknown task 'blockmnist'; did you mean 'blockmist'"),
        (good.assign(variant="standart"), "unknown variant 'standard'; did you mean 'standart'"),
        (good.assign(method="gradients"), "unknown method 'gradient'; did you mean 'gradients'"),
        (good.assign(metric="null_share@20%"), "unknown metric"),
        (good.iloc[:0], "no scores"),
        (good.assign(status=np.where(first, "failed", "ok"), reason="boom"), "failed at seed 0 (boom)"),
        (good.assign(status="unsupported", reason=None), "unsupported at seeds 0, 1, 2"),
        (good.assign(certified=~first), "the subject failed its certificate at seed 0"),
        (good.assign(value=np.where(first, np.nan, 0.5)), "not a number at seed 0"),
        (good[first], "one seed has no spread"),
        (pd.concat([good, good]), "more than one row"),
        (good.assign(floor=np.nan), "floor of null_share@10% is not a number"),
    ]


@pytest.mark.parametrize(("table", "reason"), _reasons())
def test_what_cannot_be_known_is_undecided_with_a_reason(table: pd.DataFrame, reason: str) -> None:
    row = only(claim(side(), {"reference": "floor"}), table)
    assert row["verdict"] == "undecided"
    assert reason in row["reason"]


def test_a_variant_that_is_not_ranked_can_be_asked_about() -> None:
    table = scores({("untrained", "gradient"): [0.5, 0.4, 0.6]}, ranked=False)
    assert only(claim(side("untrained"), 0.0), table)["verdict"] == "reproduced"


@pytest.mark.parametrize("effect", [0.5, -0.5])
def test_a_comparison_that_does_not_fit_keeps_its_effect_and_says_why(effect: float) -> None:
    table = scores({("standard", "gradient"): [effect, effect + 0.01, effect - 0.01]})
    out = only(claim(side(), 0.0, out_of_regime="two features a dimension"), table)
    assert (out["verdict"], out["reason"]) == ("out of regime", "two features a dimension")
    assert out["effect"] == pytest.approx(effect)
    assert out["ci_low"] < effect < out["ci_high"]
    untestable = only(claim(side(), 0.0, not_testable="no language model"), table.iloc[:0])
    assert (untestable["verdict"], untestable["reason"]) == ("not testable here", "no language model")
    assert np.isnan(untestable["effect"])
    with pytest.raises(ValueError, match="not both"):
        claim(side(), 0.0, out_of_regime="a", not_testable="b")


def test_findings_are_marked() -> None:
    table = scores({("standard", "gradient"): [0.5, 0.4, 0.6]})
    assert only(claim(side(), 0.0, finding=True), table)["finding"]
    assert not only(claim(side(), 0.0), table)["finding"]


def test_a_method_that_lacks_seeds_leaves_a_claim_about_several_undecided() -> None:
    table = pd.concat([scores({("standard", "a"): [0.1, 0.5, 0.2]}), scores({("standard", "b"): [0.4, 0.2]})])
    row = only(claim(side(method=["a", "b"], pick="max"), 0.0), table)
    assert row["reason"] == "b on attribution/blockmnist[standard]: no row for seeds 2"


def test_the_claims_of_shah_et_al_on_made_up_scores() -> None:
    claims = load([ROOT / "tasks" / "claims"])
    shah = [one for one in claims if one.name.startswith("shah2021-")]
    values = {"standard": [0.45, 0.44, 0.46], "robust": [0.02, 0.03, 0.02], "top": [0.05, 0.04, 0.06]}
    as_published = scores({(variant, "gradient"): column for variant, column in values.items()})
    assert evaluate(shah, as_published)["verdict"].tolist() == ["reproduced"] * 4
    swapped = as_published.assign(variant=as_published["variant"].replace({"standard": "robust", "robust": "standard"}))
    assert evaluate(shah, swapped)["verdict"].tolist() == ["not reproduced"] * 2 + ["reproduced", "not reproduced"]
    assert evaluate(shah, as_published.iloc[:0])["verdict"].tolist() == ["undecided"] * 4


@pytest.mark.parametrize("effect", [0.5, 0.0])
def test_why_a_claim_fails_is_said_where_it_fails(effect: float) -> None:
    table = scores({("standard", "gradient"): [effect, effect + 0.01, effect - 0.01]})
    row = only(claim(side(), 0.0, margin=0.25, fails_because="other budgets"), table)
    assert (row["verdict"], row["reason"]) == (("reproduced", "") if effect else ("not reproduced", "other budgets"))


def test_what_another_metric_lacks_decides_nothing() -> None:
    table = scores({("standard", "gradient"): [0.5, 0.4, 0.6]})
    other = table.assign(metric="another", status="unsupported", value=np.nan, reason="no pair")
    assert only(claim(side(), 0.0), pd.concat([table, other]))["verdict"] == "reproduced"
    whole = table.assign(metric=table.metric.str.partition("@")[0], status="failed", value=np.nan, reason="boom")
    row = only(claim(side(), 0.0), pd.concat([table[table.seed > 0], whole[whole.seed == 0]]))
    assert (row["verdict"], "failed at seed 0 (boom)" in row["reason"]) == ("undecided", True)
