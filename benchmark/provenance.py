"""Where a result came from: commit (and whether it was dirty), configuration, versions, hardware, duration, and the
seeds that were sealed.

The **engine** is a hash of the definitions by which every family's explanations become rows: seeds, draws, marks, the
long format. Two boards of one engine can be joined whatever else was committed between them; a family's own code
(methods, tasks, metrics) made the numbers of that family alone, and is under its commit.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from benchmark import __version__
from benchmark.errors import DamagedArtifactError
from benchmark.keys import NUMERICAL
from benchmark.plan import Plan
from benchmark.registry import ENGINE, PROJECT
from benchmark.seeds import plant_seed, seal, secret
from benchmark.sources import Entry, reach
from benchmark.store import Store, digest

SHARED: tuple[Entry, ...] = (
    *NUMERICAL,
    *((ENGINE / "scores.py", name) for name in ("measured", "measured_together", "averaged", "rows_of", "Scale")),
    (ENGINE / "marks.py", "with_marks"),
    (ENGINE / "table.py", "to_table"),
    *((ENGINE / "seeds.py", name) for name in ("plant_seed", "method_seed")),
    (ENGINE / "subjects.py", "generator_for"),
)
"""What makes rows of explanations, whatever the family."""
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "captum", "gplearn", "pandas", "safetensors", "snakemake")


def provenance(plan: Plan, durations: Mapping[str, float]) -> dict[str, Any]:
    """Everything a reader needs to repeat the run; `durations` are seconds by stage."""
    configuration = json.loads(json.dumps(plan.configuration, default=str))
    return {
        "touchstone": __version__,
        "profile": plan.profile.name,
        **commit(),
        "engine": engine(),
        "configuration": configuration,
        "configuration_hash": digest(configuration),
        "device": next(iter(plan.subjects.values())).device,
        "versions": versions(),
        "hardware": hardware(),
        "duration_seconds": {
            **{k: round(v, 1) for k, v in durations.items()},
            "total": round(sum(durations.values()), 1),
        },
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def revealed(plan: Plan, store: Store) -> dict[str, Any]:
    """Where seeds are sealed: the seal, and now that nothing can be gained by it, the secret and the seeds it gave.

    Whoever reads the secret can check the seal and repeat the run, so a secret serves one run only.

    Raises:
        DamagedArtifactError: a subject was trained under another secret, or under none.
    """
    if not plan.profile.sealed:
        return {}
    for name, subject in plan.subjects.items():
        for label in subject.seeds:
            content = store.read(plan.layout.subject(name, label)).content
            if content["status"] == "ok" and content.get("seal") != seal():
                raise DamagedArtifactError(
                    f"subject {name}, seed {label}, got the seal {content.get('seal')}, expected {seal()}: "
                    "it was trained with another secret"
                )
    labels = sorted({label for subject in plan.subjects.values() for label in subject.seeds})
    seeds = {str(label): plant_seed(label, sealed=True) for label in labels}
    return {"sealed": {"seal": seal(), "secret": secret(), "seeds": seeds}}


def engine() -> str:
    """A hash of the definitions that `SHARED` reaches; versions of libraries are no part of it."""
    return digest(sorted(reach(SHARED).texts.items()))


def commit() -> dict[str, Any]:
    """The commit of the project's checkout and whether files differ from it; None outside a checkout."""
    git = shutil.which("git")

    def ask(*arguments: str) -> str | None:
        if git is None:
            return None
        answer = subprocess.run([git, "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=False)
        return answer.stdout.strip() if answer.returncode == 0 else None

    if ask("rev-parse", "--show-toplevel") is None:
        return {"commit": None, "dirty": None}
    changed = ask("status", "--porcelain", "--", ".", ":(exclude)leaderboard", ":(exclude)results")
    return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(changed)}


def versions() -> dict[str, str]:
    """Python's version and those of the libraries that numbers may depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def hardware() -> dict[str, Any]:
    """Processor, cores, memory and accelerators; and which instructions PyTorch computes with, as sums differ in their
    last digits between AVX2 and AVX512, and a training makes more of it."""
    import psutil
    import torch

    gpus: list[str] = []
    if smi := shutil.which("nvidia-smi"):
        answer = subprocess.run(
            [smi, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False
        )
        gpus = [line.strip() for line in answer.stdout.splitlines() if answer.returncode == 0 and line.strip()]
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": gpus,
        "system": platform.system(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:  # noqa: PTH123 - a kernel interface, not a path of ours
            return next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), "unknown")
    except OSError:
        return platform.processor() or "unknown"
