"""Faults in the real workflow: hostile methods, damaged files, tasks that fail; each costs itself alone."""

from __future__ import annotations

import re
import shutil

import pandas as pd
import pytest

from tests.support.project import TASK, flip
from tests.support.tree import ALL, GATED, METHODS, SEEDS, Tree, counts, read_exclusions, same, stages, write_profile

pytestmark = pytest.mark.workflow

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


def test_plugins_of_one_name_are_told_and_the_rest_works(tree: Tree) -> None:
    before = tree.scores(costs=True)
    tree.method("random", GATED.replace("def gated", "def random"))
    output = tree.snakemake()
    after = tree.scores(costs=True)
    same(after[after.method.isin(METHODS)], before[before.method.isin(METHODS)])
    assert "random" in output
