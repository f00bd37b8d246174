"""The real workflow on a small profile: it computes what is not true yet, and nothing else."""

from __future__ import annotations

import os
import re
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

from tests.support.project import TASK, flip
from tests.support.tree import GATED, Tree, counts, stages, write_profile

pytestmark = pytest.mark.workflow
METHODS = ["gated", "gradient", "input_magnitude", "occlusion"]
SEEDS = 2
STAGES = ["train", "explain", "score", "pictures", "publish", "all"]
ALL = {"computed": 0, "reused": SEEDS * 4, "failed": 0}


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True), check_exact=True)


def test_a_first_run_computes_everything(base: tuple[Tree, Path, str]) -> None:
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


def test_a_changed_setting_recomputes_what_depends_on_it(tree: Tree) -> None:
    write_profile(tree, methods={"attribution/gated": {"scale": 3.0}}, draws=12)
    assert counts(tree.snakemake()) == ALL | {"computed": SEEDS, "reused": SEEDS * 3}


HOSTILE = {
    "raises": ("raise RuntimeError('no way')", "failed", "RuntimeError: no way"),
    "wrong_shape": (
        "return question.inputs[:, :3]",
        "failed",
        r"got shape \[8, 3\], expected \[8, 6\]",
    ),
    "wrong_dtype": ("return question.inputs.long()", "failed", "got torch.int64, expected floating point"),
    "not_a_number": ("return question.inputs * float('nan')", "failed", "NaN"),
    "infinite": ("return 1 / (question.inputs * 0)", "failed", "infinite"),
    "hangs": ("time.sleep(600)", "timeout", "ran longer than the limit of 8 s"),
    "leaves": ("os._exit(0)", "failed", "ended with status 0 before it returned a result"),
    "eats": ("hoard = [torch.ones(2**22) for _ in range(400) if not time.sleep(0.01)]", "failed", "more memory"),
    "declines": ("raise Unsupported('needs a tree')", "unsupported", "needs a tree"),
    "syntax": ("return (", "failed", "SyntaxError"),
}
HEAD = '''
"""A method that does harm."""
import os
import time
import torch
from benchmark.errors import Unsupported
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test")
def {name}(question):
    {body}
'''


def test_hostile_methods_become_rows_and_everything_else_goes_on(tree: Tree) -> None:
    before = tree.scores(costs=True)
    for name, (body, _, _) in HOSTILE.items():
        tree.method(name, HEAD.format(name=name, body=body))
    write_profile(tree, limits={"seconds": 8, "memory_mb": 1000}, exclude=read_exclusions(tree))
    output = tree.snakemake()
    lost = SEEDS * (len(HOSTILE) - 1)
    assert counts(output) == {"computed": lost + SEEDS, "reused": SEEDS * 4, "failed": lost, "unsupported": SEEDS}
    after = tree.scores(costs=True)
    same(after[~after.method.isin(HOSTILE)], before)
    for name, (_, status, reason) in HOSTILE.items():
        rows = after[after.method == name]
        assert len(rows) == len(before[before.method == "gradient"])
        assert set(rows.status) == {status}, (name, rows.reason.iloc[0])
        assert all(re.search(reason, text) for text in rows.reason), (name, rows.reason.iloc[0])
        primary = rows[rows.primary]
        assert primary.value.isna().all()
        assert (primary.skill == 0).all() if status != "unsupported" else primary.skill.isna().all()
    board = pd.read_csv(tree.folder / "leaderboard" / "small" / "leaderboard.csv").set_index("method")
    for name, (_, status, _) in HOSTILE.items():
        ranked = after[(after.method == name) & after.primary & after.ranked]
        assert len(ranked) > 0
        assert board.loc[name, "failures"] == (len(ranked) if status != "unsupported" else 0)
    assert "needs a tree" in (tree.folder / "leaderboard" / "small" / "index.html").read_text()

    for name, (_, status, _) in HOSTILE.items():
        assert (f"attribution/toytask {name}: 2 instances" in output) == (status != "unsupported")
    (repeat,) = [line.split("repeat: ")[1] for line in output.splitlines() if "repeat: " in line and "raises" in line]
    assert repeat.startswith("touchstone run ")
    answer = tree.touchstone(*repeat.split()[1:])
    assert answer.returncode == 1
    assert "RuntimeError: no way" in " ".join(answer.stdout.split())

    tree.method("raises", GATED.replace("def gated", "def raises"))
    assert tree.touchstone(*repeat.split()[1:]).returncode == 0
    output = tree.snakemake()
    assert "damaged" not in output
    assert counts(output)["failed"] == lost - SEEDS
    repaired = tree.scores()
    assert set(repaired[repaired.method == "raises"].status) == {"ok"}


def read_exclusions(tree: Tree) -> list[str]:
    """What the small profile excludes: taken before a test adds its own methods."""
    import yaml

    return list(yaml.safe_load((tree.folder / "small.yaml").read_text())["exclude"])


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
    base: tuple[Tree, Path, str], tmp_path: Path
) -> None:
    _, snapshot, _ = base
    other = Tree.copied(tmp_path / "other")
    other.method("gated", GATED)
    write_profile(other, batches=2)
    other.snakemake(cores=1)
    same(other.scores(), Tree(snapshot).scores())


