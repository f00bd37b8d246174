"""`benchmark.evaluate` as a notebook calls it: an engine of its own, and nothing of the truth where the method runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import benchmark
from benchmark.confinement import landlock, namespaces
from benchmark.errors import TouchstoneError
from benchmark.families.circuit.trivial import trivial
from benchmark.notebook.result import COLUMNS
from tests.benchmark.notebook.test_handing import cell

SPY = """
import gc, os, socket

def method(graph):
    gc.unfreeze()  # what was there before the fork
    seen = {type(one).__name__ for one in gc.get_objects()} & {"CircuitTruth", "Saved", "WrittenCircuits"}
    try:
        kept = os.listdir(results)
    except OSError:
        kept = []
    try:
        socket.create_connection(("127.0.0.1", 9)).close()
    except ConnectionRefusedError:
        seen.add("network")
    except OSError:
        pass
    print("looked around")
    raise LookupError(f"seen {sorted(seen)}, kept {kept}")
"""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A working directory with a tiny profile in it."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(yaml.safe_dump({"small": True, "seeds": 1, "draws": 3, "device": "cpu"}))
    return "tiny.yaml"


def test_importing_the_package_imports_no_torch() -> None:
    code = "import benchmark, sys; assert 'evaluate' in benchmark.__all__; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="evalute"):
        _ = benchmark.evalute


@pytest.mark.workflow
@pytest.mark.skipif(not (landlock() and namespaces()), reason="this system has no full confinement")
def test_a_method_sees_no_truth_and_no_results(profile: str, tmp_path: Path) -> None:
    spy = cell(SPY, results=str(tmp_path / "results"))["method"]
    _, truth = trivial(0)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "scores").touch()
    with pytest.raises(LookupError, match=r"seen \['CircuitTruth', 'network'\], kept \['scores'\]"):
        spy(truth)  # here it would find them
    found = benchmark.evaluate(spy, task="written_circuits", profile=profile, name="Spy")
    assert found.name == "spy"
    assert tuple(found.frame.columns) == COLUMNS
    assert set(found.frame.status) == {"failed"}
    assert set(found.frame.reason) == {"LookupError: seen [], kept []"}
    assert "looked around" in found.log
    assert "LookupError: seen [], kept []" in found.sentences[1]
    assert found.picture == b""
    assert found.plot().axes[0].get_title(loc="left") == "circuit/written_circuits: edge_auroc"
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.yaml", "results"}
    assert "runs" not in {path.name for path in Path("results/tiny").iterdir()}


def refused(method: Any, message: str, **where: str) -> None:
    with pytest.raises(TouchstoneError, match=message) as caught:
        benchmark.evaluate(method, **{"task": "written_circuits", **where})
    (shown,) = caught.value._render_traceback_()
    assert shown == f"touchstone: {caught.value}", "a notebook shows no traceback of ours"


def test_what_can_be_refused_at_once_is(profile: str) -> None:
    refused(lambda graph: graph, "did you mean 'circuit/written_circuits'", task="written_circuitz")
    refused("no function", "an object of str, expected a function of the question")
    stream = (number for number in range(3))
    refused(lambda graph: (graph, stream), "uses 'stream', an object of generator")
    from methods.attribution.gradient import gradient

    refused(gradient, "got a method of attribution, expected a method of circuit")
