"""What a run did, in cells: computed, reused, failed, unsupported; and the command that repeats each failed one."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator

from benchmark.artifacts import read_json
from benchmark.layout import Layout
from benchmark.plan import Plan


def summary_lines(plan: Plan, layout: Layout) -> Iterator[str]:
    """Lines for a person. Cells of a job that this run did not start count as reused."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    for task in plan.tasks.values():
        for batch in range(task.batches):
            index = layout.explain_index(task.id, batch)
            if not index.is_file():
                counts["missing"] += len(task.batch(batch))
                continue
            content = read_json(index)
            ours = content["run"] == os.environ.get("TOUCHSTONE_RUN")
            counts["computed"] += content["counts"]["computed"] if ours else 0
            counts["reused"] += content["counts"]["reused"] if ours else len(content["cells"])
            counts["failed"] += content["counts"]["failed"]
            counts["unsupported"] += content["counts"]["unsupported"]
            for method in content["cells"]:
                records = read_json(layout.cell(task.id, method) / "cell.json")["records"]
                bad = [r for r in records if r["status"] in ("failed", "timeout")]
                if bad:
                    reason = "; ".join(dict.fromkeys(f"{r['status']}: {r['reason']}" for r in bad))
                    failures.append(f"  {task.plugin.key} {method}: {len(bad)} of {len(records)} instances, {reason}")
                    failures.append(f"    repeat: {repeat_command(plan, task.plugin.key, method)}")
    names = ("computed", "reused", "failed", "unsupported", "missing")
    yield "cells: " + ", ".join(f"{counts[name]} {name}" for name in names if name != "missing" or counts[name])
    yield from (f"left out: {problem}" for problem in plan.problems)
    if failures:
        yield "failed cells (they are tried again whenever their job runs):"
        yield from failures


def repeat_command(plan: Plan, task: str, method: str) -> str:
    """The command that computes one cell again and prints its scores."""
    return f"touchstone run --task {task} --method {method} --profile {shlex.quote(plan.source)}"
