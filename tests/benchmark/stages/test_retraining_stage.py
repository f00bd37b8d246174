"""ROAR and KAR as a task's metrics: all explanations of an instance as one job, with floor and ceiling."""

from __future__ import annotations

from benchmark.stages.score import score_instances
from tests.support.small_project import SmallProject

SUBJECT = '''
"""Two halves: one holds plus or minus a pattern, the label; the other noise. A linear model reads both."""
from dataclasses import dataclass
import torch
from torch import nn
from benchmark.subjects import Check, Run, Saved, Trained, subject

COUNT, HALF = 160, 12

@subject(cites="a test")
@dataclass(frozen=True, kw_only=True)
class Halves:
    """Planted halves."""
    noise: float = 1.0

    def blocks(self, generator):
        upper = torch.randint(2, (COUNT, 1), generator=generator).bool()
        return (torch.arange(2 * HALF) < HALF) == upper

    def train(self, run: Run) -> Trained:
        pattern = torch.randn(HALF, generator=run.generator("pattern")).sign()
        labels = torch.randint(2, (COUNT,), generator=run.generator("labels"))
        inputs = self.noise * torch.randn(COUNT, 2 * HALF, generator=run.generator("noise"))
        inputs[self.blocks(run.generator("blocks"))] += ((2 * labels - 1)[:, None] * pattern).flatten()
        weight = torch.stack([-pattern.repeat(2), pattern.repeat(2)])
        right = (inputs @ weight.T).argmax(1) == labels
        accuracy = Check("accuracy", float(right.float().mean()), 0.8)
        return Trained({"weight": weight}, {"inputs": inputs, "labels": labels}, [accuracy])

    def load(self, saved: Saved):
        model = nn.Linear(2 * HALF, 2, bias=False)
        model.load_state_dict(dict(saved.weights))
        return model.eval().requires_grad_(False)
'''
TASK = '''
"""Which half is read?"""
from dataclasses import dataclass
import torch
from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task

@attribution_task(
    cites="a test", subject="halves", primary="roar", metrics=("roar", "kar", "rank_accuracy"), variants={"plain": {}}
)
@dataclass(frozen=True, kw_only=True)
class Halved:
    """The half with the pattern."""
    inputs: int = 160

    def pose(self, saved):
        inputs, labels = (saved.public[name][: self.inputs] for name in ("inputs", "labels"))
        neutral = torch.zeros_like(inputs[0])
        return AttributionQuestion(saved.subject.load(saved), inputs, labels, inputs, neutral, saved.method_seed)

    def truth(self, saved):
        blocks = saved.subject.blocks(saved.generator("blocks"))[: self.inputs]
        return AttributionTruth({"": blocks}, ~blocks)
'''
METHOD = '''
"""A map of a test."""
import torch
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test")
def {name}(question):
    """{name}."""
    return {map}
'''
CONTRIBUTION = "question.inputs * question.model.weight[question.targets]"
BARCODE = "(torch.arange(24) % 2 == question.targets[:, None]).float()"


def test_all_methods_are_retrained_together(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {("subject", "halves"): SUBJECT, ("task", "halved"): TASK}
    files |= {
        ("method", name): METHOD.format(name=name, map=map_)
        for name, map_ in (("contribution", CONTRIBUTION), ("barcode", BARCODE))
    }
    project = SmallProject(tmp_path, "attribution", files)
    table, plan, store = project.scored()
    found = table[table.metric.isin(["roar", "kar"])].set_index(["metric", "method"])
    assert found.status.eq("ok").all(), found.reason.tolist()
    for metric in ("roar", "kar"):
        value, skill = found.loc[metric].value, found.loc[metric].skill
        assert skill["oracle"] == 1
        assert skill["random"] == 0
        assert value["inverted"] < value["random"] < value["oracle"]
        assert skill["barcode"] < 0.05, "the label in the mask's shape gains nothing"
        assert found.loc[metric].floor_sd.gt(0).all(), "random maps are drawn three times"
    assert {"roar@accuracy", "roar@mask_control", "kar@accuracy", "kar@mask_control"} < set(table.metric)
    task = plan.task("halved")
    assert score_instances(plan, store, task, task.methods)[1]["computed"] == 0
