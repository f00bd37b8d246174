"""Who may write in a folder of results: one run and its own jobs; and a call that only looks writes nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmark.locking import hold
from tests.support.tree import KEPT, Tree, counts

pytestmark = pytest.mark.workflow
State = dict[str, tuple[int, int]]


def state(tree: Tree) -> State:
    """Sizes and times of all files and folders but Snakemake's own."""
    found = {}
    for path in sorted(tree.folder.rglob("*")):
        if ".snakemake" not in path.parts:
            status = path.lstat()
            found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def damage(tree: Tree) -> None:
    explanation = tree.cell("gradient") / "plain.0.safetensors"
    content = explanation.read_bytes()
    explanation.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    "line",
    [
        *("-n", "--dry-run", "--dryrun", "-np", "-pn", "-nq", "-nF", "--executor dryrun", "--delete-all-output -n"),
        *("--dag", "--rulegraph", "--filegraph", "--summary", "-S", "-D", "--list-rules", "--list-changes params"),
    ],
)
def test_a_call_that_only_looks_changes_no_file(tree: Tree, line: str) -> None:
    damage(tree)
    (tree.folder / "results" / "small" / ".lock").unlink()
    before = state(tree)
    output = tree.snakemake(*line.split())
    assert "gradient/plain.0.safetensors is damaged: its checksum" in output
    assert "a run makes it again" in output
    assert state(tree) == before


def test_a_call_that_only_looks_does_so_beside_a_run_and_in_another_folder(tree: Tree, tmp_path: Path) -> None:
    with hold(tree.folder / "results" / "small", "first", "a test"):
        assert "Nothing to be done" in tree.snakemake("-np")
        refused = tree.command(*tree.workflow())
        assert refused.returncode == 1
        assert f"results/small: a test (pid {os.getpid()} on " in refused.stderr
        by_hand = tree.touchstone("run", "--task", "toytask", "--method", "gradient", "--profile", "small.yaml")
        assert by_hand.returncode == 1
        assert re.match(r"touchstone: another run is at work in \S*results/small: a test", by_hand.stderr)
    elsewhere = tree.command(
        "snakemake", "-np", "--snakefile", str(tree.folder / "Snakefile"), "--directory", str(tmp_path / "elsewhere"),
        "--cores", "1", "--config", f"profile={tree.folder / 'small.yaml'}",
    )  # fmt: skip
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [".snakemake"]


@pytest.mark.parametrize("stage", ["train --subject", "explain --task", "score --task", "publish"])
def test_a_job_of_a_run_that_is_over_writes_nothing(tree: Tree, stage: str) -> None:
    before = state(tree)
    name = [] if stage == "publish" else ["toy" if "train" in stage else "toytask"]
    answer = tree.touchstone(*stage.split(), *name, "--profile", "small.yaml", TOUCHSTONE_RUN="1.00-gone")
    assert answer.returncode == 1
    assert re.match(r"touchstone: this job belongs to run 1.00-gone in \S*results/small, which is over", answer.stderr)
    assert state(tree) == before


def test_an_orphan_keeps_the_next_run_out_until_it_ends(tree: Tree, tmp_path: Path) -> None:
    before = tree.scores()
    shutil.rmtree(tree.folder / "results")
    gate = tmp_path / "gate"
    gate.touch()
    run = subprocess.Popen(
        [sys.executable, "-m", *tree.workflow()], cwd=tree.folder, env=tree.environment(TEST_GATE=str(gate)),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    done = [tree.cell(name) / f"plain.{seed}.json" for name in KEPT for seed in (0, 1)]
    while not all(path.is_file() for path in done):
        assert run.poll() is None, "the run ended before it could be killed"
        time.sleep(0.1)
    family = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGKILL)  # the main process alone
    run.wait()
    try:
        refused = tree.command(*tree.workflow())
        assert refused.returncode == 1
        words = r"jobs of a run that is over are still at work in \S*results/small: explain attribution.toytask-0 "
        (pid,) = re.findall(words + r"\(pid (\d+) on ", refused.stderr)
        assert int(pid) in {process.pid for process in family if process.is_running()}
        assert not (tree.cell("gated") / "plain.0.json").exists()
    finally:
        gate.unlink()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    output = tree.snakemake()
    assert counts(output)["failed"] == 0
    left, right = tree.scores(), before
    assert left.reset_index(drop=True).equals(right.reset_index(drop=True))


def test_a_job_on_a_node_neither_looks_for_damage_nor_takes_the_lock(tree: Tree) -> None:
    """As a cluster starts it: Snakemake once more, on the node, for one job of the run that holds the lock here."""
    damage(tree)
    index = tree.folder / "results" / "small" / "explanations" / "attribution.toytask" / "batch-0.json"
    with hold(tree.folder / "results" / "small", "first", "a test"):
        lock = (tree.folder / "results" / "small" / ".lock").read_bytes()
        answer = tree.command(
            *tree.workflow("--mode", "remote", "--nolock", "--force"),
            *("--target-jobs", "publish:", "--allowed-rules", "publish"), TOUCHSTONE_RUN="first",
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        assert "leaderboard/small/index.html written" in answer.stdout + answer.stderr
        assert (tree.folder / "results" / "small" / ".lock").read_bytes() == lock
    assert index.is_file()
    assert "gradient/plain.0.safetensors is damaged" in tree.snakemake()
