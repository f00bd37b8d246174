"""The real workflow on a small profile: it computes what is not true yet, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.support.project import TASK
from tests.support.snapshot import Snapshot
from tests.support.tree import ALL, GATED, METHODS, SEEDS, Tree, counts, read_exclusions, same, stages, write_profile

pytestmark = pytest.mark.workflow
STAGES = ["train", "explain", "score", "pictures", "publish", "all"]


def test_a_first_run_computes_everything(base: tuple[Tree, Snapshot, str]) -> None:
    tree, _, output = base
    assert counts(output) == ALL | {"computed": SEEDS * 4, "reused": 0}
    assert counts(output, "subjects") == {"computed": SEEDS, "reused": 0, "failed": 0}
    assert stages(output) == STAGES
    assert tree.methods_of(tree.scores()) == METHODS


def test_a_rerun_does_nothing(tree: Tree) -> None:
    before = tree.scores(costs=True)
    output = tree.snakemake()
    assert "Nothing to be done" in output
    assert stages(output) == []
    same(tree.scores(costs=True), before)


def test_a_published_page_without_results_is_no_reason_to_do_nothing(tree: Tree) -> None:
    """As on a fresh clone: the published files are there, and the results are not."""
    shutil.rmtree(tree.folder / "results")
    shutil.rmtree(tree.folder / ".snakemake")
    assert {"train", "explain", "score", "publish"} <= set(stages(tree.snakemake("-n")))


def test_an_altered_page_is_published_again(tree: Tree) -> None:
    page = tree.folder / "leaderboard" / "small" / "leaderboard.csv"
    content = page.read_text()
    page.write_text(content + "more")
    output = tree.snakemake()
    assert "leaderboard.csv is damaged" in output
    assert stages(output) == ["publish", "all"]
    assert page.read_text() == content


def test_a_dry_run_lists_the_jobs_and_writes_nothing(tree: Tree) -> None:
    shutil.rmtree(tree.folder / "results")
    shutil.rmtree(tree.folder / "leaderboard")
    output = tree.snakemake("-n")
    assert {"train", "explain", "score", "publish"} <= set(stages(output))
    assert not list((tree.folder / "results").rglob("*.safetensors"))
    assert not (tree.folder / "leaderboard").exists()


def test_an_edited_and_an_added_method_are_computed_alone(tree: Tree) -> None:
    before = tree.scores(costs=True)
    tree.method("gated", GATED.replace("question.inputs * scale +", "-"))
    output = tree.snakemake()
    assert counts(output) == ALL | {"computed": SEEDS, "reused": SEEDS * 3}
    assert stages(output) == STAGES[1:]
    edited = tree.scores(costs=True)
    same(edited[edited.method != "gated"], before[before.method != "gated"])
    assert not edited[edited.method == "gated"].value.equals(before[before.method == "gated"].value)

    tree.method("added", GATED.replace("def gated", "def added"))
    output = tree.snakemake()
    assert counts(output) == ALL | {"computed": SEEDS, "reused": SEEDS * 4}
    added = tree.scores(costs=True)
    same(added[added.method != "added"], edited)
    mine, original = added[added.method == "added"], before[before.method == "gated"]
    assert mine.value.tolist() == original.value.tolist()


@pytest.mark.parametrize("remembered", [True, False])
def test_a_changed_setting_recomputes_what_depends_on_it(tree: Tree, remembered: bool) -> None:
    """Also where results were copied without Snakemake's memory of them, and all times are those of the copy."""
    write_profile(tree, methods={"attribution/gated": {"scale": 3.0}}, draws=12)
    if not remembered:
        shutil.rmtree(tree.folder / ".snakemake")
        for path in tree.folder.rglob("*"):
            path.touch()
    assert counts(tree.snakemake()) == ALL | {"computed": SEEDS, "reused": SEEDS * 3}


def test_results_that_were_copied_with_their_sources_still_stand(tree: Tree) -> None:
    shutil.rmtree(tree.folder / ".snakemake")
    for path in (tree.folder / "results").rglob("*"):
        path.touch()
    output = tree.snakemake()
    assert stages(output) == []
    source = tree.folder / "methods" / "attribution" / "gated.py"
    source.write_text(source.read_text().replace("* scale +", "* scale -"))
    for path in (tree.folder / "results").rglob("*"):
        path.touch()
    assert counts(tree.snakemake()) == ALL | {"computed": SEEDS, "reused": SEEDS * 3}


