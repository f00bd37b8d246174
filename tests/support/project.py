"""A small project in a temporary folder: a subject, a task and methods of attribution, trained in no time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from benchmark import sources, versions
from benchmark.config import check_profile
from benchmark.declarations import Reader
from benchmark.layout import Layout
from benchmark.plan import Plan
from benchmark.planning import make_plan
from benchmark.registry import Plugin, Registry, plugins, read
from benchmark.stages.explain import explain
from benchmark.stages.score import score
from benchmark.stages.train import train
from benchmark.store import Store, read_entry

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
from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task

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
        return AttributionQuestion(model, inputs, targets, inputs, torch.zeros_like(inputs[0]), saved.method_seed)

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
from pathlib import Path
from benchmark.errors import Unsupported
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test"{options})
def {name}(question, *, {parameters}):
{body}
'''
METRIC = '''
"""A metric of a test."""
import os, time
import numpy as np
import torch
from benchmark.errors import Unsupported
from benchmark.plugins import metric

@metric(range=(0.0, 1.0), direction="higher", cites="a test"{options})
def {name}({arguments}):
{body}
'''
GRADIENT = "return question.model.weight[1].expand_as(question.inputs) * scale"
SHARE = "return float(explanation.magnitudes[:, 0].sum() / explanation.magnitudes.sum())"
TASK_ID = "attribution.toytask"
Counts = dict[str, int]


@dataclass
class Project:
    """The files of the toy project, the plan made from them, and its stages.

    Its results lie below the working directory, as those of any run.
    """

    folder: Path
    methods: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=lambda: ["toytask"])
    runs: int = 0

    def __post_init__(self) -> None:
        self.write("toy", SUBJECT)
        self.write("toytask", TASK)

    def write(self, name: str, text: str) -> Path:
        """Write a file; this process forgets what it has read, as the next run's process would not know it."""
        path = self.folder / f"{name}.py"
        path.write_text(text)
        forget_sources()
        return path

    def method(
        self, name: str, body: str = GRADIENT, *, parameters: str = "scale: float = 1.0", **options: Any
    ) -> None:
        """Write or rewrite a method; `body` is the function's body without indentation."""
        self.write(name, METHOD.format(name=name, body=_indented(body), parameters=parameters, options=_given(options)))
        if name not in self.methods:
            self.methods.append(name)

    def metric(self, name: str, body: str = SHARE, *, arguments: str = "explanation", **options: Any) -> None:
        """Write or rewrite a metric, and have the task ask for it."""
        self.write(name, METRIC.format(name=name, body=_indented(body), arguments=arguments, options=_given(options)))
        if name not in self.metrics:
            self.metrics.append(name)
            self.write("toytask", TASK.replace('"auroc"', ", ".join(f'"{n}"' for n in ("auroc", *self.metrics))))

    def read(self, kind: str, name: str) -> Plugin:
        """What a file of the project declares."""
        family = "attribution" if kind != "subject" else None
        module = f"toy_project_{self.folder.name}_{name}".replace("-", "_")
        (plugin,) = read(self.folder / f"{name}.py", kind, family, module, origin="file", reader=READER)
        return plugin

    @property
    def registry(self) -> Registry:
        """The toy's plugins with the engine's metrics and references."""
        real = [p for p in plugins().plugins if p.kind in ("family", "metric", "reference")]
        own = [self.read("subject", "toy"), *(self.read("task", name) for name in self.tasks)]
        own += [self.read("method", name) for name in self.methods]
        own += [self.read("metric", name) for name in self.metrics]
        return Registry((*real, *own))

    def plan(self, **settings: Any) -> Plan:
        """A plan of two seeds of one variant, on the CPU, unless `settings` say otherwise."""
        content = {
            "name": "toy", "seeds": 2, "draws": 10, "device": "cpu", "limits": {"seconds": 30, "memory_mb": 4000},
            "tasks": {"attribution/toytask": {"variants": ["plain"]}},
        }  # fmt: skip
        registry = self.registry
        return make_plan(check_profile(content | settings, registry), registry=registry)

    @property
    def layout(self) -> Layout:
        """Where the project's results lie."""
        return Layout("toy")

    @property
    def store(self) -> Store:
        """What the project keeps."""
        return Store(self.layout.results)

    def new_run(self) -> None:
        """Let what follows be another run than what was."""
        self.runs += 1
        os.environ["TOUCHSTONE_RUN"] = f"run-{self.runs}"

    def train(self, **settings: Any) -> Counts:
        """Train all subjects; how many seeds were computed, reused and failed."""
        plan = self.plan(**settings)
        counts: Counter[str] = Counter(computed=0, reused=0, failed=0)
        for name, subject in plan.subjects.items():
            for batch in range(subject.batches):
                counts.update(train(plan, self.store, name, batch=batch))
        return dict(counts)

    def explain(self, workers: int = 2, **settings: Any) -> Counts:
        """Train, then explain; how many explanations were computed, reused, failed and unsupported."""
        self.train(**settings)
        plan = self.plan(**settings)
        counts: Counter[str] = Counter(computed=0, reused=0, failed=0, unsupported=0)
        for task in plan.tasks:
            for batch in range(plan.task(task).batches):
                counts.update(explain(plan, self.store, task, batch=batch, workers=workers))
        return dict(counts)

    def score(self, workers: int = 2, **settings: Any) -> pd.DataFrame:
        """Train, explain and score; the rows of the toy task."""
        self.explain(**settings)
        return score(self.plan(**settings), self.store, TASK_ID, workers=workers)

    @property
    def values(self) -> Counts:
        """How many values the last scoring computed, reused, failed and did not support."""
        counts: Counts = read_entry(self.layout.score_index(TASK_ID)).content["counts"]
        return counts

    def record(self, method: str, label: str = "plain.0") -> dict[str, Any]:
        """What is kept of a method's explanation beside its tensors."""
        return self.store.read(self.layout.explanation(TASK_ID, method, label)).content

    def attributions(self, method: str, label: str = "plain.0") -> Tensor:
        """A method's attributions as they were kept."""
        return self.store.read(self.layout.explanation(TASK_ID, method, label)).tensors()["attributions"]


def forget_sources() -> None:
    """Empty what a process remembers of source files and of the versions of libraries."""
    for remembered in (sources._module, sources._fingerprint, versions.version_of, versions._installed):
        remembered.cache_clear()


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def _given(options: Mapping[str, Any]) -> str:
    return "".join(f", {key}={value!r}" for key, value in options.items())


def steady(table: pd.DataFrame) -> pd.DataFrame:
    """Rows without what differs between two runs of the same thing."""
    return table.drop(columns=["seconds", "peak_memory_mb"]).reset_index(drop=True)


def flip(path: Path, *, keep_time: bool = False) -> bytes:
    """Flip the last bit of a file, unnoticed by whoever looks at sizes and times alone; returns what it held."""
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    if keep_time:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return content
