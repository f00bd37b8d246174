"""Explaining: one method's failure is a row of that method, and what is still true is kept."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from benchmark.errors import DamagedArtifactError
from benchmark.families.attribution import family as attribution
from benchmark.registry import PROJECT
from benchmark.stages.explain import STATUSES, explain, hidden_from_methods, make_explanations
from benchmark.store import damaged
from tests.support.project import GRADIENT, TASK, TASK_ID, Project, flip

HOSTILE = {
    "raises": ("raise RuntimeError('no way')", "failed", "RuntimeError: no way"),
    "surrogate": (r"raise RuntimeError('\udcff')", "failed", r"RuntimeError: \\udcff"),
    "wrong_shape": ("return question.inputs[:, :2]", "failed", r"got shape \[8, 2\], expected \[8, 6\]"),
    "wrong_dtype": ("return question.inputs.long()", "failed", r"got torch.int64, expected floating point"),
    "wrong_type": ("return 'seven'", "failed", "got str, expected a torch.Tensor"),
    "nothing": ("pass", "failed", "got NoneType, expected a torch.Tensor"),
    "nan": ("return question.inputs * float('nan')", "failed", "got 48 NaN and 0 infinite values"),
    "infinite": ("return question.inputs.abs() / 0", "failed", "got 0 NaN and 48 infinite values"),
    "pretends": (
        "class Fine(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, function, types, args=(), kwargs=None):\n"
        "        answer = super().__torch_function__(function, types, args, kwargs or {})\n"
        "        return torch.ones_like(answer) if function is torch.isfinite else answer\n"
        "    def isfinite(self):\n"
        "        return torch.ones(self.shape, dtype=torch.bool)\n"
        "return (question.inputs * float('nan')).as_subclass(Fine)",
        "failed",
        "got 48 NaN and 0 infinite values",
    ),
    "hangs": ("time.sleep(600)", "timeout", "ran longer than the limit of 8 s"),
    "leaves": ("os._exit(0)", "failed", "ended with status 0 before it returned a result"),
    "exits": ("sys.exit(1)", "failed", "SystemExit: 1"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "failed", "killed by SIGKILL"),
    "eats": (
        "hoard = []\nwhile True:\n    hoard.append(np.ones(8_000_000))\n    time.sleep(0.02)",
        "failed",
        "needed more memory than the limit",
    ),
    "declines": ("raise Unsupported('needs a tree')", "unsupported", "needs a tree"),
}
HARMLESS = {
    "wanders": "os.chdir('/')\n" + GRADIENT,
    "deletes": "import shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)\n" + GRADIENT,
    "deletes_all": "import shutil\nshutil.rmtree('{base}', ignore_errors=True)\n" + GRADIENT,
    "shouts": "sys.stdout.write('x' * 400_000_000)\n" + GRADIENT,
    "overwrites": (
        "for path in Path('{base}').rglob('*'):\n"
        "    try:\n        path.write_bytes(b'')\n    except OSError:\n        pass\n" + GRADIENT
    ),
    "subclass": "class Mine(torch.Tensor):\n    pass\nreturn question.inputs.as_subclass(Mine)",
}
PARRICIDE = """for process in (os.getppid(), {parent}):
    try:
        os.kill(process, 9)
    except OSError:
        pass
