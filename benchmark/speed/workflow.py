"""The last complete run of a profile: its time by stage, and the share that was overhead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmark.planning import make_plan
from benchmark.speed import Row
from benchmark.timing import timings

OVERHEAD_LIMIT = 0.15
WORK = ("train", "explain", "score")


def measure(profile: str) -> Iterator[Row]:
    """Seconds of the run by stage, and the share that is start-up of processes, Snakemake and publishing."""
    lines = last_full_run(timings(make_plan(profile).layout))
    if not lines:
        return
    began = float(str(lines[0]["run"]).partition("-")[0])
    ended = max(line["started"] + line["startup"] + line["work"] for line in lines)
    wall = ended - began
    for stage in (*WORK, "publish"):
        jobs = [line for line in lines if line["stage"] == stage]
        yield Row(f"run of profile {profile}: {stage}, {len(jobs)} job(s)", covered(jobs), "s of wall time")
    busy = covered([line for line in lines if line["stage"] in WORK])
    yield Row(f"run of profile {profile}: whole", wall, "s of wall time")
    share = 1 - busy / wall
    yield Row(
        f"run of profile {profile}: not training, explaining or scoring",
        share,
        "of the wall time",
        limit=OVERHEAD_LIMIT,
    )


def last_full_run(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The jobs of the latest run that had every stage (a rerun of a part says nothing about the whole)."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["run"]:
            runs.setdefault(line["run"], []).append(line)
    complete = [run for run in runs.values() if {line["stage"] for line in run} >= {*WORK, "publish"}]
    return complete[-1] if complete else []


def covered(jobs: list[dict[str, Any]]) -> float:
    """Seconds during which at least one of the jobs was at work (parallel jobs count once)."""
    spans = sorted((j["started"] + j["startup"], j["started"] + j["startup"] + j["work"]) for j in jobs)
    total, reached = 0.0, float("-inf")
    for begin, end in spans:
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
