"""Explaining: one method's failure is a row of that method; what is still true is kept."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch

from benchmark.artifacts import damaged, read_json
from benchmark.errors import DamagedArtifactError
from benchmark.explanations import read_explanation
from benchmark.families.attribution import AttributionExplanation, family
from benchmark.stages.explain import Cells, explain
from benchmark.stages.train import train
from tests.support.project import GRADIENT, Project

HOSTILE = {
    "raises": ("raise RuntimeError('no way')", "failed", "RuntimeError: no way"),
    "wrong_shape": ("return subject.inputs[:, :2]", "failed", r"got shape \[8, 2\], expected \[8, 6\]"),
    "wrong_dtype": ("return subject.inputs.long()", "failed", r"got torch.int64, expected floating point"),
    "wrong_type": ("return 'seven'", "failed", "got str, expected a torch.Tensor"),
    "nothing": ("pass", "failed", "got NoneType, expected a torch.Tensor"),
    "nan": ("return subject.inputs * float('nan')", "failed", "got 48 NaN and 0 infinite values"),
    "infinite": ("return subject.inputs.abs() / 0", "failed", "got 0 NaN and 48 infinite values"),
    "hangs": ("time.sleep(600)", "timeout", "ran longer than the limit of 4 s"),
    "leaves": ("os._exit(0)", "failed", "ended with status 0 before it returned a result"),
    "exits": ("sys.exit(1)", "failed", "SystemExit: 1"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "failed", "killed by SIGKILL"),
    "eats": (
        "hoard = []\nwhile True:\n    hoard.append(np.ones(4_000_000))\n    time.sleep(0.01)",
        "failed",
        "needed more memory than the limit",
    ),
    "declines": ("raise Unsupported('needs a tree')", "unsupported", "needs a tree"),
}


def explained(project: Project, **settings: Any) -> Cells:
    plan = project.plan(**settings)
    for subject in plan.task("toytask").subjects:
        train(plan, project.layout, subject)
    return explain(plan, project.layout, "toytask", workers=2)


def cell(project: Project, method: str) -> dict[str, Any]:
    content: dict[str, Any] = read_json(project.layout.cell("attribution.toytask", method) / "cell.json")
    return content


def test_a_hostile_method_becomes_records_and_takes_nobody_with_it(project: Project) -> None:
    for name, (body, _, _) in HOSTILE.items():
        project.method(name, body)
    project.method("good")
    own = psutil.Process().memory_info().rss / 2**20
    counts = explained(project, limits={"seconds": 4, "memory_mb": int(own + 700)})
    assert counts == Cells(computed=len(HOSTILE) + 1, reused=0, failed=len(HOSTILE) - 1, unsupported=1)
    for name, (_, status, reason) in HOSTILE.items():
        records = cell(project, name)["records"]
        assert [(r["variant"], r["seed"], r["status"]) for r in records] == [("plain", 0, status), ("plain", 1, status)]
        assert all(re.search(reason, r["reason"]) for r in records), (name, records)
        assert not any("file" in r for r in records)
    assert [r["status"] for r in cell(project, "good")["records"]] == ["ok", "ok"]


def test_a_file_that_cannot_be_read_or_imported_is_a_failed_cell(project: Project) -> None:
    project.method("good")
    project.write("broken", "def (")
    project.methods.append("broken")
    project.method("lacking")
    project.write("lacking", "import absent_library\n" + (project.folder / "lacking.py").read_text())
    assert explained(project).failed == 2
    assert "SyntaxError" in cell(project, "broken")["records"][0]["reason"]
    assert "No module named 'absent_library'" in cell(project, "lacking")["records"][0]["reason"]


def test_one_seed_that_fails_leaves_the_other(project: Project) -> None:
    project.method("moody", "if subject.seed == 0:\n    raise ValueError('not today')\n" + GRADIENT)
    explained(project)
    bad, good = cell(project, "moody")["records"]
    assert (bad["status"], bad["reason"]) == ("failed", "ValueError: not today")
    assert good["status"] == "ok"


def test_what_a_killed_method_had_finished_is_kept(project: Project) -> None:
    project.method("half", "if subject.seed == 1:\n    os._exit(0)\n" + GRADIENT)
    explained(project)
    good, bad = cell(project, "half")["records"]
    assert good["status"] == "ok"
    assert "ended with status 0" in bad["reason"]


def test_only_what_changed_is_computed_again(project: Project) -> None:
    project.method("one")
    project.method("two")
    assert explained(project) == Cells(computed=2)
    before = cell(project, "two")
    assert explained(project) == Cells(reused=2)
    assert explained(project, methods={"attribution/one": {"scale": 2.0}}) == Cells(computed=1, reused=1)
    assert explained(project) == Cells(computed=1, reused=1)
    project.method("three")
    assert explained(project) == Cells(computed=1, reused=2)
    assert cell(project, "two") == before
    assert explained(project, seeds=3) == Cells(computed=3)


def test_another_subject_computes_all_its_cells_again(project: Project) -> None:
    project.method("one")
    explained(project)
    assert explained(project, subjects={"toy": {"quality": 0.9}}) == Cells(computed=1)


def test_a_failed_cell_is_tried_again_and_a_declined_one_is_not(project: Project) -> None:
    project.method("raises", "raise ValueError")
    project.method("declines", "raise Unsupported('no')")
    explained(project)
    assert explained(project) == Cells(computed=1, reused=1, failed=1, unsupported=1)


@pytest.mark.parametrize("file", ["plain.1.safetensors", "cell.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_cell_is_named_and_made_again_to_the_same(
    project: Project, lines: Any, file: str, damage: str
) -> None:
    project.method("one")
    project.method("two")
    explained(project)
    path = project.layout.cell("attribution.toytask", "one") / file
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-7])
    elif file == "cell.json":
        path.write_bytes(content.replace(b'"status": "ok"', b'"status": "unsupported"'))
    else:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert explained(project) == Cells(computed=1, reused=1)
    assert f"one/{file}" in lines() or (damage, file) == ("missing", "cell.json")
    assert damaged(path.parent / "cell.json") == []
    if file != "cell.json":
        assert path.read_bytes() == content


def test_a_batched_method_gets_all_instances_at_once(project: Project) -> None:
    body = "return [one.inputs * 0 + len(subject) for one in subject]"
    project.method("batched", body, batched=True)
    explained(project, tasks={"attribution/toytask": {"variants": ["plain", "wide"]}})
    content = cell(project, "batched")
    folder = project.layout.cell("attribution.toytask", "batched")
    values = [read_explanation(folder, r, AttributionExplanation).attributions for r in content["records"]]
    assert [list(v.shape) for v in values] == [[8, 6], [8, 6], [8, 9], [8, 9]]
    assert all(bool((v == 4).all()) for v in values)


def test_a_batched_method_that_returns_too_few_fails_everywhere(project: Project) -> None:
    project.method("short", "return [subject[0].inputs]", batched=True)
    explained(project)
    for record in cell(project, "short")["records"]:
        assert record["status"] == "failed"
        assert "expected a list of 2 explanations, one for each subject, got 1" in record["reason"]


def test_only_a_supervised_method_sees_what_the_family_hides(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hiding = replace(family.FAMILY, blinded=lambda subject: replace(subject, background=subject.background * 0))
    monkeypatch.setattr(family, "FAMILY", hiding)
    body = "return subject.inputs * 0 + subject.background.abs().sum()"
    project.method("learner", body)
    project.method("told", body, supervised=True)
    explained(project)
    seen = {}
    for name in ("learner", "told"):
        folder = project.layout.cell("attribution.toytask", name)
        records = cell(project, name)["records"]
        seen[name] = [read_explanation(folder, r, AttributionExplanation).attributions.max() > 0 for r in records]
    assert not any(seen["learner"])
    assert all(seen["told"])


def test_no_method_can_alter_what_another_one_sees(project: Project) -> None:
    project.method("vandal", "subject.inputs.zero_()\nsubject.model.weight.zero_()\nreturn subject.inputs")
    project.method("witness", "return subject.inputs + subject.model.weight[1]")
    explained(project)
    plan = project.plan()
    folder = project.layout.cell("attribution.toytask", "witness")
    first = cell(project, "witness")["records"][0]
    seen = read_explanation(folder, first, AttributionExplanation).attributions
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    assert seen.shape == inputs.shape
    assert bool((seen != 0).all())
    assert explain(plan, project.layout, "toytask") == Cells(reused=2)


def test_the_global_generators_are_seeded_for_every_instance(project: Project) -> None:
    project.method("noisy", "return torch.rand(subject.inputs.shape) + float(np.random.rand())")
    explained(project)
    folder = project.layout.cell("attribution.toytask", "noisy")

    def values() -> list[torch.Tensor]:
        records = cell(project, "noisy")["records"]
        return [read_explanation(folder, r, AttributionExplanation).attributions for r in records]

    before = values()
    for path in folder.iterdir():
        path.unlink()
    explained(project, draws=5)
    assert all(map(torch.equal, before, values()))
    assert not torch.equal(*before)


def test_explaining_before_training_says_what_is_missing(project: Project) -> None:
    project.method("one")
    with pytest.raises(DamagedArtifactError, match=r"subjects/toy/index\.json is missing"):
        explain(project.plan(), project.layout, "toytask")


def test_another_size_of_a_task_computes_its_cells_again(project: Project) -> None:
    project.method("one")
    explained(project, tasks={"attribution/toytask": {"variants": ["plain"], "inputs": 4}})
    assert explained(project) == Cells(computed=1)
