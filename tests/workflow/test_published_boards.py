"""Boards of the real workflow: their pages are made again, they verify, they are reproduced, and parts are joined."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.tree import Tree, read_json

pytestmark = pytest.mark.workflow


@pytest.fixture
def board(tree: Tree) -> Path:
    return tree.folder / "leaderboard" / "small"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_site_is_made_again_byte_for_byte(tree: Tree, board: Path) -> None:
    before = files(board)
    for page in [name for name in before if name.endswith((".html", ".md"))]:
        (board / page).unlink()
    shutil.rmtree(tree.folder / "results")
    answer = tree.touchstone("site", "small")
    assert answer.returncode == 0, answer.stderr
    assert files(board) == before
    kept = read_json(board / "board.json")
    (gated,) = [each for each in kept["plugins"] if (each["kind"], each["name"]) == ("method", "gated")]
    assert gated["parameters"] == gated["defaults"] == {"scale": 1.0}
    assert gated["text"].startswith("Gated: waits")


def test_a_board_of_the_workflow_verifies_and_a_forged_one_does_not(tree: Tree, board: Path) -> None:
    answer = tree.touchstone("verify", "small")
    failed = [line for line in answer.stdout.splitlines() if line.startswith("FAILED")]
    assert answer.returncode == 1
    assert [line for line in failed if "clean, known commit" not in line] == []  # the tree is no checkout
    answer = tree.touchstone("verify", str(board), "--allow-dirty")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (board / "leaderboard.csv").write_text(
        re.sub(r",0\.\d+,", ",0.999,", (board / "leaderboard.csv").read_text(), count=1)
    )
    answer = tree.touchstone("verify", "small", "--allow-dirty")
    assert answer.returncode == 1
    assert "leaderboard.csv: " in answer.stdout


def test_a_board_is_reproduced_to_the_last_bit(tree: Tree, board: Path) -> None:
    shutil.rmtree(tree.folder / "results")
    answer = tree.touchstone("reproduce", "small", "--only", "toytask", "--into", "again", "--cores", "2")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    said = [line for line in answer.stdout.splitlines() if line.startswith(("attribution/", "differs"))]
    assert len(said) == 1, answer.stdout
    assert re.fullmatch(r"attribution/toytask: \d+ rows equal to the last bit", said[0])
    assert not (tree.folder / "results").exists()
    tree.edit("methods/attribution/gated.py", "question.inputs * scale", "question.inputs * -scale")
    answer = tree.touchstone("reproduce", "small", "--into", "again", "--cores", "2")
    assert answer.returncode == 1
    assert "rows different" in answer.stdout
    answer = tree.touchstone("compare", "small", "again/leaderboard/small")
    assert answer.returncode == 0
    assert answer.stdout


def test_a_board_of_another_kind_is_refused_without_a_traceback(tree: Tree) -> None:
    for arguments in (["site", "smal"], ["verify", "nowhere"], ["reproduce", "smal"], ["compare", "small", "smal"]):
        answer = tree.touchstone(*arguments)
        assert answer.returncode == 1
        assert answer.stderr.startswith("touchstone: ")
    (tree.folder / "leaderboard" / "small" / "board.json").unlink()
    answer = tree.touchstone("merge", "leaderboard/small", "leaderboard/small", "--into", "joined")
    assert answer.returncode == 1
    assert "publish it again" in answer.stderr
