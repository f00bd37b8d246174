"""`touchstone new-method|new-task|new-metric FAMILY NAME`: a file that runs as it is, its test, and what to do next.

What is written comes from the family's package: its template, its trivial problem, its judge. A task is written with a
subject of its own, and poses the family's trivial problem until its author puts another in its place. All of it cites
"unpublished" until its author says where it was published.
"""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmark.declared import Unusable, check_name
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.families.family import Family
from benchmark.registry import PROJECT, Plugin, plugins

METHOD = '''"""{title}: say in one sentence what the method does (authors, year)."""

{imports}


@{family}_method(cites="unpublished")
def {name}(question: {question}, *, {parameter}) -> {returns}:
    """Say what is returned, with its formula and its source."""
{body}
'''

METRIC = '''"""{title}: say in one sentence what the metric measures (authors, year)."""

{metric_imports}
from benchmark.plugins import metric


@metric(range=(0, 1), direction="higher", cites="unpublished")
def {name}(explanation: {explanation}, truth: {truth}) -> float:
    """Say what is returned, with its formula and its source."""
{metric_body}
'''

SUBJECT = '''"""{title}: say in one sentence what is planted in the model, and how one knows that the model uses it."""

from __future__ import annotations

from dataclasses import dataclass

from {package}.family import FAMILY
from benchmark.subjects import Check, Run, Trained, subject


@subject(cites="unpublished")
@dataclass(frozen=True, kw_only=True)
class {class_name}:
    """The trivial problem of {family}: put your own model and its data in its place."""

    shift: int = 0
    """Added to the seed of what is planted."""

    def train(self, run: Run) -> Trained:
        """Nothing is learned here, so that there is little to certify: put measured evidence in this check's place."""
        question, truth = FAMILY.trivial(run.seed + self.shift)
        answers = float(question is not None and truth is not None)
        return Trained(weights={{}}, public={{}}, checks=[Check("question and truth are there", answers, 1.0)])
'''

TASK = '''"""{title}: say in one sentence what is asked, and what the planted answer is (authors, year)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from {package} import {question}, {truth}, {family}_task
from {package}.family import FAMILY
from benchmark.subjects import Saved


@{family}_task(
    cites="unpublished",
    subject="{name}",
    primary="{judge}",
    metrics=("{judge}",),
    variants={{"plain": {{}}, "shifted": {{"shift": 1000}}}},
)
@dataclass(frozen=True, kw_only=True)
class {class_name}Task:
    """The trivial problem of {family}: put your own question in its place."""

    def pose(self, saved: Saved) -> {question}:
        """What methods see; nothing from which the truth can be made."""
        question, _ = FAMILY.trivial(saved.seed + saved.subject.shift)
        return replace(question, seed=saved.method_seed)

    def truth(self, saved: Saved) -> {truth}:
        """What was planted, rebuilt from the seed."""
        _, truth = FAMILY.trivial(saved.seed + saved.subject.shift)
        return truth
'''

CONFORMS = '''"""{title}: its conformance, and what is known of its answer in closed form."""

from benchmark.conformance import find_plugin, findings


def test_{name}_conforms() -> None:
    plugin = find_plugin("{path}")
    assert not [finding for finding in findings(plugin) if not finding.passed]
'''

METRIC_TEST = '''"""{title}: the planted truth scores higher than chance; add what is known in closed form."""

import torch

from benchmark.registry import plugins
from benchmark.scores import by_name


def test_{name}_tells_the_truth_from_chance() -> None:
    registry = plugins()
    question, truth = registry.find("family", "{family}").load().trivial(0)
    metric = registry.find("metric", "{family}/{name}").load()

    def value(reference: str) -> float:
        make = registry.find("reference", "{family}/" + reference).load()
        answer = by_name(make, question=question, truth=truth, generator=torch.Generator().manual_seed(0))
        return float(by_name(metric, explanation=answer, truth=truth, question=question))

    assert 0 <= value("random") < value("oracle") <= 1
'''


