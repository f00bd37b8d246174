"""The picture at the end of `touchstone run`: the method, the truth, the best control, and the best method so far."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.families.attribution import pictures
from benchmark.families.family import Case, Picture
from benchmark.marks import with_marks
from benchmark.plan import Plan
from benchmark.stages.beside import Beside, chosen, draw_beside
from benchmark.stages.explain import make_explanations
from benchmark.stages.score import score_instances
from benchmark.stages.train import train
from benchmark.table import instance_rows, to_table
from tests.support.project import TASK_ID, Project

POOR = "return torch.randn(question.inputs.shape, generator=torch.Generator().manual_seed(0))"


def ran(project: Project, plan: Plan, name: str) -> Beside | None:
    """What `touchstone run` draws of a method, after everything that it computes."""
    task = plan.task(TASK_ID)
    (method,) = [method for method in task.methods if method.name == name]
    train(plan, project.store, "toy")
    make_explanations(plan, project.store, task, [method])
    scored, _ = score_instances(plan, project.store, task, [method])
    rows = [row for one in scored for row in instance_rows(plan, project.store, task, [method], one)]
    return draw_beside(plan, project.store, task, method, with_marks(to_table(rows)))


def test_the_best_other_method_is_the_best_of_what_is_computed(project: Project) -> None:
    project.method("good")
    project.method("poor", POOR)
    project.method("poorer", "return torch.zeros_like(question.inputs)")
    plan = project.plan(seeds=1)
    shown = ran(project, plan, "poor")
    assert shown is not None
    assert (shown.control, shown.best) == ("", ""), "nothing else is there yet"
    assert shown.path == Path.cwd() / "results" / "toy" / "runs" / TASK_ID / "poor.png"
    assert np.asarray(Image.open(shown.path).convert("L")).std() > 1
    project.score(seeds=1)
    shown = ran(project, plan, "poor")
    assert shown is not None
    assert shown.best == "good"
    project.method("good", "return question.inputs * scale")
    shown = ran(project, project.plan(seeds=1), "poor")
    assert shown is not None
    assert shown.best == "poorer", "the edited one is no longer what was computed"


def test_a_method_without_an_answer_has_no_picture(project: Project) -> None:
    project.method("broken", "raise ValueError('no')")
    assert ran(project, project.plan(seeds=1), "broken") is None


def test_a_picture_that_cannot_be_drawn_costs_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], str]
) -> None:
    def broken(_cases: object) -> list[Picture]:
        raise ValueError("no ink")

    monkeypatch.setattr(pictures, "pictures", broken)
    project.method("good")
    assert ran(project, project.plan(seeds=1), "good") is None
    assert "no ink" in lines()


def test_of_all_pictures_the_one_that_shows_most_is_chosen() -> None:
    cases = [Case("t", "v", 0, name, None, None, None, {}) for name in ("oracle", "mine", "control")]

    def picture(name: str, *shown: Case) -> Picture:
        return Picture(name, name, "", lambda: None, shown)  # type: ignore[arg-type, return-value]

    all_of_them, alone, other = picture("all"), picture("alone", cases[1]), picture("other", cases[0], cases[2])
    assert chosen([all_of_them, alone, other], cases, "mine") is all_of_them
    assert chosen([alone, other], cases, "mine") is alone
    assert chosen([other], cases, "mine") is None
    later = picture("later")
    assert chosen([all_of_them, later], cases, "mine") is later
