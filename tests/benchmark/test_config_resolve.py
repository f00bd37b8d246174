"""What a run uses: departures over small sizes over defaults, each in its order; what cannot be is named."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from benchmark.config import Profile, TaskSettings, check_profile, declaration_problems
from benchmark.errors import TouchstoneError
from benchmark.plan import Plan, TaskPlan
from benchmark.planning import make_plan
from benchmark.registry import plugins
from benchmark.stages.explain import explain
from benchmark.stages.train import train
from tests.support.project import SUBJECT, TASK, Project

TOY = "attribution/toytask"


def declare(project: Project, *, task: str = "", subject: str = "", method: str = "") -> None:
    """Write the toy project anew with these `small` sizes and one method, `slope`, whose scale is 1 by default."""
    project.write("toytask", TASK.replace('cites="a test",', f'cites="a test", {f"small={task}," if task else ""}', 1))
    project.write("toy", SUBJECT.replace('cites="a test"', f'cites="a test"{f", small={subject}" if subject else ""}'))
    project.method("slope", **({"small": ast.literal_eval(method)} if method else {}))  # type: ignore[arg-type]


def planned(project: Project, **settings: Any) -> tuple[Plan, TaskPlan]:
    plan = project.plan(**({"small": True, "tasks": {}} | settings))
    return plan, plan.task("toytask")


def scale(task: TaskPlan, name: str = "slope") -> float:
    (method,) = [m for m in task.methods if m.name == name]
    return float(method.parameters["scale"])


def test_small_sizes_count_only_where_a_profile_asks_for_them(project: Project) -> None:
    declare(project, task='{"variants": ["plain"], "inputs": 3}', subject='{"width": 5}', method='{"scale": 2.0}')
    plan, task = planned(project)
    assert task.variants == ["plain"]
    assert task.instances[0].parameters == {"inputs": 3}
    assert plan.subject("toy").parameters == {"width": 5, "quality": 1.0}
    assert scale(task) == 2.0
    plan, task = planned(project, small=False)
    assert task.variants == ["plain", "wide", "bad", "few"]
    assert task.instances[0].parameters == {"inputs": 8}
    assert plan.subject("toy").parameters == {"width": 6, "quality": 1.0}
    assert scale(task) == 1.0


def test_a_profile_departs_from_the_small_sizes(project: Project) -> None:
    declare(project, task='{"variants": ["plain"], "inputs": 3}', subject='{"width": 5, "quality": 0.8}')
    plan, task = planned(project, subjects={"toy": {"width": 4}}, tasks={TOY: {"inputs": 7, "variants": ["few"]}})
    assert task.variants == ["few"]
    assert task.instances[0].parameters == {"inputs": 2}, "a variant is more special than a profile"
    assert plan.subject("toy").parameters == {"width": 4, "quality": 0.8}
    assert planned(project, tasks={TOY: {"inputs": 7}})[1].instances[0].parameters == {"inputs": 7}


def test_what_a_task_asks_of_its_subject_is_a_subject_of_its_own(project: Project) -> None:
    declare(project, task='{"subject.quality": 0.7, "subject.width": 5}', subject='{"width": 5}')
    plan, task = planned(project)
    subjects = {i.variant: dict(plan.subject(i.subject).parameters) for i in task.instances}
    assert subjects["plain"] == subjects["few"] == {"width": 5, "quality": 0.7}
    assert subjects["wide"] == {"width": 9, "quality": 0.7}
    assert subjects["bad"] == {"width": 5, "quality": 0.1}
    assert set(plan.subjects) == {"toy-quality-0.7", "toy-quality-0.7-width-9", "toy-quality-0.1"}
    plan, _ = planned(project, subjects={"toy": {"quality": 0.9}})
    assert plan.subject("toy").parameters == {"width": 5, "quality": 0.9}, "the profile decides"


def test_each_word_on_a_method_is_stronger_than_the_one_before(project: Project) -> None:
    declare(project, task='{"methods": {"slope": {"scale": 3.0}}}', method='{"scale": 2.0}')
    everywhere, here = {"attribution/slope": {"scale": 4.0}}, {TOY: {"methods": {"slope": {"scale": 5.0}}}}
    assert scale(planned(project)[1]) == 3.0
    assert scale(planned(project, methods=everywhere)[1]) == 4.0
    assert scale(planned(project, methods=everywhere, tasks=here)[1]) == 5.0
    assert scale(planned(project, small=False, tasks=here)[1]) == 5.0


def test_parameters_of_a_method_on_one_task_are_for_that_task_alone() -> None:
    content = {"name": "test", "tasks": {"dictionary/superposition": {"methods": {"topk": {"steps": 8000}}}}}
    plan = make_plan(check_profile(content | {"only": ["dictionary"]}, plugins()))
    steps = {
        name: {m.shown: m.parameters.get("steps") for m in task.methods}["topk"] for name, task in plan.tasks.items()
    }
    assert steps.pop("dictionary.superposition") == 8000
    assert steps
    assert set(steps.values()) == {2000}


def test_a_task_asks_the_methods_that_a_profile_names_and_its_controls() -> None:
    methods = {"dictionary/topk_long": {"method": "topk", "steps": 9}}
    content = {"name": "test", "methods": methods, "budgets": [1, 4], "only": ["dictionary"]}
    tasks = {"dictionary/superposition": {"asks": ["topk", "topk_long"]}}
    plan = make_plan(check_profile(content | {"tasks": tasks}, plugins()))
    names = {name: [m.name for m in task.methods] for name, task in plan.tasks.items()}
    controls = plan.task("dictionary.superposition").controls
    learned = {"topk@1x", "topk@4x", "topk_long@1x", "topk_long@4x"}
    assert {name for name in names["dictionary.superposition"] if name.partition("@")[0] not in controls} == learned
    assert {name.partition("@")[0] for name in names["dictionary.superposition"]} >= {*controls}
    assert {"relu_l1@4x", "p_anneal@4x"} <= {*names["dictionary.othello_board"]}


def test_a_variant_of_a_method_departs_from_it_as_it_is_on_the_task(project: Project) -> None:
    project.method("slope", parameters="scale: float = 1.0, shift: float = 0.0")
    methods = {"attribution/slope": {"shift": 1.0}, "attribution/steep": {"method": "slope", "scale": 9.0}}
    here = {TOY: {"methods": {"slope": {"shift": 2.0, "scale": 3.0}}}}
    task = planned(project, methods=methods, tasks=here)[1]
    assert {m.name: dict(m.parameters) for m in task.methods} == {
        "slope": {"scale": 3.0, "shift": 2.0},
        "steep": {"scale": 9.0, "shift": 2.0},
    }
    here[TOY]["methods"]["steep"] = {"scale": 4.0}
    assert scale(planned(project, methods=methods, tasks=here)[1], "steep") == 4.0


@pytest.mark.parametrize("base", ["", None])
def test_a_method_without_a_base_is_itself(project: Project, base: Any) -> None:
    project.method("slope")
    task = planned(project, methods={"attribution/slope": {"method": base, "scale": 2.0}})[1]
    assert [(m.name, dict(m.parameters)) for m in task.methods] == [("slope", {"scale": 2.0})]


def test_bare_names_in_a_profile_are_the_full_ones(project: Project) -> None:
    project.method("slope")
    methods = {"slope": {"scale": 2.0}, "steep": {"method": "slope", "scale": 9.0}}
    plan, task = planned(project, methods=methods, tasks={"toytask": {"inputs": 3}})
    assert (scale(task), scale(task, "steep")) == (2.0, 9.0)
    assert task.instances[0].parameters == {"inputs": 3}
    assert set(plan.profile.methods) == {"attribution/slope", "attribution/steep"}
    assert set(plan.profile.tasks) == {TOY}


def test_a_task_has_limits_of_its_own(project: Project) -> None:
    own = {TOY: {"limits": {"seconds": 7}}}
    task = planned(project, limits={"seconds": 60, "memory_mb": 3000}, tasks=own)[1]
    assert (task.limits.seconds, task.limits.memory_mb) == (7, 3000)
    task = planned(project, limits={"seconds": 60, "memory_mb": 3000})[1]
    assert (task.limits.seconds, task.limits.memory_mb) == (60, 3000)


def test_a_cell_is_stopped_at_the_limit_of_its_task(project: Project) -> None:
    project.method("hangs", "time.sleep(600)")
    own = {TOY: {"variants": ["plain"], "limits": {"seconds": 2}}}
    plan, _ = planned(project, limits={"seconds": 300, "memory_mb": 4000}, tasks=own)
    train(plan, project.store, "toy")
    explain(plan, project.store, "toytask", workers=1)
    records = [project.record("hangs", instance.label) for instance in plan.task("toytask").instances]
    assert {record["status"] for record in records} == {"timeout"}
    assert all("limit of 2 s" in record["reason"] for record in records)


def test_the_settings_of_a_task_are_typed_and_written_as_they_were_read(project: Project) -> None:
    entry = {
        "inputs": 3,
        "variants": ["few"],
        "asks": ["slope"],
        "methods": {"slope": {"scale": 2.0}},
        "limits": {"seconds": 7.0},
    }
    project.method("slope")
    profile = planned(project, tasks={TOY: entry})[0].profile
    settings = profile.tasks[TOY]
    assert isinstance(settings, TaskSettings)
    assert settings.parameters == {"inputs": 3}
    assert (settings.variants, settings.asks) == (["few"], ["slope"])
    assert settings.methods == {"slope": {"scale": 2.0}}
    assert (settings.limits.seconds, settings.limits.memory_mb) == (7.0, None)
    assert profile.model_dump()["tasks"] == {TOY: entry}
    assert Profile.model_validate(profile.model_dump()) == profile


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"methods": {"topkk": {}}}, "unknown method 'topkk' in tasks.superposition.methods; did you mean 'topk'"),
        ({"methods": {"gradient": {}}}, "unknown method 'gradient' in tasks.superposition.methods"),
        (
            {"methods": {"topk": {"step": 3}}},
            "unknown parameter 'step' in tasks.superposition.methods.topk; did you mean 'steps'",
        ),
        ({"methods": {"topk": {"steps": -3}}}, "tasks.superposition.methods.topk.steps: expected int (finite, not neg"),
        ({"methods": {"topk": 3}}, "tasks.superposition.methods.topk: Input should be"),
        ({"methods": ["topk"]}, "tasks.superposition.methods: Input should be"),
        (
            {"limits": {"secnods": 3}},
            "unknown profile key 'secnods' in tasks.superposition.limits; did you mean 'secon",
        ),
        ({"limits": {"seconds": 0}}, "tasks.superposition.limits.seconds: Input should be greater than 0, got 0"),
        ({"limits": 3}, "tasks.superposition.limits: Input should be"),
        ({"method": {}}, "unknown parameter 'method' in tasks.superposition; did you mean 'methods'"),
        ({"asks": ["topkk"]}, "unknown method 'topkk' in tasks.superposition.asks; did you mean 'topk'"),
        ({"asks": []}, "tasks.superposition.asks: List should have at least 1 item"),
        ({"variants": ["l0_3"]}, "unknown variant 'l0_3' in tasks.superposition; did you mean"),
    ],
)
def test_mistakes_in_a_tasks_settings_are_answered_with_the_nearest_names(entry: Any, expected: str) -> None:
    with pytest.raises(TouchstoneError) as caught:
        check_profile({"name": "test", "tasks": {"superposition": entry}}, plugins())
    head, line = str(caught.value).splitlines()
    assert "has 1 problem(s)" in head
    assert expected in line


def test_a_task_may_name_a_variant_that_the_profile_adds() -> None:
    methods = {"dictionary/topk_long": {"method": "topk", "steps": 9}}
    tasks = {"superposition": {"methods": {"topk_long": {"steps": 8}}, "limits": {"memory_mb": 5}}, "blockmnist": None}
    profile = check_profile({"name": "test", "methods": methods, "tasks": tasks}, plugins())
    assert profile.tasks["attribution/blockmnist"] == TaskSettings()


TASK_MISTAKES = {
    '{"imputs": 3}': "unknown parameter 'imputs' in small of task attribution/toytask; did you mean 'inputs'",
    '{"inputs": -3}': "small of task attribution/toytask.inputs: expected int (finite, not negative",
    '{"subject.widht": 3}': "unknown parameter 'widht' in small of task attribution/toytask.subject; did you mean 'wid",
    '{"variants": ["plian"]}': "unknown variant 'plian' in small of task attribution/toytask; did you mean 'plain'",
    '{"variants": 3}': "small of task attribution/toytask.variants: expected a list of variants, got 3",
    '{"variants": [3]}': "small of task attribution/toytask.variants: expected a list of variants, got (3,)",
    '{"methods": {"slop": {}}}': "unknown method 'slop' in small of task attribution/toytask.methods; did you mean 's",
    '{"methods": {"slope": {"scal": 1.0}}}': "unknown parameter 'scal' in small of task attribution/toytask.methods",
    '{"methods": 3}': "small of task attribution/toytask.methods: expected parameters by the names of methods, got 3",
    '{"limits": {"seconds": 3}}': "small of task attribution/toytask: got limits, expected parameters",
    '{"asks": ["slope"]}': "small of task attribution/toytask: got asks, expected parameters",
    '["inputs"]': "toytask.py: small: got ['inputs'], expected a dictionary of parameters",
    '{3: "inputs"}': "toytask.py: small: got a dict with keys that are no texts",
}


@pytest.mark.parametrize("small", TASK_MISTAKES)
@pytest.mark.parametrize("used", [True, False])
def test_a_task_with_impossible_small_sizes_is_left_out(project: Project, small: str, used: bool) -> None:
    declare(project, task=small)
    with pytest.raises(TouchstoneError, match="selects no task") as caught:
        planned(project, small=used)
    assert f"task attribution/toytask is left out: {TASK_MISTAKES[small]}" in str(caught.value)


def test_a_subject_with_impossible_small_sizes_leaves_out_its_task(project: Project) -> None:
    declare(project, subject='{"widht": 3}')
    with pytest.raises(
        TouchstoneError, match="it needs subject toy: unknown parameter 'widht' in small of subject toy"
    ):
        planned(project)


def test_a_method_with_impossible_small_sizes_becomes_failed_rows(project: Project) -> None:
    declare(project, method='{"scael": 3}')
    (method,) = planned(project)[1].methods
    assert (
        "unknown parameter 'scael' in small of method attribution/slope; did you mean 'scale'" in method.plugin.problem
    )


@pytest.mark.parametrize("name", ["variants", "asks", "methods", "limits", "budgets", "readings"])
def test_reserved_names_are_no_parameters_of_a_task(project: Project, name: str) -> None:
    project.write("toytask", TASK.replace("    inputs: int = 8", f"    inputs: int = 8\n    {name}: int = 8"))
    with pytest.raises(
        TouchstoneError, match=f"asks, methods, limits, budgets, readings are reserved, got a parameter '{name}'"
    ):
        planned(project)


def test_a_method_that_cannot_be_read_does_not_spoil_the_profile(project: Project) -> None:
    project.method("slope")
    project.write("slope", "def (")
    settings = {
        "methods": {"attribution/slope": {"scale": 2.0}},
        "tasks": {TOY: {"methods": {"slope": {"scale": 3.0}}}},
    }
    (method,) = planned(project, **settings)[1].methods
    assert "cannot be read" in method.plugin.problem


@pytest.mark.parametrize("kind", ["subject", "task", "method"])
def test_the_declarations_of_the_project_are_sound(kind: str) -> None:
    registry = plugins()
    problems = [problem for plugin in registry.of(kind) for problem in declaration_problems(plugin, registry)]
    assert problems == []


def test_the_smoke_profile_leaves_the_sizes_to_the_plugins() -> None:
    plan = make_plan("smoke")
    assert plan.profile.small
    settings = [*plan.profile.tasks.values()]
    assert settings == [TaskSettings(asks=given.asks) for given in settings]
    assert plan.profile.methods == {}
    assert all(given.keys() <= {"seeds"} for given in plan.profile.subjects.values())
    assert plan.problems == ()
    for task in plan.tasks.values():
        assert len(task.variants) < len(task.plugin.options["variants"]), f"{task.id} runs all its variants"


@pytest.mark.parametrize(("seeds", "labels"), [("sealed", [0, 1, 2]), ({"sealed": 5}, [0, 1, 2, 3, 4])])
def test_sealed_seeds_are_labels(seeds: Any, labels: list[int]) -> None:
    profile = check_profile({"name": "test", "seeds": seeds}, plugins())
    assert profile.sealed
    assert profile.seeds == labels
    assert not check_profile({"name": "test", "seeds": labels}, plugins()).sealed
    assert Profile.model_validate(profile.model_dump()) == profile


@pytest.mark.parametrize(
    "seeds", ["seald", {"sealed": 0}, {"sealed": [1, 2]}, {"sealed": True}, {"sealed": 2, "x": 1}, {"sealed": None}]
)
def test_other_ways_to_seal_are_one_problem(seeds: Any) -> None:
    with pytest.raises(TouchstoneError, match=r"1 problem\(s\):\n.*or `sealed`, or `{sealed: <number>}`"):
        check_profile({"name": "test", "seeds": seeds}, plugins())