def write_method(family: str, name: str, root: Path = PROJECT) -> Iterator[str]:
    """Write `methods/<family>/<name>.py` and its test; yield lines for the user. Nothing is overwritten."""
    values = _values("method", family, name)
    yield from _write(root, values, {f"methods/{family}/{name}.py": METHOD}, f"tests/methods/{family}", CONFORMS)
    example = next((task.key for task in plugins().of("task", family)), f"{family}/<task>")
    yield f"  touchstone check {family}/{name}"
    yield f"  touchstone run --task {example} --method {name} --profile smoke"
    yield "  make leaderboard            computes this method's cells alone"


def write_task(family: str, name: str, root: Path = PROJECT) -> Iterator[str]:
    """Write a subject, a task on it and the task's test; yield lines for the user. Nothing is overwritten."""
    values = _values("task", family, name)
    if any(p.name == name for p in plugins().of("subject")):
        raise TouchstoneError(f"there is a subject {name!r} already")
    files = {f"tasks/models/{name}/subject.py": SUBJECT, f"tasks/{family}/{name}.py": TASK}
    yield from _write(root, values, files, f"tests/tasks/{family}", CONFORMS)
    example = next((method.name for method in plugins().of("method", family)), "<method>")
    yield f"  tasks/models/{name}/subject.py   plant your answer, and measure in the certificate that the model uses it"
    yield f"  touchstone check tasks/{family}/{name}.py"
    yield f"  touchstone run --task {family}/{name} --method {example} --profile smoke"


def write_metric(family: str, name: str, root: Path = PROJECT) -> Iterator[str]:
    """Write a metric of a family and its test; yield lines for the user. Nothing is overwritten."""
    values = _values("metric", family, name)
    folder = f"benchmark/families/{family}/metrics"
    if not (root / folder).parent.is_dir():
        raise TouchstoneError(
            f"the family {family} lies in {values['package']}, not in {root}: write its metrics there"
        )
    tests = f"tests/{folder}"
    yield from _write(root, values, {f"{folder}/{name}.py": METRIC}, tests, METRIC_TEST)
    yield f"  pytest {tests}/test_{name}.py"
    yield f'  add "{name}" to the `metrics` of the tasks that it fits'


def _values(kind: str, family: str, name: str) -> dict[str, str]:
    """What the texts are filled with; the name is checked."""
    registry = plugins()
    if family not in registry.families:
        raise UnknownNameError("family", family, registry.families)
    try:
        check_name("" if keyword.iskeyword(name) else name)
    except Unusable:
        expected = f"a {kind}'s name must be a lower-case identifier such as 'my_{kind}'"
        raise TouchstoneError(f"{expected}, got {name!r}") from None
    kinds = ("method", "reference") if kind == "method" else (kind,)
    if any(p.name == name for other in kinds for p in registry.of(other, family)):
        raise TouchstoneError(f"{family} has a {kind} {name!r} already")
    plugin: Plugin = registry.find("family", family)
    loaded: Family = plugin.load()
    question, truth = loaded.trivial(0)
    words = name.split("_")
    return {
        **dataclasses.asdict(loaded.template),
        "family": family,
        "package": plugin.module.rpartition(".")[0],
        "name": name,
        "title": " ".join(words).capitalize(),
        "class_name": "".join(word.capitalize() for word in words),
        "judge": loaded.judge,
        "question": type(question).__name__,
        "truth": type(truth).__name__,
        "explanation": loaded.explanation.__name__,
    }


def _write(root: Path, values: Mapping[str, str], texts: Mapping[str, str], tests: str, test: str) -> Iterator[str]:
    """Write the files and the test of the last one, unless one is there already."""
    names = {**texts, f"{tests}/test_{values['name']}.py": test}
    taken = [root / name for name in names if (root / name).exists()]
    if taken:
        raise TouchstoneError(f"{taken[0]} exists already; nothing was written")
    for name, text in names.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**values, path=list(texts)[-1]), encoding="utf-8")
        yield f"wrote {name}"
    yield "It runs as it is. Next:"
