"""What a run did, kind by kind: computed, reused, failed, unsupported; and the command that repeats what failed."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmark.errors import DamagedArtifactError
from benchmark.plan import Plan
from benchmark.store import Store, read_entry

NAMES = ("computed", "reused", "failed", "unsupported", "missing")


def summary_lines(plan: Plan, store: Store) -> Iterator[str]:
    """Lines for a person. What a job made that this run did not start counts as reused."""
    layout = plan.layout
    indexes = {
        "subjects": [layout.train_index(n, b) for n, s in plan.subjects.items() for b in range(s.batches)],
        "explanations": [layout.explain_index(t.id, b) for t in plan.tasks.values() for b in range(t.batches)],
        "values": [layout.score_index(task) for task in plan.tasks],
        "pictures": [layout.picture_index(task) for task in plan.tasks],
    }
    for kind, paths in indexes.items():
        counts = _counted(paths)
        shown = (f"{counts[name]} {name}" for name in NAMES if counts[name] or name in ("computed", "reused", "failed"))
        yield f"{kind}: {', '.join(shown)}"
    yield from (f"left out: {problem}" for problem in plan.problems)
    failures = list(_failures(plan, store))
    if failures:
        yield "failed (tried again whenever their job runs):"
        yield from failures


def _counted(paths: list[Path]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path in paths:
        try:
            content = read_entry(path).content
        except (FileNotFoundError, DamagedArtifactError):
            counts["missing"] += 1
            continue
        found = Counter(content["counts"])
        if content["run"] != os.environ.get("TOUCHSTONE_RUN"):
            found = found + Counter({"reused": found.pop("computed", 0)})
        counts += found
    return counts


def _failures(plan: Plan, store: Store) -> Iterator[str]:
    for task in plan.tasks.values():
        for method in task.methods:
            reasons: Counter[str] = Counter()
            for instance in task.instances:
                path = store.path(plan.layout.explanation(task.id, method.name, instance.label))
                if path.is_file():
                    content = read_entry(path).content
                    if content["status"] in ("failed", "timeout"):
                        reasons[f"{content['status']}: {content['reason']}"] += 1
            if reasons:
                yield f"  {task.plugin.key} {method.name}: {reasons.total()} instances, {'; '.join(reasons)}"
                yield f"    repeat: {repeat_command(plan.source, task.plugin.key, method.name)}"


def repeat_command(profile: str, task: str, method: str) -> str:
    """The command that makes one method's explanations again and prints their scores."""
    return f"touchstone run --task {task} --method {method} --profile {shlex.quote(profile)}"