def test_damaged_files_are_named_and_rebuilt_to_the_same_scores(tree: Tree) -> None:
    before = tree.scores()
    weights = tree.folder / "results" / "small" / "subjects" / "toy" / "1" / "subject.weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    explanation = tree.cell("gradient") / "plain.0.safetensors"
    content = flip(explanation)
    output = tree.snakemake()
    assert re.search(r"toy/1/subject\.weights\.safetensors is damaged: \d+ bytes instead of \d+", output)
    assert "gradient/plain.0.safetensors is damaged: its checksum" in output
    assert {"train", "explain", "score", "publish"} <= set(stages(output))
    assert counts(output) == ALL | {"computed": 1, "reused": SEEDS * 4 - 1}
    assert counts(output, "subjects") == {"computed": 1, "reused": 1, "failed": 0}
    assert weights.read_bytes() == whole
    assert explanation.read_bytes() == content
    same(tree.scores(), before)


def test_a_bit_flipped_with_size_and_time_unchanged_heals_when_the_same_command_runs_again(tree: Tree) -> None:
    before = tree.scores()
    explanation = tree.cell("gradient") / "plain.0.safetensors"
    content = flip(explanation, keep_time=True)
    page = tree.folder / "results" / "small" / "scores" / "attribution.toytask.json"
    page.unlink()
    tree.edit("benchmark/families/attribution/metrics/auroc.py", ").double() / 2", ").double() * 0.5")
    first = tree.command(*tree.workflow())
    assert first.returncode != 0, "its reader found it"
    assert "plain.0.safetensors is damaged: its checksum" in first.stdout + first.stderr
    assert "run the same command again: what is damaged is made anew" in first.stdout + first.stderr
    assert "Traceback" not in first.stdout
    assert counts(tree.snakemake()) == ALL | {"computed": 1, "reused": SEEDS * 4 - 1}
    assert explanation.read_bytes() == content
    same(tree.scores(), before)


def test_a_damaged_parquet_file_is_rebuilt_without_computing_a_cell(tree: Tree) -> None:
    before = tree.scores()
    path = tree.folder / "results" / "small" / "scores" / "attribution.toytask.parquet"
    path.write_bytes(path.read_bytes()[:-5])
    output = tree.snakemake()
    assert "attribution.toytask.parquet is damaged" in output
    assert {"score", "publish"} <= set(stages(output)) <= {"score", "pictures", "publish", "all"}
    assert counts(output) == ALL
    same(tree.scores(), before)


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


def test_the_pictures_and_the_logs_of_a_run_are_there(base: tuple[Tree, Path, str]) -> None:
    _, snapshot, _ = base
    results = snapshot / "results" / "small"
    assert list((results / "pictures" / "attribution.toytask").glob("*.png"))
    for job in ("train/toy-0", "explain/attribution.toytask-0", "score/attribution.toytask", "publish"):
        assert (results / "logs" / f"{job}.log").read_text()
        assert (results / "benchmarks" / f"{job}.tsv").read_text()
    log = (results / "logs" / "train" / "toy-0.log").read_text()
    assert "[train toy] seed 1 (2 of 2)" in log
    assert "4 of 4" in (results / "logs" / "explain" / "attribution.toytask-0.log").read_text()


BROKEN_SUBJECT = """
    def train(self, run):
        raise KeyError("no weights today")
"""


def test_a_task_that_fails_is_listed_and_the_others_are_published(tree: Tree) -> None:
    before = tree.scores()
    package = tree.folder / "tasks" / "models" / "unwell"
    shutil.copytree(tree.folder / "tasks" / "models" / "toy", package)
    head = (package / "subject.py").read_text().partition("    def train")[0]
    (package / "subject.py").write_text(head + BROKEN_SUBJECT)
    for name, subject, line, reason in (
        ("lost_subject", "unwell", "", ""),
        ("lost_pose", "toy", "        targets = torch", "no question"),
        ("lost_truth", "toy", "        mask = torch", "no truth"),
    ):
        text = TASK.replace('subject="toy"', f'subject="{subject}"')
        text = text.replace(line, f"        raise KeyError('{reason}')\n{line}") if line else text
        (tree.folder / "tasks" / "attribution" / f"{name}.py").write_text(text)
    (tree.folder / "tasks" / "attribution" / "lost_file.py").write_text("def (")
    names = ("toytask", "lost_subject", "lost_pose", "lost_truth")
    write_profile(
        tree, only=[f"attribution/{name}" for name in (*names, "lost_file")],
        tasks={f"attribution/{name}": {"variants": ["plain"]} for name in names},
    )  # fmt: skip
    output = tree.snakemake()
    after = tree.scores()
    same(after[after.task == "toytask"], before)
    board = (tree.folder / "leaderboard" / "small" / "index.html").read_text()
    for name, reason in (
        ("lost_subject", "no weights today"), ("lost_pose", "no question"), ("lost_truth", "no truth"),
    ):  # fmt: skip
        own = after[(after.task == name) & ~after.reference]
        assert set(own.status) == {"failed"}, (name, own)
        assert all(reason in why for why in own.reason), own.reason.tolist()
        assert f"attribution/{name}, variant plain, failed on 2 seed(s)" in board
    assert "attribution/lost_file is left out" in output
    assert "attribution/lost_file is left out" in board


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


def test_plugins_of_one_name_are_told_and_the_rest_works(tree: Tree) -> None:
    before = tree.scores(costs=True)
    tree.method("random", GATED.replace("def gated", "def random"))
    output = tree.snakemake()
    after = tree.scores(costs=True)
    same(after[after.method.isin(METHODS)], before[before.method.isin(METHODS)])
    assert "random" in output
