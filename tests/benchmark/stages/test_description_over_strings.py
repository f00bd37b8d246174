"""A task over texts with a language of its own, through all stages: one file, unknown to the engine."""

from __future__ import annotations

import pytest

from tests.support.small_project import SmallProject

SUBJECT = '''
"""Functions of texts."""
from dataclasses import dataclass
from benchmark.subjects import Check, Run, Trained, subject

@subject(cites="a test")
@dataclass(frozen=True, kw_only=True)
class Texts:
    """Pipelines of rewriting steps."""
    programs: tuple[str, ...] = ("reverse", "keep a; drop b", "upper", "first 1")

    def train(self, run: Run) -> Trained:
        return Trained({}, {}, [Check("functions", float(len(self.programs)), 2.0)])
'''
TASK = '''
"""What does each box do to its text?"""
from dataclasses import dataclass
from functools import partial
import numpy as np
from benchmark.families.description import BlackBox, DescriptionQuestion, DescriptionTruth, Strings, description_task
from tests.support.rewriting import REWRITING

DOMAIN = Strings("abc", 4)

@description_task(
    cites="a test", subject="texts", primary="program_success", provides=("strings",),
    metrics=("program_success", "normalised_error", "exception_recall", "queries_used", "description_length"),
    variants={"plain": {}},
)
@dataclass(frozen=True, kw_only=True)
class TextsTask:
    """Four functions of texts."""

    def pose(self, saved):
        boxes = (BlackBox(partial(REWRITING.run, p), DOMAIN, 20) for p in saved.subject.programs)
        return DescriptionQuestion(tuple(boxes), saved.method_seed, 4, REWRITING)

    def truth(self, saved):
        programs = saved.subject.programs
        plain = tuple(p.removeprefix("keep a; ") for p in programs)
        points = np.unique(DOMAIN.sample(100, saved.seed))
        return DescriptionTruth(
            sentences=tuple(f"It does: {p}." for p in programs), programs=programs, plain=plain,
            points=(points,) * len(programs), outputs=np.stack([REWRITING.run(p, points) for p in programs]),
            departs=np.stack([np.char.startswith(points, "a") & (p != q) for p, q in zip(programs, plain)]),
            language=REWRITING,
        )
'''
SEARCH = '''
"""The first single step that agrees with the answers."""
from benchmark.families.description import description_method

STEPS = ("reverse", "upper", "first 1", "first 2", "drop a", "drop b")

@description_method(cites="a test", requires=("strings",))
def search(question):
    found = []
    for box in question.boxes:
        points = box.domain.sample(box.left, question.seed)
        answers = box.query(points)
        best = max(STEPS, key=lambda step: (question.language.run(step, points) == answers).mean())
        found.append((f"It does: {best}.", best))
    return found
'''


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {("subject", "texts"): SUBJECT, ("task", "textstask"): TASK, ("method", "search"): SEARCH}
    return SmallProject(tmp_path, "description", files, borrowed=(("method", "constant"), ("method", "polynomial")))


def test_a_task_over_texts_is_one_file(project):
    table, _, _ = project.scored()
    rows = table.set_index(["method", "metric"])
    assert rows.loc[("search", "program_success"), "value"] == 0.75, "all but the one with an exception"
    assert rows.loc[("search", "program_success@global"), "value"] == 1
    assert rows.loc[("search", "exception_recall"), "value"] == 0
    assert rows.loc[("search", "queries_used"), "value"] == 20
    assert rows.loc[("oracle", "program_success"), ["value", "skill"]].tolist() == [1, 1]
    assert "program_success@published" not in table["metric"].unique(), "FIND's criterion is one of numbers"
    for name in ("constant", "polynomial"):
        assert rows.loc[(name, "program_success"), "status"] == "unsupported"
        assert "reals" in rows.loc[(name, "program_success"), "reason"]
