"""A method of a notebook in the stages: scored as the registered one is, kept apart, never an old result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.notebook.engine import Evaluated, Request, evaluated
from benchmark.notebook.handing import hand_over
from tests.benchmark.notebook.test_handing import cell
from tests.support.project import TASK, Project

SETTINGS = {"seeds": 2, "draws": 10, "device": "cpu", "tasks": {"attribution/toytask": {"variants": ["plain"]}}}
WEIGHTS = "def method(model, inputs): return model.weight[1].expand_as(inputs) * scale"
NUMBERS = ["value", "floor", "blind", "ceiling", "skill", "chance_skill"]


@pytest.fixture
def toy(project: Project) -> Project:
    """The toy project with its profile in a file, a method that finds half of the truth, and a control."""
    Path("toy.yaml").write_text(yaml.safe_dump(SETTINGS))
    project.method("weights", "return question.model.weight[1].expand_as(question.inputs) * scale")
    project.method("noise", "return question.inputs * 1.0 * scale", control=True)
    project.write("toytask", TASK.replace('primary="rank', 'controls=("noise",), primary="rank'))
    return project


def ask(project: Project, source: str = WEIGHTS, name: str = "mine", **captured: Any) -> Evaluated:
    handed = hand_over(cell(source, **captured)["method"])
    request = Request(task="attribution/toytask", profile="toy.yaml", name=name, identity=handed.identity)
    return evaluated(request, handed.payload, project.registry)


def rows(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table.method == name].sort_values(["variant", "seed", "metric"]).reset_index(drop=True)


def test_it_has_the_rows_of_the_registered_method_to_the_last_bit(toy: Project) -> None:
    found = ask(toy, scale=1.0)
    table = toy.score(**SETTINGS, name="toy")
    pd.testing.assert_frame_equal(rows(found.table, "mine")[NUMBERS], rows(table, "weights")[NUMBERS], check_exact=True)
    assert {"mine", "noise", "oracle", "random"} <= set(found.table.method)
    assert found.picture.startswith(b"\x89PNG")
    assert "mine beside the planted truth (oracle), the best control (noise)" in found.caption


def test_it_stands_beside_what_a_run_has_made_and_leaves_all_of_that_alone(toy: Project) -> None:
    toy.method("better", "return (question.model.weight[1] ** 2).expand_as(question.inputs) * scale")
    before = toy.score(**SETTINGS, name="toy")
    files = {path: path.read_bytes() for path in Path("results/toy").rglob("*") if path.suffix in (".json", ".parquet")}
    found = ask(toy, scale=2.0)
    assert {"weights", "better"} <= set(found.table.method)
    primary = rows(found.table, "better")
    assert set(primary.metric) == {"rank_accuracy"}
    pd.testing.assert_frame_equal(primary[NUMBERS], rows(before[before.primary], "better")[NUMBERS], check_exact=True)
    assert {path for path in files if path.read_bytes() != files[path]} == set()
    new = set(Path("results/toy").rglob("*.json")) - set(files)
    assert new
    assert {path.relative_to("results/toy").parts[0] for path in new} == {"notebook"}
    toy.new_run()
    again = toy.score(**SETTINGS, name="toy")
    assert "mine" not in set(again.method)
    assert toy.values["computed"] == 0


def test_a_captured_value_that_changed_never_has_the_old_rows(toy: Project) -> None:
    source = "def method(model, inputs): return (model.weight[1] * weights).expand_as(inputs)"
    right, wrong = torch.ones(6), torch.tensor([0.0, 1, 1, 1, 1, 1])
    first = ask(toy, source, weights=right)
    assert not first.reused
    assert ask(toy, source, weights=right.clone()).reused
    changed = ask(toy, source, weights=wrong)
    assert not changed.reused
    value = [float(rows(one.table, "mine").value.mean()) for one in (first, changed)]
    assert value[0] > value[1]
    back = ask(toy, source, weights=right)
    assert not back.reused, "it was overwritten"
    pd.testing.assert_frame_equal(rows(back.table, "mine")[NUMBERS], rows(first.table, "mine")[NUMBERS])


def test_what_cannot_be_identified_runs_each_time(toy: Project, tmp_path: Path) -> None:
    source = "def method(model, inputs): return inputs * float(open(place).read())"
    place = tmp_path / "factor"
    values = []
    for factor in ("1.0", "0.0"):
        place.write_text(factor)
        found = ask(toy, source, place=str(place))
        assert not found.reused
        values.append(rows(found.table, "mine").query("metric == 'auroc'").value.mean())
    assert values[0] != values[1]


WRONG = {
    "raises": ("def method(question): raise ValueError('no idea')", "failed", "ValueError: no idea"),
    "declines": ("def method(question): raise Unsupported('not here')", "unsupported", "not here"),
    "short": ("def method(question): return question.inputs[:2]", "failed", "expected [8, 6], the shape of the inputs"),
    "exits": ("import os\ndef method(question): os._exit(3)", "failed", "ended with status 3"),
    "weights": ("def method(model, labels): return model", "failed", "unknown part 'labels' in a AttributionQuestion"),
}


def test_what_goes_wrong_is_a_row(toy: Project) -> None:
    for name, (source, status, reason) in WRONG.items():
        evaluation = ask(toy, source, name, Unsupported=Unsupported)
        assert evaluation.name == ("weights_notebook" if name == "weights" else name), "a name that is taken"
        found = rows(evaluation.table, evaluation.name)
        assert set(found.status) == {status}
        assert reason in found.reason[0]


def test_a_decorated_method_is_what_its_decorator_says(toy: Project) -> None:
    source = (
        "from benchmark.families.attribution import attribution_method\n"
        "@attribution_method(batched=True, requires=('colours',))\n"
        "def method(questions): return [question.inputs for question in questions]"
    )
    handed = hand_over(cell(source)["method"])
    options = {"batched": True, "requires": ("colours",), "tunable": {}}
    request = Request(
        task="attribution/toytask", profile="toy.yaml", name="mine", identity=handed.identity, options=options
    )
    found = evaluated(request, handed.payload, toy.registry)
    assert "requires colours" in rows(found.table, "mine").reason[0]
    request = replace(request, options={"batched": True})
    assert set(rows(evaluated(request, handed.payload, toy.registry).table, "mine").status) == {"ok"}


def test_an_unknown_profile_or_task_is_said(toy: Project) -> None:
    with pytest.raises(TouchstoneError, match="no profile file"):
        evaluated(Request(task="attribution/toytask", profile="toi.yaml", name="mine"), b"", toy.registry)
    with pytest.raises(TouchstoneError, match="unknown task"):
        evaluated(Request(task="attribution/toytosk", profile="toy.yaml", name="mine"), b"", toy.registry)
