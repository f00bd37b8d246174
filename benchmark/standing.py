"""Whether what lies there was made under the plan as it is.

Snakemake remembers settings in a folder of its own and compares the times of files: results that were copied, or whose
`.snakemake` was removed, would count as made under whatever profile stands now. So every index says what it was made
from, and one that says something else, or nothing, is taken back; its job then looks again and keeps what is true.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.audit import take_back
from benchmark.errors import DamagedArtifactError
from benchmark.plan import Plan, SubjectPlan, TaskPlan
from benchmark.registry import PROJECT
from benchmark.store import digest, read_entry

MADE_FROM = "made_from"


def of_training(subject: SubjectPlan) -> str:
    """What a subject's indexes are made from."""
    return _stamp(subject.settings, subject.train_sources)


def of_explaining(task: TaskPlan, batch: int) -> str:
    """What an index of explanations is made from."""
    return _stamp(task.explain_settings(batch), task.explain_sources(batch))


def of_scoring(plan: Plan, task: TaskPlan) -> str:
    """What a task's rows are made from."""
    return _stamp(task.score_settings(plan.profile.draws), task.score_sources)


def of_drawing(task: TaskPlan) -> str:
    """What a task's pictures are made from."""
    return _stamp("", task.picture_sources)


def of_publishing(plan: Plan) -> str:
    """What the published files are made from."""
    return _stamp(json.dumps(plan.configuration, default=str), plan.publish_sources)


def take_back_outdated(plan: Plan) -> list[Path]:
    """Take back every index of the plan that was made from something else, with those made after it."""
    found = []
    for index, stamp in _standing(plan):
        try:
            made_from = read_entry(index).content.get(MADE_FROM)
        except (FileNotFoundError, DamagedArtifactError):
            continue
        if made_from != stamp:
            take_back(plan.layout, index)
            found.append(index)
    return found


def _standing(plan: Plan) -> Iterator[tuple[Path, str]]:
    layout = plan.layout
    for name, subject in plan.subjects.items():
        yield from ((layout.train_index(name, batch), of_training(subject)) for batch in range(subject.batches))
    for task in plan.tasks.values():
        yield from ((layout.explain_index(task.id, batch), of_explaining(task, batch)) for batch in range(task.batches))
        yield layout.score_index(task.id), of_scoring(plan, task)
        yield layout.picture_index(task.id), of_drawing(task)
    yield layout.published, of_publishing(plan)


def _stamp(settings: str, sources: Sequence[Path]) -> str:
    """Settings, and the files that make a job look again, by where they lie in the project and what they hold."""
    return digest([settings, [[os.path.relpath(path, PROJECT), _content(path)] for path in sources]])


@functools.cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
