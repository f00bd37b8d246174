"""Pictures are drawn where what they show has changed, and one that cannot be drawn costs itself alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from benchmark.families.attribution import pictures as attribution
from benchmark.families.family import Case, Picture
from benchmark.stages.explain import explain
from benchmark.stages.made import pictures_of
from benchmark.stages.pictures import _png, draw
from benchmark.stages.score import score
from benchmark.stages.train import train
from benchmark.store import Store
from tests.support.project import Project

TASK = "attribution.toytask"
REFERENCES = ["oracle", "random", "inverted"]


@pytest.fixture(autouse=True)
def _below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drawn(project: Project) -> Mapping[str, int]:
    """Run all stages up to the pictures; what the last one counted."""
    plan = project.plan(seeds=1)
    store = Store(plan.layout.results)
    train(plan, store, "toy")
    explain(plan, store, TASK)
    score(plan, store, TASK)
    return draw(plan, store, TASK)


def names(project: Project) -> list[str]:
    plan = project.plan(seeds=1)
    return [picture["name"] for picture in pictures_of(plan, Store(plan.layout.results), plan.task(TASK))]


def test_a_new_method_draws_its_own_picture_and_those_of_all_methods(project: Project) -> None:
    project.method("one")
    assert drawn(project) == {"computed": 5, "reused": 0, "failed": 0}
    project.method("two", "return question.inputs * scale")
    assert drawn(project) == {"computed": 2, "reused": 4, "failed": 0}
    assert names(project) == ["overview", *REFERENCES, "one", "two"]
    assert drawn(project) == {"computed": 0, "reused": 6, "failed": 0}


def test_only_the_scores_that_a_picture_reads_draw_it_anew(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def pictures(cases: Sequence[Case]) -> list[Picture]:
        def reading() -> Figure:
            figure = Figure()
            figure.suptitle(f"{cases[0].scores.get('share')} {'other' in cases[0].scores}")
            return figure

        return [Picture(name, "A title", "Of a test.", draw, cases[:1]) for name, draw in drawing(reading)]

    def drawing(reading: Any) -> list[tuple[str, Any]]:
        return [("blind", Figure), ("reading", reading)]

    monkeypatch.setattr(attribution, "pictures", pictures)
    project.method("one")
    assert drawn(project) == {"computed": 2, "reused": 0, "failed": 0}
    project.metric("unread")
    assert drawn(project) == {"computed": 0, "reused": 2, "failed": 0}
    project.metric("other")
    assert drawn(project) == {"computed": 1, "reused": 1, "failed": 0}, "it asks whether there is one"
    project.metric("share")
    assert drawn(project) == {"computed": 1, "reused": 1, "failed": 0}
    project.metric("share", "return 0.25")
    assert drawn(project) == {"computed": 1, "reused": 1, "failed": 0}
    project.metric("unread", "return 0.25")
    assert drawn(project) == {"computed": 0, "reused": 2, "failed": 0}


def two_and(bad: Any) -> Any:
    """A family's pictures: a good one, one that `bad` draws, and another good one."""

    def pictures(cases: Sequence[Case]) -> list[Picture]:
        drawing = {"first": Figure, "second": bad, "third": Figure}
        return [Picture(name, name.title(), "Of a test.", draw, cases[:1]) for name, draw in drawing.items()]

    return pictures


def test_a_picture_that_cannot_be_drawn_costs_itself_alone(
    project: Project, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spill() -> Figure:
        raise ValueError("the ink is spilt")

    project.method("one")
    monkeypatch.setattr(attribution, "pictures", two_and(spill))
    assert drawn(project) == {"computed": 2, "reused": 0, "failed": 1}
    assert names(project) == ["first", "third"]
    assert "second cannot be drawn" in lines()
    assert "ValueError: the ink is spilt" in lines()
    monkeypatch.setattr(attribution, "pictures", two_and(Figure))
    assert drawn(project) == {"computed": 1, "reused": 2, "failed": 0}
    assert names(project) == ["first", "second", "third"]


def test_a_picture_that_is_still_true_is_not_drawn(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def spill() -> Figure:
        raise AssertionError("drawn again")

    project.method("one")
    monkeypatch.setattr(attribution, "pictures", two_and(Figure))
    drawn(project)
    monkeypatch.setattr(attribution, "pictures", two_and(spill))
    assert drawn(project) == {"computed": 0, "reused": 3, "failed": 0}


def test_both_ends_of_a_scale_keep_their_tones() -> None:
    def drawing() -> Figure:
        figure = Figure(figsize=(6, 6))
        values = np.random.default_rng(0).normal(0, 0.1, (60, 60))
        values[0, 0], values[0, 1] = -1, 1
        figure.subplots().imshow(values, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest")
        return figure

    full = BytesIO()
    drawing().savefig(full, format="png")
    true, kept = (
        np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
        for data in (full.getvalue(), _png(Picture("scale", "", "", drawing)))
    )
    assert np.abs(true - kept).max() <= 16
