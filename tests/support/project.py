"""A small project in a temporary folder: a subject, a task and methods of attribution, trained in no time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.config import check_profile
from benchmark.declarations import Reader
from benchmark.layout import Layout
from benchmark.plan import Plan, make_plan
from benchmark.registry import Plugin, Registry, plugins, read

READER = Reader()
"""One child for all files of the toy project; it ends with this process."""
SUBJECT = '''
"""A linear model whose first entry decides."""
from dataclasses import dataclass
import torch
from torch import nn
from benchmark.subjects import Check, Run, Saved, Trained, subject

@subject(cites="a test")
@dataclass(frozen=True, kw_only=True)
class Toy:
    """A linear model."""
    width: int = 6
    quality: float = 1.0

    def train(self, run: Run) -> Trained:
        weight = torch.zeros(2, self.width)
        weight[1, 0] = self.quality
        inputs = torch.randn(8, self.width, generator=run.generator("inputs"))
        return Trained({"weight": weight}, {"inputs": inputs}, [Check("first entry decides", self.quality, 0.5)])

    def load(self, saved: Saved) -> nn.Module:
        model = nn.Linear(self.width, 2, bias=False)
        model.load_state_dict(dict(saved.weights))
        return model.eval().requires_grad_(False)
'''
TASK = '''
"""Does an attribution find the entry that decides?"""
from dataclasses import dataclass
import torch
from benchmark.families.attribution import AttributionSubject, AttributionTruth, attribution_task

@attribution_task(
    cites="a test",
    subject="toy",
    primary="rank_accuracy",
    metrics=("rank_accuracy", "auroc"),
    variants={"plain": {}, "wide": {"width": 9}, "bad": {"quality": 0.1}, "few": {"inputs": 2}},
    unranked=("few",),
    twins={"plain": "few", "wide": "bad"},
)
@dataclass(frozen=True, kw_only=True)
class ToyTask:
    inputs: int = 8

    def pose(self, saved):
        inputs = saved.public["inputs"][: self.inputs]
        targets = torch.ones(len(inputs), dtype=torch.long)
        model = saved.subject.load(saved)
        return AttributionSubject(model, inputs, targets, inputs, torch.zeros_like(inputs[0]), saved.seed)

    def truth(self, saved):
        mask = torch.zeros_like(saved.public["inputs"][: self.inputs], dtype=torch.bool)
        mask[:, 0] = True
        return AttributionTruth({"": mask}, ~mask)
'''
METHOD = '''
"""A method of a test."""
import os, signal, sys, time
import numpy as np
import torch
from benchmark.errors import Unsupported
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test"{options})
def {name}(subject, *, {parameters}):
{body}
'''
GRADIENT = "return subject.model.weight[1].expand_as(subject.inputs) * scale"


@dataclass
class Project:
    """The files of the toy project, and the plan made from them."""

    folder: Path
    methods: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write("toy", SUBJECT)
        self.write("toytask", TASK)

    @property
    def layout(self) -> Layout:
        return Layout("toy", self.folder / "work")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.py"
        path.write_text(text)
        return path

    def method(
        self, name: str, body: str = GRADIENT, *, parameters: str = "scale: float = 1.0", **options: bool
    ) -> None:
        """Write or rewrite a method; `body` is the function's body without indentation."""
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        extra = "".join(f", {key}={value}" for key, value in options.items())
        self.write(name, METHOD.format(name=name, body=lines, parameters=parameters, options=extra))
        if name not in self.methods:
            self.methods.append(name)

    def read(self, kind: str, name: str) -> Plugin:
        family = "attribution" if kind != "subject" else None
        module = f"toy_project_{self.folder.name}_{name}".replace("-", "_")
        (plugin,) = read(self.folder / f"{name}.py", kind, family, module, origin="file", reader=READER)
        return plugin

    @property
    def registry(self) -> Registry:
        """The toy's plugins with the engine's metrics and references."""
        real = [p for p in plugins().plugins if p.kind in ("family", "metric", "reference")]
        own = [self.read("subject", "toy"), self.read("task", "toytask")]
        own += [self.read("method", name) for name in self.methods]
        return Registry((*real, *own))

    def plan(self, **settings: Any) -> Plan:
        """A plan of two seeds of one variant, on the CPU, unless `settings` say otherwise."""
        content = {
            "name": "toy", "seeds": 2, "draws": 10, "device": "cpu", "limits": {"seconds": 30, "memory_mb": 4000},
            "tasks": {"attribution/toytask": {"variants": ["plain"]}},
        }  # fmt: skip
        registry = self.registry
        return make_plan(check_profile(content | settings, registry), registry=registry)
