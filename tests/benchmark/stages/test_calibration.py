"""Floors and ceilings: kept while they are true, measured again when what they rest on changes."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from benchmark.errors import TouchstoneError
from benchmark.stages import calibration
from benchmark.stages.explain import explain
from benchmark.stages.score import score
from benchmark.stages.train import train
from tests.support.project import Project

TASK = "attribution.toytask"


def scored(project: Project, **settings: object) -> pd.DataFrame:
    plan = project.plan(**settings)
    train(plan, project.layout, next(iter(plan.subjects)))
    explain(plan, project.layout, "toytask")
    return score(plan, project.layout, "toytask")


@pytest.fixture
def no_more_draws(project: Project, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The first rows; afterwards whoever measures a floor fails."""
    project.method("one")
    table = scored(project)

    def refuse(*_: object) -> None:
        raise TouchstoneError("a floor is measured")

    monkeypatch.setattr(calibration, "_calibrate", refuse)
    return table


def test_a_new_method_measures_no_floor_again(project: Project, no_more_draws: pd.DataFrame) -> None:
    project.method("two")
    table = scored(project)
    pd.testing.assert_frame_equal(table[table.method != "two"].reset_index(drop=True), no_more_draws)
    assert (table[table.method == "two"].status == "ok").all()


@pytest.mark.parametrize("change", [{"draws": 7}, {"tasks": {"attribution/toytask": {"variants": ["wide"]}}}])
def test_a_change_of_what_it_rests_on_measures_it_again(
    project: Project, no_more_draws: pd.DataFrame, change: dict[str, object]
) -> None:
    assert len(no_more_draws)
    with pytest.raises(TouchstoneError, match="a floor is measured"):
        scored(project, **change)


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_is_measured_again(project: Project, damage: str) -> None:
    project.method("one")
    first = scored(project)
    path = project.layout.calibration(TASK, "plain.0")
    content = path.read_text()
    assert json.loads(content)["scale"]["ceiling"]["rank_accuracy"] == 1
    path.write_text(
        content[:-9] if damage == "truncated" else content.replace('"rank_accuracy": 1.0', '"rank_accuracy": 2.0')
    )
    assert path.read_text() != content
    pd.testing.assert_frame_equal(scored(project), first)
    assert path.read_text() == content
