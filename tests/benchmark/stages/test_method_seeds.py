"""Several seeds of a method on one subject, and metrics that look at all of them."""

from __future__ import annotations

import pytest

from benchmark.stages.score import score_instances
from tests.support.small_project import SmallProject

TASK = '''
"""Are dictionaries of several seeds the same?"""
from dataclasses import dataclass
import torch
from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task

@dictionary_task(
    cites="a test",
    subject="superposition",
    primary="stability",
    metrics=("stability", "mcc"),
    variants={{"plain": {{"features": 8, "dimensions": 6, "active": 1.0, "rows": 600, "held_out": 300}}}},
    {options}
)
@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The planted features of a small superposition."""

    def pose(self, saved):
        rows = (saved.public[split].clone() for split in ("train", "validation", "test"))
        return DictionaryQuestion(*rows, size=8, sparsity=2, seed=saved.method_seed, source=saved.identity)

    def truth(self, saved):
        planted = saved.subject.plant(saved.seed)
        validation, test = (planted.codes[split] > 0 for split in ("validation", "test"))
        return DictionaryTruth(validation, test, planted.directions, planted.bias)
'''
METHOD = '''
"""Atoms that depend on the seed, or not."""
import torch
from benchmark.families.dictionary import Dictionary, dictionary_method

@dictionary_method(cites="a test")
def {name}(question):
    """Random unit atoms that never fire."""
    atoms = torch.randn(8, question.train.shape[1], generator=torch.Generator().manual_seed({seed}))
    codes = [torch.zeros(len(rows), 8) for rows in (question.validation, question.test)]
    {then}
    return Dictionary(atoms, question.train.mean(0), *codes)
'''


@pytest.fixture
def project(tmp_path, monkeypatch) -> SmallProject:
    monkeypatch.chdir(tmp_path)
    fails = 'if question.seed not in (0, 1): raise ValueError("no")'
    methods = {
        ("method", "steady"): METHOD.format(name="steady", seed="0", then=""),
        ("method", "drawn"): METHOD.format(name="drawn", seed="question.seed", then=""),
        ("method", "fails"): METHOD.format(name="fails", seed="0", then=fails),
    }
    task = {("task", "seeds"): TASK.format(options="method_seeds=3")}
    return SmallProject(tmp_path, "dictionary", task | methods, borrowed=(("subject", "superposition"),))


def test_seeds_of_a_method_on_one_subject_are_compared(project: SmallProject) -> None:
    table, plan, store = project.scored(seeds=2)
    (task,) = plan.tasks.values()
    assert [i.label for i in task.instances] == [
        "plain.0",
        "plain.0.1",
        "plain.0.2",
        "plain.1",
        "plain.1.1",
        "plain.1.2",
    ]
    found = table[table.metric == "stability"].set_index(["method", "seed"])
    assert len(found) == 2 * len(set(table.method)), "one row for each seed of the subject"
    value = found.value
    assert value["oracle"].eq(1).all(), "the planted truth is the same whatever the method's seed"
    assert value["steady"].eq(1).all()
    assert value["drawn"].between(0.3, 0.95).all()
    assert value["random"].between(0.3, 0.95).all(), "each repetition has draws of its own"
    assert found.floor_sd.gt(0).all(), "measured anew for each draw"
    assert found.loc["fails"].status.tolist() == ["unsupported"] * 2, "one seed of three is left"
    assert value["drawn"].nunique() == 2, "subjects are not mixed"
    _, counts = score_instances(plan, store, task, task.methods)
    assert counts["computed"] == 0, "what was measured together is known"


def test_without_method_seeds_the_seeds_of_the_subject_form_the_group(project: SmallProject) -> None:
    project.files = project.files | {("task", "seeds"): TASK.format(options="")}
    table, _, _ = project.scored(seeds=2)
    found = table[table.metric == "stability"]
    assert set(found.status) == {"unsupported"}
    assert found.reason.str.contains("different activations").all()
