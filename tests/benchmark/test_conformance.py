"""The conformance suite catches what does not conform."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.conformance import findings
from benchmark.conformance.checks import Broken
from benchmark.conformance.known import own_values, reaches
from benchmark.conformance.tasks import CHECKS, Case
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


KNOWN = "its oracle has the values that are known of a perfect explanation"
DIRECTION = "its ceilings lie where its metrics' directions point"
STRAYS = "other random draws have the floor"


def marks(project: Project, ceilings: str = "") -> Case:
    """The toy task as the suite looks at it, all its variants, measured by `share` beside its own metrics."""
    if ceilings:
        text = (project.folder / "toytask.py").read_text()
        project.write("toytask", text.replace('subject="toy",', f'subject="toy", ceilings={ceilings},'))
    plan = project.plan(seeds=1, tasks={})
    case = Case(next(iter(plan.tasks.values())).plugin, plan.base)
    case.__dict__["plan"] = replace(plan, base=plan.base / "suite")  # in place of the smoke profile, which has no toys
    return case


def broken(case: Case, name: str) -> str:
    """What a check of a task sees that does not hold; empty if it holds."""
    try:
        next(check for check in CHECKS if check.name == name).run(case)
    except Broken as error:
        return str(error)
    return ""


def test_a_good_scale_passes(project: Project) -> None:
    project.metric("share", perfect=1.0)
    case = marks(project)
    assert [broken(case, name) for name in (KNOWN, DIRECTION, STRAYS)] == ["", "", ""]


@pytest.mark.parametrize(
    ("perfect", "ceilings", "said"),
    [
        (0.9, "", "share is 1 in bad, not 0.9"),
        (0.9, '{"share": "a budget"}', ""),
        (1.0, '{"share": "a budget"}', "it has 1 in share; strike it from `ceilings`"),
        (None, '{"share": "a budget"}', "nothing is known of share; strike it from `ceilings`"),
    ],
)
def test_an_oracle_short_of_a_known_value_is_caught(
    project: Project, perfect: float | None, ceilings: str, said: str
) -> None:
    project.metric("share", perfect=perfect)
    assert broken(marks(project, ceilings), KNOWN)[: len(said) or None] == said


def test_a_wrong_direction_is_caught(project: Project) -> None:
    project.metric("share")
    text = (project.folder / "share.py").read_text()
    project.write("share", text.replace('"higher"', '"lower"'))
    assert "ceiling 1, and lower is better" in broken(marks(project), DIRECTION)
    project.write("share", text.replace('"higher"', '"none"'))
    assert broken(marks(project), DIRECTION) == ""


def test_a_primary_metric_that_tells_nothing_apart_is_caught(project: Project) -> None:
    project.metric("share", "return 0.5")
    assert broken(marks(project), DIRECTION) == "", "beside others it may"
    text = (project.folder / "toytask.py").read_text()
    project.write("toytask", text.replace('primary="rank_accuracy"', 'primary="share"'))
    assert "floor 0.5, ceiling 0.5" in broken(marks(project), DIRECTION)


def test_a_floor_that_other_draws_do_not_have_is_caught(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.metric("share", "return float(explanation.magnitudes[:, 0].mean()) / (9 if 'STRAY' in os.environ else 3)")
    text = (project.folder / "toytask.py").read_text()
    project.write("toytask", text.replace('primary="rank_accuracy"', 'primary="share"'))
    case = marks(project)
    assert broken(case, STRAYS) == ""
    monkeypatch.setenv("STRAY", "1")
    assert "standard errors from" in broken(case, STRAYS)


def test_a_metric_is_held_to_the_value_it_names(project: Project) -> None:
    name = "the planted truth has the value that is known of a perfect explanation"
    body = "return float((explanation.magnitudes * truth.masks[''].flatten(1)).sum() / explanation.magnitudes.sum())"
    for perfect, caught in ((1.0, []), (0.5, [name]), (None, [])):
        project.metric("share", body, arguments="explanation, truth", perfect=perfect)
        assert list(failed(project.read("metric", "share"))) == caught


def test_rounding_is_a_thousandth_of_the_way_from_chance() -> None:
    assert reaches(0.0066, perfect=0.0, chance=80.0)
    assert not reaches(0.0066, perfect=0.0, chance=0.5)
    assert reaches(1.0, perfect=1.0, chance=1.0)
    assert not reaches(math.nan, perfect=1.0, chance=0.5)
    assert reaches(1.0, perfect=1.0, chance=math.nan)
    assert own_values({"": 0.9, "digit": 0.8}) == {"": 0.9}
    assert own_values({"digit": 0.8, "row": 0.7}) == {"digit": 0.8, "row": 0.7}
