"""What `touchstone new-task` and `new-metric` write runs as it is, for every family."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.registry import PROJECT, plugins
from benchmark.scaffold import write_method, write_metric, write_task

FAMILIES = plugins().families
CHECK = """
import json, sys
from benchmark.conformance import find_plugin, findings
failed = {name: [f.name for f in findings(find_plugin(name)) if not f.passed] for name in sys.argv[1:]}
print("\\n" + json.dumps(failed))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the project that may be written to."""
    for folder in ("benchmark", "methods", "tasks", "config"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def python(tree: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_new_tasks_of_every_family_pass_the_suite(tree: Path) -> None:
    paths = []
    for family in FAMILIES:
        lines = list(write_task(family, f"brand_new_{family}", tree))
        paths.append(f"tasks/{family}/brand_new_{family}.py")
        assert [line.removeprefix("wrote ") for line in lines if line.startswith("wrote ")] == [
            f"tasks/models/brand_new_{family}/subject.py", paths[-1], f"tests/tasks/{family}/test_brand_new_{family}.py"
        ]  # fmt: skip
    failed = json.loads(python(tree, "-c", CHECK, *paths).splitlines()[-1])
    assert failed == {path: [] for path in paths}


def test_new_metrics_of_every_family_pass_their_tests(tree: Path) -> None:
    for family in FAMILIES:
        assert len(list(write_metric(family, f"fresh_{family}", tree))) > 3
    output = python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/benchmark/families")
    assert f"{len(FAMILIES)} passed" in output or output.startswith("." * len(FAMILIES))


@pytest.mark.parametrize("write", [write_method, write_task, write_metric])
def test_what_cannot_be_written_is_told_and_nothing_is(tree: Path, write: type) -> None:
    before = sorted(tree.rglob("*"))
    for name in ("My-Name", "../up", "class", "", "n" * 65):
        with pytest.raises(TouchstoneError, match="must be a lower-case identifier"):
            list(write("attribution", name, tree))
    with pytest.raises(UnknownNameError, match="did you mean 'attribution'"):
        list(write("atribution", "mine", tree))
    taken = {write_method: "oracle", write_task: "blockmnist", write_metric: "auroc"}[write]
    with pytest.raises(TouchstoneError, match=f"'{taken}' already"):
        list(write("attribution", taken, tree))
    assert sorted(tree.rglob("*")) == before
    list(write("attribution", "mine", tree))
    with pytest.raises(TouchstoneError, match="exists already; nothing was written"):
        list(write("attribution", "mine", tree))
