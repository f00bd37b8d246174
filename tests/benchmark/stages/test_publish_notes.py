"""A board says which of a task's controls did not run: without them its skill begins too low."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmark.stages.publish import without_controls
from tests.support.project import TASK, Project

ABSENT = "attribution/toytask ran without its control {}: its skill may begin too low"


@pytest.fixture
def controlled(project: Project) -> Project:
    """The toy task with two controls, a method and a reference of its family, beside a contestant."""
    project.write("toytask", TASK.replace('subject="toy",', 'subject="toy", controls=("still", "inverted"),'))
    project.method("slope")
    project.method("still", "return torch.ones_like(question.inputs)", control=True)
    return project


def test_nothing_is_said_where_all_controls_ran(controlled: Project) -> None:
    assert without_controls(controlled.plan(), controlled.score()) == []


def test_a_control_that_the_profile_leaves_out_is_named(controlled: Project) -> None:
    exclude = ["method:attribution/still"]
    plan, scores = controlled.plan(exclude=exclude), controlled.score(exclude=exclude)
    assert "still" not in set(scores.method)
    assert without_controls(plan, scores) == [ABSENT.format("still")]
    elsewhere = scores.assign(task="another", method="still")
    assert without_controls(plan, elsewhere) == [ABSENT.format("inverted, still")], "rows of another task do not count"


def test_a_control_that_failed_ran(controlled: Project) -> None:
    """Its rows stand there, at the floor: the failure is shown, and no note is due."""
    controlled.method("still", "raise RuntimeError('no')", control=True)
    scores = controlled.score()
    assert set(scores[scores.method == "still"].status) == {"failed"}
    assert without_controls(controlled.plan(), scores) == []


def test_a_task_without_controls_has_no_note(project: Project) -> None:
    project.method("slope")
    assert without_controls(project.plan(), project.score()) == []


def test_publishing_waits_for_no_torch() -> None:
    code = "import sys, benchmark.stages.publish, benchmark.timing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
