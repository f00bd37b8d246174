"""A task about two subjects: shapes on textures, one classifier reads the shape and one the texture."""

from __future__ import annotations

import pytest

from tests.support.small_project import SmallProject

SUBJECT = '''
"""Shapes on textures: a small convolutional net whose label is the one or the other."""
from dataclasses import dataclass
from typing import Literal
import torch
from torch import nn
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject

SIDE, OBJECT = 12, 5

def scenes(count, generator):
    """Images [n, 1, 12, 12], object and scene labels [n], and the objects' pixels."""
    objects, textures = (torch.randint(2, (count,), generator=generator) for _ in range(2))
    places = torch.randint(SIDE - OBJECT + 1, (count, 2), generator=generator)
    phases = torch.randint(4, (count, 1, 1), generator=generator)
    lines = (torch.arange(SIDE)[None, None, :] + phases) % 4 < 2
    stripes = lines.expand(-1, SIDE, -1)
    images = torch.where(textures[:, None, None] == 1, stripes, stripes.transpose(1, 2)).float()
    images += 0.1 * torch.randn(images.shape, generator=generator)
    full, plus = torch.ones(OBJECT, OBJECT), torch.zeros(OBJECT, OBJECT)
    plus[OBJECT // 2], plus[:, OBJECT // 2] = 1, 1
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.bool)
    for n, (y, x) in enumerate(places.tolist()):
        masks[n, y : y + OBJECT, x : x + OBJECT] = True
        images[n, y : y + OBJECT, x : x + OBJECT] = 3 * (full if objects[n] else plus)
    return images[:, None], objects, textures, masks[:, None]

@subject(cites="a test")
@dataclass(frozen=True, kw_only=True)
class Scene:
    """Which of the two is the label."""
    label: Literal["object", "scene"] = "object"
    steps: int = 150

    def net(self, generator):
        torch.manual_seed(int(torch.randint(1000, (1,), generator=generator)))
        layers = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 2))

    def chosen(self, objects, textures):
        return objects if self.label == "object" else textures

    def train(self, run: Run) -> Trained:
        model = self.net(run.generator("weights"))
        images, objects, textures, _ = scenes(256, run.generator("train"))
        optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(self.steps):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images), self.chosen(objects, textures)).backward()
            optimiser.step()
        inputs, objects, textures, _ = scenes(64, run.generator("test"))
        with torch.no_grad():
            right = model(inputs).argmax(1) == self.chosen(objects, textures)
        labels = self.chosen(objects, textures)
        public = {"inputs": inputs, "labels": labels, "right": right}
        return Trained(dict(model.state_dict()), public, [Check("accuracy", float(right.float().mean()), 0.9)])

    def objects(self, saved: Saved):
        return scenes(64, saved.generator("test"))[3]

    def load(self, saved: Saved):
        model = self.net(torch.Generator())
        model.load_state_dict(dict(saved.weights))
        return model.eval().requires_grad_(False)
'''
TASK = '''
"""Is an object marked more for the model that reads it?"""
from dataclasses import dataclass
from typing import Literal
import torch
from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Contrast, attribution_task

@attribution_task(
    cites="a test",
    subjects={"object": {"subject": "scene", "label": "object"}, "scene": {"subject": "scene", "label": "scene"}},
    primary="model_contrast",
    metrics=("model_contrast", "rank_accuracy"),
    variants={"object": {"explains": "object"}, "scene": {"explains": "scene"}},
)
@dataclass(frozen=True, kw_only=True)
class Scenes:
    """The same pictures, and one of two models."""
    explains: Literal["object", "scene"] = "object"

    def chosen(self, saved):
        return (saved["object"].public["right"] & saved["scene"].public["right"]).nonzero()[:16, 0]

    def pose(self, saved):
        asked, chosen = saved[self.explains], self.chosen(saved)
        inputs, targets = asked.public["inputs"][chosen], asked.public["labels"][chosen]
        neutral = torch.full_like(inputs[0], float(inputs.mean()))
        return AttributionQuestion(asked.subject.load(asked), inputs, targets, inputs, neutral, asked.method_seed)

    def truth(self, saved):
        masks = saved["object"].subject.objects(saved["object"])[self.chosen(saved)]
        used = masks if self.explains == "object" else ~masks
        return AttributionTruth({"": used}, ~used, Contrast(masks, self.explains == "object"))
'''
OCCLUSION = '''
"""What the target's logit loses where a patch is greyed out."""
import torch
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test")
def occlusion(question, *, width: int = 3):
    """Loss of the logit, given to the patch's middle."""
    def logit(inputs):
        return question.model(inputs).gather(1, question.targets[:, None])[:, 0]

    before, found = logit(question.inputs), torch.zeros_like(question.inputs)
    for y in range(question.inputs.shape[2]):
        for x in range(question.inputs.shape[3]):
            hidden = question.inputs.clone()
            rows, columns = (slice(max(0, place - width // 2), place + width // 2 + 1) for place in (y, x))
            hidden[:, :, rows, columns] = question.baseline[:, rows, columns]
            found[:, 0, y, x] = before - logit(hidden)
    return found
'''
BLIND = '''
"""The input itself: never looks at the model."""
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test")
def blind(question):
    """The brightness."""
    return question.inputs
'''


@pytest.fixture
def project(tmp_path, monkeypatch) -> SmallProject:
    monkeypatch.chdir(tmp_path)
    files = {("subject", "scene"): SUBJECT, ("task", "scenes"): TASK}
    files |= {("method", "occlusion"): OCCLUSION, ("method", "blind"): BLIND}
    return SmallProject(tmp_path, "attribution", files)


def test_two_models_of_one_task_are_contrasted(project: SmallProject) -> None:
    table, plan, _ = project.scored()
    assert sorted(plan.subjects) == ["scene-label-object", "scene-label-scene"]
    assert table.ranked.all(), "both certificates hold"
    assert set(table.variant) == {"object", "scene"}
    contrast = table[table.metric == "model_contrast"]
    assert (contrast.status == "ok").all(), contrast.reason.tolist()
    assert (contrast.groupby("method").value.nunique() == 1).all(), "one value for both variants"
    value = contrast.groupby("method").value.first()
    assert value["oracle"] == 1
    assert value["inverted"] == -1
    assert value["blind"] == 0, "the same for both models"
    assert abs(value["random"]) < 0.1
    assert value["occlusion"] > 0.2
    assert set(table.metric) == {"model_contrast", "rank_accuracy", "model_contrast@used", "model_contrast@unused"}
    skill = contrast.set_index("method").skill
    assert skill["oracle"].eq(1).all()
