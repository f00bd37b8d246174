"""The profile for Slurm on a real cluster, which may be one node: the same scores as on this machine alone."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from benchmark.config import Limits
from benchmark.locking import holder_of
from benchmark.resources import memory_mb, minutes
from tests.support.tree import Tree, counts

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]
LIMITS = {"seconds": 120, "memory_mb": 2500}
CALL = [
    *(
        "snakemake",
        "--profile",
        "profiles/slurm",
        "--quiet",
        "host",
        "--slurm-status-command",
        "squeue",
        "--slurm-init-seconds-before-status-checks",
        "2",
    ),
    *("--seconds-between-status-checks", "2", "--latency-wait", "10"),
]
ON_THE_GPU = """
rule all:
    input: "a", "b"
rule one:
    output: "{name}"
    wildcard_constraints: name="a|b"
    resources: gpu=1, mem_mb=100, runtime=1
    shell: "touch {output}"
"""


def why_not() -> str:
    """Why there is no cluster here, or nothing."""
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return 'the executor plugin is not installed: pip install "touchstone-benchmark[slurm]"'
    if shutil.which("sinfo") is None:
        return "no Slurm on this machine"
    state = subprocess.run(["sinfo", "--noheader", "--format=%t"], capture_output=True, text=True, check=False)
    usable = {"idle", "mix", "alloc"} & {line.strip() for line in state.stdout.splitlines()}
    return "" if usable else f"no Slurm node is up: {(state.stdout or state.stderr).strip()}"


@pytest.fixture(autouse=True, scope="module")
def _cluster() -> None:
    if reason := why_not():
        pytest.skip(reason)


def prepared(folder: Path) -> Tree:
    """A tree with one cheap task in two batches; the temporary folder must be one that the nodes share."""
    tree = Tree.copied(folder)
    content = {
        "title": "For tests", "seeds": 2, "draws": 10, "device": "cpu", "workers": 2, "batches": 2, "limits": LIMITS,
        "only": ["description/numeric_functions"],
        "subjects": {"numeric_functions": {"functions": 4}},
        "tasks": {"description/numeric_functions": {"variants": ["atomic"]}},
        "methods": {"description/symbolic_regression": {"population": 40, "generations": 3}},
    }  # fmt: skip
    (tree.folder / "small.yaml").write_text(yaml.safe_dump(content))
    return tree


def test_every_score_is_that_of_a_local_run(tmp_path: Path) -> None:
    cluster, local = prepared(tmp_path / "cluster"), prepared(tmp_path / "local")
    arguments = [*CALL, "--slurm-keep-successful-logs"]
    answer = cluster.command(*arguments, "--config", "profile=small.yaml")
    output = answer.stdout + answer.stderr
    assert answer.returncode == 0, output[-8000:]
    assert output.count("has been submitted with SLURM jobid") == 5, "train, two of explain, score and publish"
    assert counts(output)["failed"] == 0
    assert counts(output)["reused"] == 0, "the jobs knew which run they belong to"
    again = cluster.command(*arguments, "--config", "profile=small.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr

    local.snakemake()
    pd.testing.assert_frame_equal(cluster.scores(), local.scores(), check_exact=True)

    logs = cluster.folder / ".snakemake" / "slurm_logs"
    limits = Limits.model_validate(LIMITS)
    methods = len(cluster.methods_of(cluster.scores()))
    for batch, cells in enumerate(((methods + 1) // 2, methods // 2)):
        (path,) = (logs / "rule_explain" / f"description.numeric_functions_{batch}").glob("*.log")
        asked = f"mem_mb={memory_mb(limits, units=cells, threads=min(2, cells))}"
        assert asked in path.read_text()
        assert f"runtime={minutes(limits, units=cells, threads=min(2, cells))}" in path.read_text()
    results = cluster.folder / "results" / "small"
    assert holder_of(results / ".lock").slurm_job is None, "the lock was taken here and never on a node"
    assert list((results / ".jobs").iterdir()) == []


def test_jobs_for_gpus_are_submitted_side_by_side(tmp_path: Path) -> None:
    """The limit for one machine does not count; a cluster without GPUs refuses the jobs, which shows that they ask."""
    tree = Tree.copied(tmp_path / "tree")
    (tree.folder / "gpu.smk").write_text(ON_THE_GPU)
    answer = tree.command(*CALL, "--snakefile", "gpu.smk", "--retries", "0")
    output = answer.stdout + answer.stderr
    assert "Execute 2 jobs" in output, output[-4000:]
    assert (tree.folder / "a").exists() or output.count("Invalid generic resource (gres) specification") >= 2


def test_a_job_that_outlives_its_run_on_a_node_is_named_by_its_slurm_job(tmp_path: Path) -> None:
    tree = Tree.copied(tmp_path / "tree")
    tree.method("gated", GATED)
    write_profile(tree, workers=2)
    gate = tmp_path / "gate"
    gate.touch()
    call = [*CALL, "--config", "profile=small.yaml"]
    run = subprocess.Popen(
        [sys.executable, "-m", *call], cwd=tree.folder, env=tree.environment(TEST_GATE=str(gate)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    jobs = tree.folder / "results" / "small" / ".jobs"
    patience_ends = time.monotonic() + 300
    try:
        while not (tree.cell("gradient") / "cell.json").is_file():
            assert run.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < patience_ends, "the cluster did not run the jobs"
            time.sleep(0.2)
        run.send_signal(signal.SIGKILL)
        run.wait()
        (number,) = {holder.slurm_job for path in jobs.iterdir() if (holder := holder_of(path))}
        assert number is not None
        refused = tree.command(*call)
        assert refused.returncode == 1
        named = (
            rf"still at work in \S*results/small: explain attribution\.toytask-0 \(pid \d+ on .*, Slurm job {number}\)"
        )
        assert re.search(named, refused.stderr), refused.stderr
    finally:
        gate.unlink()
        run.kill()
    while list(jobs.iterdir()):
        assert time.monotonic() < patience_ends + 60, "the job did not end"
        time.sleep(0.2)
