"""The command line, as a person calls it."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.tree import GATED, ROOT, Tree, counts

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("kind", ["", "tasks", "methods", "metrics", "claims", "subjects"])
def test_list(tree: Tree, kind: str) -> None:
    answer = tree.touchstone("list", *([kind] if kind else []), "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found
    for entry in found:
        assert {"name", "kind", "family", "summary", "cites", "defaults"} <= entry.keys()
        assert entry["summary"]
    if kind:
        assert {entry["kind"] for entry in found} == {kind[:-1]}
    if kind == "methods":
        assert {"gradient", "oracle", "random", "gated"} <= {entry["name"] for entry in found}
        plain = tree.touchstone("list", "methods")
        assert "smoothgrad" in plain.stdout
        assert max(map(len, plain.stdout.splitlines())) <= 80
        assert "samples=32" in tree.touchstone("list", "methods", "--long").stdout


WRONG = {
    "kind": (["list", "method"], "unknown kind 'method'; did you mean 'methods'"),
    "task": (["run", "--task", "toytsk", "--method", "gradient", "-p", "small.yaml"], "'toytsk'.*attribution/toytask"),
    "method": (["run", "--task", "toytask", "--method", "gradeint", "-p", "small.yaml"], "did you mean 'gradient'"),
    "profile": (["run", "--task", "toytask", "--method", "gradient", "-p", "smok"], "did you mean 'smoke'"),
    "file": (["run", "--task", "toytask", "--method", "absent.py", "-p", "small.yaml"], "absent.py"),
    "subject": (["train", "--subject", "tooy", "-p", "small.yaml"], "did you mean 'toy'"),
    "stage's task": (["explain", "--task", "toytsk", "-p", "small.yaml"], "did you mean '.*toytask'"),
    "check": (["check", "gradeint"], "did you mean '.*gradient'"),
    "family": (["new-method", "atribution", "mine"], "did you mean 'attribution'"),
    "board": (["report", "gradient", "-p", "smal"], "unknown published board 'smal'"),
    "card": (["card", "toytsk"], "unknown task 'toytsk'.*attribution/toytask"),
    "taken": (["new-method", "attribution", "gradient"], "has a method 'gradient' already"),
    "name": (["new-method", "attribution", "My-Method"], "must be a lower-case identifier"),
    "device": (["train", "--subject", "toy", "-p", "gpu.yaml"], "device: cuda was asked for"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_word_is_answered_without_a_traceback(tree: Tree, case: str) -> None:
    arguments, expected = WRONG[case]
    (tree.folder / "gpu.yaml").write_text(
        (tree.folder / "small.yaml").read_text().replace("device: cpu", "device: cuda")
    )
    answer = tree.touchstone(*arguments, CUDA_VISIBLE_DEVICES="")
    assert answer.returncode == 1
    assert answer.stderr.startswith("touchstone: ")
    assert re.search(expected, answer.stderr)
    assert "Traceback" not in answer.stderr + answer.stdout


def test_a_wrong_profile_stops_the_workflow_with_all_its_problems(tree: Tree) -> None:
    (tree.folder / "bad.yaml").write_text("sedes: 1\ndraws: many\n")
    answer = tree.command(*tree.workflow("-n", profile="bad.yaml"))
    assert answer.returncode == 1
    output = answer.stdout + answer.stderr
    assert "unknown profile key 'sedes'; did you mean 'seeds'" in output
    assert "draws: " in output


def test_run_prints_a_cell_and_computes_it_once(tree: Tree) -> None:
    first = tree.touchstone("run", "--task", "toytask", "--method", "gradient", "--profile", "small.yaml")
    assert first.returncode == 0, first.stderr
    assert "still true, kept" in first.stderr
    assert "[explain" not in first.stderr, "its explanations were there already"
    for word in ("value", "floor", "blind", "ceiling", "skill", "rank_accuracy", "plain"):
        assert word in first.stdout
    path = tree.folder / "elsewhere.py"
    path.write_text(GATED.replace("def gated", "def elsewhere"))
    other = tree.touchstone(
        "run", "--task", "attribution/toytask", "--method", "elsewhere.py", "--profile", "small.yaml"
    )
    assert other.returncode == 0, other.stderr
    assert re.search(r"elsewhere: 2 ok in .* s; 2 of 2 done", other.stderr)
    assert "picture of elsewhere beside the truth, the best other method computed so far (gradient):" in other.stdout
    assert (tree.folder / "results/small/runs/attribution.toytask/elsewhere.png").read_bytes()[1:4] == b"PNG"
    assert "Nothing to be done" in tree.snakemake()


def test_what_authors_ask_for(tree: Tree) -> None:
    tree.snakemake()
    told = tree.touchstone("card", "toytask", "--profile", "small.yaml")
    assert told.returncode == 0, told.stderr
    assert "## Three marks" in told.stdout
    assert "of the board `small`" in told.stdout
    report = tree.touchstone("report", "gradient", "--profile", "small", "--into", "appendix")
    assert report.returncode == 0, report.stderr
    assert report.stdout.startswith("On Touchstone's attribution tasks (profile small")
    assert sorted(path.name for path in (tree.folder / "appendix").iterdir()) == [
        "attribution-gradient.md",
        "attribution-gradient.tex",
    ]
    written = tree.touchstone("export", "toytask", "data", "--profile", "small.yaml")
    assert written.returncode == 0, written.stderr
    assert (tree.folder / "data" / "data" / "truth" / "plain.parquet").is_file()
    assert "Nothing to be done" in tree.snakemake(), "none of it touched the results"


def test_a_new_method_runs_as_it_is_and_its_test_passes(tree: Tree) -> None:
    answer = tree.touchstone("new-method", "attribution", "mine")
    assert answer.returncode == 0, answer.stderr
    files = [line.removeprefix("wrote ") for line in answer.stdout.splitlines() if line.startswith("wrote ")]
    assert files == ["methods/attribution/mine.py", "tests/methods/attribution/test_mine.py"]
    checked = tree.touchstone("check", "attribution/mine")
    assert "it returns a valid explanation of the trivial problem" in checked.stdout
    assert "FAIL" not in checked.stdout
    assert checked.returncode == 0
    tested = tree.command("pytest", "-q", "-p", "no:cacheprovider", "tests/methods/attribution/test_mine.py")
    assert tested.returncode == 0, tested.stdout
    again = tree.touchstone("new-method", "attribution", "mine")
    assert again.returncode == 1
    assert counts(tree.snakemake())["computed"] == 2
    assert "mine" in tree.methods_of(tree.scores())


@pytest.mark.parametrize("plugin", ["gradient", "attribution/gradient", "methods/attribution/gradient.py"])
def test_check_accepts_names_and_files(tree: Tree, plugin: str) -> None:
    answer = tree.touchstone("check", plugin)
    assert answer.returncode == 0, answer.stdout
    assert "FAIL" not in answer.stdout
    assert answer.stdout.count("ok") >= 6


def test_the_picture_of_the_workflow_in_the_readme_is_the_workflows_own(tree: Tree) -> None:
    answer = tree.command("snakemake", "--rulegraph", "mermaid-js", "--forceall", "--config", "profile=small.yaml")
    assert answer.returncode == 0, answer.stderr
    drawn, *_ = re.findall(r"```mermaid\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", answer.stdout))
    arrows = {(names[left], names[right]) for left, right in re.findall(r"(id\d+) --> (id\d+)", answer.stdout)}
    assert set(re.findall(r"(\w+) --> (\w+)", drawn)) == arrows
    assert ("train", "explain") in arrows
