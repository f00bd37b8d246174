"""From a profile to subjects, instances and cells; what is broken is left out and named, the rest goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.config import Profile, read_profile
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.planning import make_plan, resolve_device
from benchmark.registry import PROJECT, plugins
from tests.support.project import SUBJECT, TASK, Project


def test_every_pair_of_variant_and_seed_is_an_instance(project: Project) -> None:
    plan = project.plan(seeds=[3, 1], tasks={"attribution/toytask": {"variants": ["wide", "few"], "inputs": 5}})
    task = plan.task("toytask")
    assert [(i.variant, i.seed) for i in task.instances] == [("wide", 3), ("wide", 1), ("few", 3), ("few", 1)]
    assert [i.subject for i in task.instances] == ["toy-width-9"] * 2 + ["toy"] * 2
    assert [i.parameters["inputs"] for i in task.instances] == [5, 5, 2, 2], "a variant is more special than a profile"
    assert [i.ranked for i in task.instances] == [True, True, False, False]
    assert [i.twin for i in task.instances] == [None] * 4, "the profile leaves out the twin of wide"
    assert plan.subject("toy-width-9").parameters == {"width": 9, "quality": 1.0}
    assert plan.subject("toy").seeds == (3, 1)
    assert task.variants == ["wide", "few"]


def test_all_variants_run_unless_the_profile_lists_some(project: Project) -> None:
    assert project.plan(tasks={}).task("toytask").variants == ["plain", "wide", "bad", "few"]
    twins = {instance.variant: instance.twin for instance in project.plan(tasks={}).task("toytask").instances}
    assert twins == {"plain": "few", "wide": "bad", "bad": None, "few": None}


def test_rivals_run_together_or_not_at_all(project: Project) -> None:
    project.write("toytask", TASK.replace("twins=", 'rivals={"plain": "wide"}, twins='))
    rivals = {instance.variant: instance.rival for instance in project.plan(tasks={}).task("toytask").instances}
    assert rivals == {"plain": "wide", "wide": "plain", "bad": None, "few": None}
    with pytest.raises(TouchstoneError, match="'wide' is scored together with its rival 'plain'"):
        project.plan(tasks={"attribution/toytask": {"variants": ["wide", "few"]}})


def test_a_subject_may_have_seeds_of_its_own(project: Project) -> None:
    plan = project.plan(subjects={"toy": {"seeds": 3, "quality": 0.7}})
    assert plan.subject("toy").seeds == (0, 1, 2)
    assert plan.subject("toy").parameters["quality"] == 0.7
    assert len(plan.task("toytask").instances) == 3


def test_parameters_of_methods_and_their_variants(project: Project) -> None:
    project.method("slope")
    methods = {"attribution/slope": {"scale": 2.0}, "attribution/steep": {"method": "slope", "scale": 9.0}}
    found = {m.name: dict(m.parameters) for m in project.plan(methods=methods).task("toytask").methods}
    assert found == {"slope": {"scale": 2.0}, "steep": {"scale": 9.0}}


def test_a_profile_that_lists_methods_asks_a_new_one_everywhere(project: Project) -> None:
    for name in ("slope", "steep", "fresh"):
        project.method(name)
    settings = {"tasks": {"attribution/toytask": {"asks": ["slope"]}}, "exclude": ["method:attribution/steep"]}

    def asked(**more: bool) -> set[str]:
        return {method.name for method in project.plan(**settings, **more).task("toytask").methods}

    assert asked() == {"slope"}
    assert asked(newcomers=True) == {"slope", "fresh"}


@pytest.mark.parametrize("profile", ["smoke", "default", "board", "full"])
def test_no_method_of_touchstone_is_new_to_its_own_profiles(profile: str) -> None:
    """Where a profile lists methods, it lists or excludes all: what runs where is decided, not left over."""
    settings, registry = read_profile(profile, plugins()), plugins()
    assert settings.newcomers or not any(given.asks for given in settings.tasks.values())
    for family in registry.families:
        lists = [given.asks for key, given in settings.tasks.items() if key.startswith(f"{family}/") and given.asks]
        known = {name for names in lists for name in names}
        known |= {key.rpartition("/")[2] for key in settings.exclude if key.startswith(f"method:{family}/")}
        known |= {name for task in registry.of("task", family) for name in task.options.get("controls", ())}
        new = [method.name for method in registry.of("method", family) if method.name not in known]
        assert not lists or not new


def test_a_learned_method_runs_at_every_budget(project: Project) -> None:
    project.method("slope")
    project.method("learned", budget="scale")
    many = {"budgets": [1, 4], "methods": {"attribution/learned": {"scale": 3.0}}}
    found = project.plan(**many).task("toytask").methods
    names = [(m.name, m.shown, m.budget, m.ranked, m.parameters["scale"]) for m in found]
    assert names == [
        ("learned@1x", "learned@1x", 1, False, 3.0),
        ("learned@4x", "learned", 4, True, 12.0),
        ("slope", "slope", None, True, 1.0),
    ]
    own = project.plan(**many, tasks={"attribution/toytask": {"budgets": [2]}}).task("toytask").methods
    assert [(m.name, m.shown) for m in own] == [("learned@2x", "learned"), ("slope", "slope")]


@pytest.mark.parametrize("budgets", [[], [4, 1], [0], [1, 1], ["4"], 4])
def test_budgets_are_multiples_that_rise(project: Project, budgets: object) -> None:
    with pytest.raises(TouchstoneError, match="budgets"):
        project.plan(budgets=budgets)


def test_methods_and_tasks_can_be_excluded(project: Project) -> None:
    project.method("one")
    project.method("two")
    plan = project.plan(exclude=["method:attribution/one"])
    assert [m.name for m in plan.task("toytask").methods] == ["two"]
    with pytest.raises(TouchstoneError, match="selects no task"):
        project.plan(exclude=["attribution/toytask"])


@pytest.mark.parametrize("batches", [1, 2, 3, 7])
def test_the_batches_hold_every_method_once(project: Project, batches: int) -> None:
    for name in "abcde":
        project.method(name)
    task = project.plan(batches=batches).task("toytask")
    parts = [[m.name for m in task.batch(number)] for number in range(batches)]
    assert sorted(name for part in parts for name in part) == list("abcde")
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("name", ["toytask", "attribution/toytask", "attribution.toytask"])
def test_a_task_is_found_by_its_names(project: Project, name: str) -> None:
    assert project.plan().task(name).id == "attribution.toytask"


def test_unknown_names_are_answered_with_the_nearest(project: Project) -> None:
    plan = project.plan()
    with pytest.raises(UnknownNameError, match=r"did you mean .*toytask"):
        plan.task("toytsk")
    with pytest.raises(UnknownNameError, match="did you mean 'toy'"):
        plan.subject("toi")


LEFT_OUT = "task attribution/toytask is left out: "
BROKEN = {
    "task": ("toytask", "def (", f"{LEFT_OUT}toytask.py cannot be read: SyntaxError"),
    "subject": ("toy", "def (", f"{LEFT_OUT}it needs subject toy: toy.py cannot be read"),
    "metric": (
        "toytask",
        TASK.replace('"auroc"', '"aurok"'),
        f"{LEFT_OUT}unknown metric 'aurok' in task attribution/toytask; did you mean 'auroc'",
    ),
    "parameter": (
        "toytask",
        TASK.replace('"width": 9', '"widht": 9'),
        "unknown parameter 'widht' in variant 'wide' of task attribution/toytask; did you mean 'width'",
    ),
    "subject's name": (
        "toytask",
        TASK.replace('subject="toy"', 'subject="tooy"'),
        "unknown subject 'tooy' in task attribution/toytask; did you mean 'toy'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_task_is_left_out_and_the_others_go_on(project: Project, case: str) -> None:
    (project.folder / "goodsubject.py").write_text(SUBJECT)
    (project.folder / "goodtask.py").write_text(TASK.replace('subject="toy"', 'subject="goodsubject"'))
    name, text, expected = BROKEN[case]
    project.write(name, text)
    registry = project.registry
    registry = type(registry)(
        (*registry.plugins, project.read("subject", "goodsubject"), project.read("task", "goodtask"))
    )
    profile = Profile(name="toy", tasks={})
    if case == "parameter":
        profile = Profile(name="toy", tasks={"attribution/toytask": {"variants": ["wide"]}})
    plan = make_plan(profile, registry=registry)
    assert list(plan.tasks) == ["attribution.goodtask"]
    assert {s.plugin.name for s in plan.subjects.values()} == {"goodsubject"}
    (problem,) = plan.problems
    assert expected in problem


def test_a_task_whose_subject_lacks_a_package_is_left_out_with_the_reason(project: Project) -> None:
    lacking = SUBJECT.replace('@subject(cites="a test")', '@subject(cites="a test", packages=("torch", "not_there"))')
    (project.folder / "goodsubject.py").write_text(SUBJECT.replace('"a test")', '"a test", packages=("torch",))'))
    (project.folder / "goodtask.py").write_text(TASK.replace('subject="toy"', 'subject="goodsubject"'))
    project.write("toy", lacking)
    registry = project.registry
    registry = type(registry)(
        (*registry.plugins, project.read("subject", "goodsubject"), project.read("task", "goodtask"))
    )
    plan = make_plan(Profile(name="toy", tasks={}), registry=registry)
    assert list(plan.tasks) == ["attribution.goodtask"]
    why = "its subject toy needs the package not_there, which is not installed: `pip install not_there`"
    assert plan.problems == (f"task attribution/toytask is left out: {why}",)
    listed = {task.name: registry.lacking(task) for task in registry.of("task") if task.path.parent == project.folder}
    assert listed == {"toytask": why, "goodtask": ""}


def test_a_broken_method_stays_in_the_plan_so_that_it_becomes_a_row(project: Project) -> None:
    project.method("good")
    project.write("broken", "def (")
    project.methods.append("broken")
    plan = project.plan()
    assert [m.name for m in plan.task("toytask").methods] == ["broken", "good"]
    assert "SyntaxError" in plan.task("toytask").methods[0].plugin.problem


def test_the_sources_of_a_job_are_what_it_depends_on(project: Project) -> None:
    project.method("one")
    project.method("two")
    task = project.plan(batches=2).task("toytask")
    one, two = (project.folder / f"{name}.py" for name in ("one", "two"))
    assert one in task.explain_sources(0)
    assert two not in task.explain_sources(0)
    assert project.folder / "toytask.py" in task.explain_sources(0)
    assert {path.name for path in task.score_sources} >= {"toytask.py", "rank_accuracy.py", "auroc.py"}
    assert not {one, two} & set(task.score_sources)


def test_parsing_the_workflow_imports_neither_torch_nor_pandas() -> None:
    program = (
        "import sys\n"
        "from benchmark.audit import audit\nfrom benchmark.layout import Layout\n"
        "from benchmark.planning import make_plan\n"
        "plan = make_plan('smoke')\naudit(Layout('smoke'))\n"
        "task = next(iter(plan.tasks.values()))\n"
        "task.explain_sources(0), task.score_sources, plan.publish_sources, plan.configuration\n"
        "print([name for name in ('torch', 'pandas', 'captum', 'matplotlib', 'scipy') if name in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_device_is_what_the_machine_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("cuda") == "cuda"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve_device("auto") == "cpu"
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert resolve_device("auto") == "cpu", "a GPU that is hidden from the run is none"


def test_the_project_is_a_folder_of_plugins() -> None:
    assert (PROJECT / "tasks").is_dir()
    assert os.access(PROJECT / "methods", os.R_OK)
