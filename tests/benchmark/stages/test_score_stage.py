"""Scoring: explanations meet the truth; the scale is measured in the same run; nothing depends on how many workers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from benchmark.errors import DamagedArtifactError
from benchmark.scores import COLUMNS
from benchmark.stages.explain import explain
from benchmark.stages.score import score
from benchmark.stages.train import train
from tests.support.project import Project

VARIANTS = {"attribution/toytask": {"variants": ["plain", "wide", "bad", "few"]}}


def scored(project: Project, workers: int = 2, **settings: Any) -> pd.DataFrame:
    plan = project.plan(**settings)
    for subject in plan.task("toytask").subjects:
        train(plan, project.layout, subject)
    explain(plan, project.layout, "toytask", workers=2)
    return score(plan, project.layout, "toytask", workers=workers)


def test_the_rows_of_a_task(project: Project) -> None:
    project.method("right")
    project.method(
        "wrong", "attributions = torch.ones_like(subject.inputs)\nattributions[:, 0] = 0\nreturn attributions"
    )
    project.method("raises", "raise ValueError('no')")
    table = scored(project, tasks=VARIANTS)
    assert tuple(table.columns) == COLUMNS
    methods = {"right", "wrong", "raises", "random", "oracle", "inverted"}
    assert set(table.method) == methods
    assert len(table) == len(methods) * 4 * 2 * 2, "methods x variants x seeds x metrics"
    assert not table.duplicated(["variant", "seed", "method", "metric"]).any()
    assert set(table[table.reference].method) == {"random", "oracle", "inverted"}
    assert set(table[table.primary].metric) == {"rank_accuracy"}
    by_method = table.groupby("method")
    assert (by_method.get_group("oracle").skill == 1).all()
    assert (by_method.get_group("oracle").value == by_method.get_group("oracle").ceiling).all()
    assert by_method.get_group("random").skill.abs().max() == 0
    assert (by_method.get_group("right").skill == 1).all()
    assert (by_method.get_group("wrong").skill < 0).all()
    failed = by_method.get_group("raises")
    assert (failed.skill == 0).all()
    assert failed.value.isna().all()
    assert set(failed.reason) == {"ValueError: no"}
    ranked = table.groupby("variant").ranked.unique().map(list).to_dict()
    assert ranked == {"plain": [True], "wide": [True], "few": [False], "bad": [False]}
    twins = table.groupby("variant").twin.unique().map(list).to_dict()
    assert twins == {"plain": ["few"], "wide": [""], "few": [""], "bad": [""]}, "bad fails its certificate"
    assert set(table.subject) == {"toy"}
    assert (table[table.method == "right"].model_calls >= 0).all()


def test_a_supervised_method_stands_with_the_references(project: Project) -> None:
    project.method("told", supervised=True)
    project.method("learner")
    table = scored(project)
    assert set(table[table.reference].method) == {"random", "oracle", "inverted", "told"}
    told, learner = (table[table.method == name].value.to_numpy() for name in ("told", "learner"))
    assert (told == learner).all()


def test_the_file_holds_the_rows(project: Project) -> None:
    project.method("right")
    table = scored(project)
    stored = pd.read_parquet(project.layout.scores("attribution.toytask"))
    pd.testing.assert_frame_equal(stored, table)


def test_rows_do_not_depend_on_the_number_of_workers_or_on_other_methods(project: Project) -> None:
    project.method("one")
    alone = scored(project, workers=1)
    project.method("two", "raise ValueError")
    together = scored(project, workers=3)
    pd.testing.assert_frame_equal(together[together.method != "two"].reset_index(drop=True), alone)


def test_references_that_are_no_draws_and_methods_keep_their_values_when_draws_change(project: Project) -> None:
    project.method("one")
    few, many = scored(project, draws=2), scored(project, draws=20)
    pd.testing.assert_series_equal(few[few.method != "random"].value, many[many.method != "random"].value)
    assert (many.floor_sd > 0).all()


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_explanation_is_named(project: Project, damage: str) -> None:
    project.method("one")
    scored(project)
    path = project.layout.cell("attribution.toytask", "one") / "plain.1.safetensors"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-3] if damage == "truncated" else content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedArtifactError, match=r"scoring attribution/toytask on plain\.1 failed: .*plain\.1\.saf"):
        score(project.plan(), project.layout, "toytask")


def test_the_truth_is_not_written_where_methods_read(project: Project) -> None:
    project.method("one")
    scored(project)
    names = {path.name for path in project.layout.results.rglob("*.safetensors")}
    assert names == {"weights.safetensors", "public.safetensors", "plain.0.safetensors", "plain.1.safetensors"}