"""


def test_a_hostile_method_becomes_records_and_takes_nobody_with_it(project: Project) -> None:
    for name, (body, _, _) in HOSTILE.items():
        project.method(name, body)
    project.method("good")
    counts = project.explain(limits={"seconds": 8, "memory_mb": 300})
    assert counts["computed"] == 2 * len(HOSTILE) + 2
    assert (counts["failed"], counts["unsupported"]) == (2 * len(HOSTILE) - 2, 2)
    for name, (_, status, reason) in HOSTILE.items():
        first, second = (project.record(name, label) for label in ("plain.0", "plain.1"))
        assert [first["status"], second["status"]] == [status, status], (name, first, second)
        assert re.search(reason, first["reason"]), (name, first)
        assert re.search(reason, second["reason"]), (name, second)
        assert "attributions" not in project.store.read(project.layout.explanation(TASK_ID, name, "plain.0")).files
    assert {project.record("good", label)["status"] for label in ("plain.0", "plain.1")} == {"ok"}


def test_what_a_method_does_around_itself_reaches_nobody(project: Project, capfd: Any) -> None:
    project.method("good")
    project.explain()
    expected = project.attributions("good")
    kept = {path: path.read_bytes() for path in project.layout.results.rglob("*") if path.suffix in (".safetensors",)}
    for name, body in HARMLESS.items():
        project.method(name, body.replace("{base}", str(project.layout.base)))
    project.method("parricide", PARRICIDE.strip().replace("{parent}", str(psutil.Process().pid)) + "\n" + GRADIENT)
    capfd.readouterr()
    counts = project.explain(limits={"seconds": 60, "memory_mb": 3000})
    assert counts["computed"] == 2 * len(HARMLESS) + 2
    assert counts["failed"] <= 2, "only the one that kills"
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert (project.folder / "good.py").is_file()
    for name in HARMLESS:
        assert project.record(name)["status"] == "ok", project.record(name)
    assert torch.equal(project.attributions("wanders"), expected)
    assert type(project.attributions("subclass")) is torch.Tensor
    assert project.record("parricide")["status"] in STATUSES
    assert len(capfd.readouterr().err) < 1_000_000, "what a method prints does not fill the log"
    assert damaged(project.layout.explain_index(TASK_ID, 0), by_checksum=True) == []


def test_a_file_of_another_method_that_changes_all_the_same_is_made_again(project: Project) -> None:
    project.method("one")
    project.method("two")
    project.explain()
    path = project.store.path(project.layout.explanation(TASK_ID, "one", "plain.0")).with_suffix(".safetensors")
    content = path.read_bytes()
    path.write_bytes(b"rubbish")
    project.new_run()
    assert project.explain() == {"computed": 1, "reused": 3, "failed": 0, "unsupported": 0}
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_read_or_imported_is_a_failed_method(project: Project) -> None:
    project.method("good")
    project.method("broken")
    project.write("broken", "def (")
    project.method("lacking")
    project.write("lacking", "import absent_library\n" + (project.folder / "lacking.py").read_text())
    assert project.explain() == {"computed": 6, "reused": 0, "failed": 4, "unsupported": 0}
    assert "SyntaxError" in project.record("broken")["reason"]
    assert "No module named 'absent_library'" in project.record("lacking")["reason"]


def test_one_seed_that_fails_leaves_the_other(project: Project) -> None:
    project.method("moody", "if question.seed == 0:\n    raise ValueError('not today')\n" + GRADIENT)
    project.explain()
    assert project.record("moody", "plain.0")["reason"] == "ValueError: not today"
    assert project.record("moody", "plain.1")["status"] == "ok"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_method_killed_on_one_instance_has_its_chance_on_the_others(project: Project, seed: int) -> None:
    project.method("half", f"if question.seed == {seed}:\n    os._exit(0)\n" + GRADIENT)
    assert project.explain(seeds=3)["failed"] == 1
    found = [project.record("half", f"plain.{number}") for number in range(3)]
    assert [number for number in range(3) if found[number]["status"] == "ok"] == [n for n in range(3) if n != seed]
    assert "ended with status 0" in found[seed]["reason"]


def test_only_what_changed_is_computed_again(project: Project) -> None:
    project.method("one")
    project.method("two")
    nothing = {"computed": 0, "reused": 4, "failed": 0, "unsupported": 0}
    assert project.explain() == nothing | {"computed": 4, "reused": 0}
    assert project.explain() == nothing
    doubled = {"methods": {"attribution/one": {"scale": 2.0}}}
    assert project.explain(**doubled) == nothing | {"computed": 2, "reused": 2}
    assert project.explain() == nothing | {"computed": 2, "reused": 2}
    assert project.explain(limits={"seconds": 31}, batches=2, workers=3, draws=3, title="other") == nothing
    project.method("three")
    assert project.explain() == nothing | {"computed": 2}
    assert project.explain(seeds=3) == nothing | {"computed": 3, "reused": 6}
    more = {"tasks": {"attribution/toytask": {"variants": ["plain", "few"]}}}
    assert project.explain(**more) == nothing | {"computed": 6, "reused": 6}


def test_another_subject_computes_what_asks_about_it(project: Project) -> None:
    project.method("one")
    project.explain()
    assert project.explain(subjects={"toy": {"quality": 0.9}})["computed"] == 2


def test_another_size_of_a_task_computes_its_explanations_again(project: Project) -> None:
    project.method("one")
    project.explain(tasks={"attribution/toytask": {"variants": ["plain"], "inputs": 4}})
    assert project.explain()["computed"] == 2


def test_what_failed_is_tried_again_and_what_was_declined_is_not(project: Project) -> None:
    project.method("raises", "raise ValueError")
    project.method("declines", "raise Unsupported('no')")
    project.explain()
    assert project.explain() == {"computed": 2, "reused": 2, "failed": 2, "unsupported": 2}


@pytest.mark.parametrize("file", ["plain.1.safetensors", "plain.1.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_explanation_is_named_and_made_again_to_the_same(
    project: Project, lines: Any, file: str, damage: str
) -> None:
    project.method("one")
    project.method("two")
    project.explain()
    path = project.store.path(project.layout.explanation(TASK_ID, "one", "plain.1")).parent / file
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-7])
    elif file.endswith(".json"):
        path.write_bytes(content.replace(b'"status": "ok"', b'"status": "unsupported"'))
    else:
        flip(path)
    assert project.explain() == {"computed": 1, "reused": 3, "failed": 0, "unsupported": 0}
    assert f"one/{file}" in lines() or (damage, file) == ("missing", "plain.1.json")
    assert damaged(project.layout.explain_index(TASK_ID, 0)) == []
    if file.endswith(".safetensors"):
        assert path.read_bytes() == content


def test_a_batched_method_gets_all_instances_of_a_seed_at_once(project: Project) -> None:
    project.method("batched", "return [one.inputs * 0 + len(question) for one in question]", batched=True)
    project.explain(tasks={"attribution/toytask": {"variants": ["plain", "wide"]}})
    values = [project.attributions("batched", label) for label in ("plain.0", "plain.1", "wide.0", "wide.1")]
    assert [list(v.shape) for v in values] == [[8, 6], [8, 6], [8, 9], [8, 9]]
    assert all(bool((v == 2).all()) for v in values)


UNWELL = {
    "raises": ("raise ValueError('not this one')", "failed", "ValueError: not this one"),
    "declines": ("raise Unsupported('not this one')", "unsupported", "not this one"),
    "dies": ("os._exit(3)", "failed", "ended with status 3"),
    "eats": ("hoard = np.ones(100_000_000)\n    time.sleep(600)", "failed", "needed more memory than the limit"),
}


@pytest.mark.parametrize("fault", UNWELL)
def test_one_instance_of_a_batched_method_does_not_condemn_the_others(project: Project, fault: str) -> None:
    line, status, reason = UNWELL[fault]
    body = f"if any(one.seed == 1 for one in question):\n    {line}\nreturn [one.inputs for one in question]"
    project.method("moody", body, batched=True)
    counts = project.explain(seeds=3, limits={"seconds": 60, "memory_mb": 400})
    found = [project.record("moody", f"plain.{seed}") for seed in range(3)]
    assert [record["status"] for record in found] == ["ok", status, "ok"], found
    assert reason in found[1]["reason"]
    assert counts["failed"] + counts["unsupported"] == 1


def test_a_batched_method_that_returns_too_few_fails_everywhere(project: Project) -> None:
    project.method("short", "return [question[0].inputs][: len(question) - 1]", batched=True)
    project.explain()
    for label in ("plain.0", "plain.1"):
        record = project.record("short", label)
        assert record["status"] == "failed"
        assert "expected a list of 1 explanations, one for each question, got 0" in record["reason"]


@pytest.mark.parametrize("batched", [False, True])
def test_the_seconds_of_a_time_out_are_booked_once(project: Project, batched: bool) -> None:
    project.method("hangs", "time.sleep(600)", batched=batched)
    project.explain(seeds=3, limits={"seconds": 2})
    found = [project.record("hangs", f"plain.{seed}") for seed in range(3)]
    assert [record["status"] for record in found] == ["timeout"] * 3
    first, *others = (record["seconds"] for record in found)
    assert first >= 2
    assert others == [0, 0], "they were not reached"
    assert "not reached: on plain.0 the method ran longer" in found[1]["reason"]


def test_only_a_supervised_method_sees_what_the_family_hides(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hiding = replace(attribution.FAMILY, blinded=lambda question: replace(question, background=question.background * 0))
    monkeypatch.setattr(attribution, "FAMILY", hiding)
    body = "return question.inputs * 0 + question.background.abs().sum()"
    project.method("learner", body)
    project.method("told", body, supervised=True)
    project.explain()
    assert not project.attributions("learner").any()
    assert project.attributions("told").all()


def test_no_method_can_alter_what_another_one_sees(project: Project) -> None:
    project.method("vandal", "question.inputs.zero_()\nquestion.model.weight.data.zero_()\nreturn question.inputs")
    project.method("witness", "return question.inputs + question.model.weight[1]")
    project.explain(workers=1)
    assert bool((project.attributions("witness") != 0).all())
    assert project.explain()["computed"] == 0


def test_the_global_generators_are_seeded_for_every_instance(project: Project) -> None:
    body = "return torch.rand(question.inputs.shape) + float(np.random.rand())"
    project.method("noisy", body)
    project.explain()
    alone = [project.attributions("noisy", label) for label in ("plain.0", "plain.1")]
    assert not torch.equal(*alone)
    project.method("aaa", body)
    project.method("noisy", body + " + 0")
    assert project.explain(workers=1, seeds=[1, 0])["computed"] == 4
    again = [project.attributions("noisy", label) for label in ("plain.0", "plain.1")]
    assert all(map(torch.equal, alone, again))


def test_the_same_explanations_whatever_workers_batches_and_order(project: Project) -> None:
    for name in ("one", "two", "three"):
        project.method(name, "return torch.rand(question.inputs.shape)" if name == "two" else GRADIENT)
    project.explain(workers=1)
    alone = [project.attributions(name, f"plain.{seed}") for name in ("one", "two", "three") for seed in (0, 1)]
    shutil.rmtree(project.layout.results / "explanations")
    project.methods.reverse()
    project.explain(workers=3, batches=2, seeds=[1, 0])
    again = [project.attributions(name, f"plain.{seed}") for name in ("one", "two", "three") for seed in (0, 1)]
    assert all(map(torch.equal, alone, again))


def test_what_does_not_fit_is_unsupported_before_anything_runs(project: Project) -> None:
    project.method("picky", "os._exit(1)", requires=("tokens", "rgb"))
    project.method("modest", requires=("rgb",))
    project.write("toytask", TASK.replace('unranked=("few",),', 'unranked=("few",), provides=("rgb",),'))
    assert project.explain() == {"computed": 4, "reused": 0, "failed": 0, "unsupported": 2}
    assert project.record("picky")["reason"] == "it requires tokens, which the task does not provide"
    assert project.record("modest")["status"] == "ok"
    project.write("toytask", TASK.replace('unranked=("few",),', 'unranked=("few",), provides=("tokens", "rgb"),'))
    assert project.explain()["failed"] == 2, "now it applies, and runs"


def test_a_task_that_cannot_be_posed_is_a_reason_in_every_record(project: Project) -> None:
    project.method("one")
    project.write(
        "toytask",
        TASK.replace("        targets = torch.ones", "        raise KeyError('lost')\n        targets = torch.ones"),
    )
    assert project.explain()["failed"] == 2
    assert re.search("the task could not be posed: .*lost", project.record("one")["reason"])
    project.write("toytask", TASK)
    assert project.explain() == {"computed": 2, "reused": 0, "failed": 0, "unsupported": 0}


def test_one_method_alone_as_the_command_line_asks_for_it(project: Project) -> None:
    project.method("one")
    project.method("two")
    project.train()
    plan = project.plan()
    task = plan.task("toytask")
    made = make_explanations(plan, project.store, task, task.methods[:1])
    assert [kept.content["status"] for kept in made] == ["ok", "ok"]
    assert project.explain() == {"computed": 2, "reused": 2, "failed": 0, "unsupported": 0}


ELSEWHERE = """import subprocess, tempfile
from safetensors.torch import load_file, save_file
folder = Path(tempfile.mkdtemp())
save_file({"weight": question.model.weight.clone()}, folder / "question.safetensors")
program = "import sys; from safetensors.numpy import load_file, save_file; " \\
    "save_file({'weight': 2 * load_file(sys.argv[1])['weight']}, sys.argv[2])"
files = [str(folder / name) for name in ("question.safetensors", "answer.safetensors")]
subprocess.run([sys.executable, "-I", "-c", program, *files], check=True)
return load_file(files[1])["weight"][1].expand_as(question.inputs)"""


def test_a_method_may_ask_another_interpreter(project: Project) -> None:
    project.method("elsewhere", ELSEWHERE)
    assert project.explain()["computed"] == 2
    assert project.attributions("elsewhere")[0].tolist() == [2, 0, 0, 0, 0, 0]


def test_explaining_before_training_says_what_is_missing(project: Project) -> None:
    project.method("one")
    with pytest.raises(DamagedArtifactError, match=r"subjects/toy/0/subject\.json is missing"):
        explain(project.plan(), project.store, "toytask")


def test_a_run_elsewhere_hides_the_projects_own_results_too(project: Project) -> None:
    hidden = hidden_from_methods(project.plan())
    own = Path.cwd().resolve()
    assert {own / "results", own / "leaderboard", PROJECT / "results", PROJECT / "leaderboard"} == set(hidden)
