"""The conformance suite catches what does not conform."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.conformance import findings
from benchmark.registry import Plugin, plugins
from tests.support.project import Project

RUNS = "it runs to its end"
VALID = "it returns a valid explanation of the trivial problem"
STEADY = "it is deterministic, whatever the global generators' state"
GENTLE = "it leaves what it was given as it was"


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """Import here what every forked child would import again."""
    for plugin in plugins().of("metric"):
        plugin.load()


def failed(plugin: Plugin) -> dict[str, str]:
    """The checks that did not hold, with what was seen."""
    return {finding.name: finding.detail for finding in findings(plugin) if not finding.passed}


HOSTILE = {
    "raises": ("raise RuntimeError('no way')", RUNS, "RuntimeError: no way"),
    "exits": ("sys.exit(0)", RUNS, "SystemExit"),
    "leaves": ("os._exit(0)", RUNS, "before it returned a result"),
    "nothing": ("pass", VALID, "got NoneType"),
    "text": ("return 'seven'", VALID, "got str"),
    "shape": ("return question.inputs[1:]", VALID, "got shape"),
    "flat": ("return question.inputs.flatten(1)", VALID, "got shape"),
    "dtype": ("return question.inputs.long()", VALID, "got torch.int64"),
    "boolean": ("return question.inputs > 0", VALID, "got torch.bool"),
    "nan": ("return torch.where(question.inputs > 0.5, torch.nan, 1.0)", VALID, "NaN"),
    "infinite": ("return question.inputs / 0", VALID, "infinite"),
    "objects": ("return np.array([None])", VALID, "got a numpy array of object"),
    "numpy's generator": ("return np.random.rand(*question.inputs.shape)", STEADY, ""),
    "torch's generator": ("return torch.rand_like(question.inputs)", STEADY, ""),
    "clock": ("return question.inputs * time.perf_counter_ns()", STEADY, ""),
    "inputs": ("question.inputs.mul_(2)\nreturn question.inputs * 1", GENTLE, ""),
    "background": ("question.background[0] = 0\nreturn question.inputs", GENTLE, ""),
    "weights": ("next(question.model.parameters()).data.zero_()\nreturn question.inputs", GENTLE, ""),
    "mode": ("question.model.train()\nreturn question.inputs", GENTLE, ""),
    "hooks": ("question.model.register_forward_hook(lambda m, i, o: o * 0)\nreturn question.inputs", GENTLE, ""),
    "gradients": ("question.model.requires_grad_(True)\nreturn question.inputs", GENTLE, ""),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_the_suite_catches(project: Project, case: str) -> None:
    body, check, detail = HOSTILE[case]
    project.method("hostile", body, parameters="scale: float = 1.0")
    found = failed(project.read("method", "hostile"))
    assert list(found) == [check], found
    assert detail in found[check]


def test_the_suite_passes_a_good_method_however_it_is_written(project: Project) -> None:
    project.method("good", "return (question.inputs.double() * scale).numpy()")
    assert failed(project.read("method", "good")) == {}
    project.method("good", "return (one.inputs for one in question)", batched=True)
    assert failed(project.read("method", "good")) == {}
    project.method("good", "raise Unsupported('needs a tree')")
    assert failed(project.read("method", "good")) == {}


def test_a_batched_method_must_answer_for_every_subject(project: Project) -> None:
    project.method("short", "return []", batched=True)
    assert "expected a list of 1" in failed(project.read("method", "short"))[VALID]


def test_a_method_without_citation_or_summary_or_declaration_is_told(project: Project, tmp_path: Path) -> None:
    project.method("bare", "return question.inputs")
    path = project.folder / "bare.py"
    path.write_text(path.read_text().replace('"a test"', '""').replace('"""A method of a test."""', ""))
    assert set(failed(project.read("method", "bare"))) == {"it cites its source", "it has a one-line summary"}
    path.write_text("")
    assert "declares no method" in failed(project.read("method", "bare"))["the file declares one plugin"]