def test_a_killed_run_resumes_and_ends_with_the_same_numbers(tree: Tree, tmp_path: Path) -> None:
    before = tree.scores()
    shutil.rmtree(tree.folder / "results")
    shutil.rmtree(tree.folder / "leaderboard")
    shutil.rmtree(tree.folder / ".snakemake")
    gate = tmp_path / "gate"
    gate.touch()
    run = subprocess.Popen(
        [sys.executable, "-m", *tree.workflow()], cwd=tree.folder, env=tree.environment(TEST_GATE=str(gate)),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    done = [tree.cell(name) / f"plain.{seed}.json" for name in METHODS if name != "gated" for seed in range(SEEDS)]
    while not all(path.is_file() for path in done):
        assert run.poll() is None, "the run ended before it could be killed"
        time.sleep(0.1)
    family = psutil.Process(run.pid).children(recursive=True)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive, "the killed run left processes behind"
    assert not (tree.folder / "leaderboard").exists()
    assert not (tree.cell("gated") / "plain.0.json").exists()

    output = tree.snakemake()
    assert counts(output) == ALL | {"computed": SEEDS, "reused": SEEDS * 3}
    assert "train" not in stages(output)
    same(tree.scores(), before)


def test_another_run_elsewhere_and_on_one_core_gives_identical_scores(
    base: tuple[Tree, Snapshot, str], tmp_path: Path
) -> None:
    _, snapshot, _ = base
    other = Tree.copied(tmp_path / "other")
    other.method("gated", GATED)
    write_profile(other, batches=2)
    other.snakemake(cores=1)
    same(other.scores(), Tree(snapshot.kept).scores())


def make_wheel(folder: Path) -> Path:
    """A package with one method, as a wheel; made with the standard library, so that no build backend is needed."""
    information = "touchstone_extra-1.0.dist-info"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        "touchstone_extra/__init__.py": "",
        "touchstone_extra/_helper.py": "SCALE = 2.0\n",
        "touchstone_extra/doubled.py": GATED.replace("def gated", "def doubled")
        .replace("import torch\n", "import torch\nfrom touchstone_extra._helper import SCALE\n")
        .replace("inputs * scale", "inputs * SCALE"),
        f"{information}/METADATA": "Metadata-Version: 2.1\nName: touchstone-extra\nVersion: 1.0\n",
        f"{information}/WHEEL": wheel,
        f"{information}/entry_points.txt": "[touchstone.methods]\ndoubled = touchstone_extra.doubled:doubled\n",
    }
    record = f"{information}/RECORD"
    path = folder / "touchstone_extra-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(record, "".join(f"{name},,\n" for name in [*files, record]))
    return path


def test_a_plugin_of_another_pip_package_is_found_and_scored(tree: Tree, tmp_path: Path) -> None:
    before = tree.scores(costs=True)
    site = tmp_path / "site"
    wheel = make_wheel(tmp_path)
    installed = tree.command("pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(site), str(wheel))
    assert installed.returncode == 0, installed.stderr
    paths = os.pathsep.join([str(tree.folder), str(site)])
    output = tree.snakemake(PYTHONPATH=paths)
    assert counts(output) == ALL | {"computed": SEEDS, "reused": SEEDS * 4}
    after = tree.scores(costs=True)
    same(after[after.method != "doubled"], before)
    assert set(after[after.method == "doubled"].status) == {"ok"}
    helper = site / "touchstone_extra" / "_helper.py"
    helper.write_text("SCALE = -2.0\n")
    assert counts(tree.snakemake(PYTHONPATH=paths)) == ALL | {"computed": SEEDS, "reused": SEEDS * 4}


def test_the_pictures_and_the_logs_of_a_run_are_there(base: tuple[Tree, Snapshot, str]) -> None:
    _, snapshot, _ = base
    results = snapshot.kept / "results" / "small"
    assert list((results / "pictures" / "attribution.toytask").glob("*.png"))
    for job in ("train/toy-0", "explain/attribution.toytask-0", "score/attribution.toytask", "publish"):
        assert (results / "logs" / f"{job}.log").read_text()
    log = (results / "logs" / "train" / "toy-0.log").read_text()
    assert "[train toy] seed 1 (2 of 2)" in log
    assert "8 of 8 done" in (results / "logs" / "explain" / "attribution.toytask-0.log").read_text()


def test_a_part_of_the_profile_is_published_in_a_folder_of_its_own(tree: Tree) -> None:
    whole = tree.folder / "leaderboard" / "small"
    (tree.folder / "tasks" / "attribution" / "second.py").write_text(TASK)
    write_profile(
        tree, only=[], exclude=[*read_exclusions(tree), *other_tasks(tree)],
        tasks={"attribution/toytask": {"variants": ["plain"]}, "attribution/second": {"variants": ["plain"]}},
    )  # fmt: skip
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    output = tree.snakemake("only=attribution/toytask")
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == before
    assert "a part of profile small: it has a folder of its own" in output
    part = pd.read_parquet(tree.folder / "leaderboard" / "small+attribution.toytask" / "scores.parquet")
    assert set(part.task) == {"toytask"}
    assert counts(output) == ALL, "what the whole has computed serves the part"


def other_tasks(tree: Tree) -> list[str]:
    paths = (tree.folder / "tasks").glob("*/[!_]*.py")
    return [
        f"{p.parent.name}/{p.stem}" for p in paths if p.parent.name != "models" and p.stem not in ("toytask", "second")
    ]
