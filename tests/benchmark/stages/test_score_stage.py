"""Scoring: explanations meet the truth; one metric's failure is its own row; what is known is not measured again."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from benchmark.declarations import INSIDE
from benchmark.errors import DamagedArtifactError
from benchmark.registry import Registry, read
from benchmark.scores import COLUMNS
from benchmark.stages.score import score
from tests.support.project import READER, SHARE, TASK, TASK_ID, Project, flip, steady

VARIANTS = {"attribution/toytask": {"variants": ["plain", "wide", "bad", "few"]}}
REFERENCES = 3
"""random, oracle, inverted."""
SEEDS = 2
METRICS = 2


def rows(table: pd.DataFrame, method: str, metric: str) -> pd.DataFrame:
    return table[(table.method == method) & (table.metric == metric)]


def test_the_rows_of_a_task(project: Project) -> None:
    project.method("right")
    project.method(
        "wrong", "attributions = torch.ones_like(question.inputs)\nattributions[:, 0] = 0\nreturn attributions"
    )
    project.method("raises", "raise ValueError('no')")
    table = project.score(tasks=VARIANTS)
    assert tuple(table.columns) == COLUMNS
    methods = {"right", "wrong", "raises", "random", "oracle", "inverted"}
    assert set(table.method) == methods
    assert len(table) == len(methods) * 4 * SEEDS * METRICS
    assert not table.duplicated(["variant", "seed", "method", "metric"]).any()
    assert set(table[table.reference].method) == {"random", "oracle", "inverted"}
    assert set(table[table.primary].metric) == {"rank_accuracy"}
    by_method = table.groupby("method")
    assert (by_method.get_group("oracle").skill == 1).all()
    assert (by_method.get_group("oracle").value == by_method.get_group("oracle").ceiling).all()
    assert by_method.get_group("random").skill.abs().max() == 0
    assert (by_method.get_group("right").skill == 1).all()
    assert (by_method.get_group("wrong").skill < 0).all()
    failed = by_method.get_group("raises")
    assert (failed.skill == 0).all()
    assert failed.value.isna().all()
    assert set(failed.reason) == {"ValueError: no"}
    ranked = table.groupby("variant").ranked.unique().map(list).to_dict()
    assert ranked == {"plain": [True], "wide": [True], "few": [False], "bad": [False]}
    twins = table.groupby("variant").twin.unique().map(list).to_dict()
    assert twins == {"plain": ["few"], "wide": [""], "few": [""], "bad": [""]}, "bad fails its certificate"
    assert set(table.subject) == {"toy"}
    assert (table[table.method == "right"].model_calls >= 0).all()
    stored = pd.read_parquet(project.layout.scores(TASK_ID))
    pd.testing.assert_frame_equal(stored, table)


def test_a_supervised_method_and_a_control_stand_with_the_references(project: Project) -> None:
    project.method("told", supervised=True)
    project.method("learner")
    table = project.score()
    assert set(table[table.reference].method) == {"random", "oracle", "inverted", "told"}
    told, learner = (table[table.method == name].value.to_numpy() for name in ("told", "learner"))
    assert (told == learner).all()


def test_what_is_added_is_measured_and_nothing_else(project: Project) -> None:
    project.method("one")
    project.score()
    assert project.values == {"computed": 16, "reused": 0, "failed": 0, "unsupported": 0}
    project.score()
    assert project.values == {"computed": 0, "reused": 16, "failed": 0, "unsupported": 0}
    project.method("two")
    first = project.score()
    assert project.values["computed"] == METRICS * SEEDS, "two's own, and no floor"
    project.metric("share")
    table = project.score()
    assert project.values["computed"] == SEEDS * (REFERENCES + 2), "one value of every name"
    pd.testing.assert_frame_equal(steady(table[table.metric != "share"]), steady(first))
    project.score(seeds=3)
    assert project.values["computed"] == (METRICS + 1) * (REFERENCES + 2), "the third seed's"
    project.score(tasks={"attribution/toytask": {"variants": ["plain", "few"]}})
    assert project.values["computed"] == (METRICS + 1) * SEEDS * (REFERENCES + 2), "the other variant's"
    project.score(draws=7)
    assert project.values["computed"] == (METRICS + 1) * SEEDS, "random's"


def test_an_edited_metric_is_measured_again_alone(project: Project) -> None:
    project.method("one")
    project.metric("share")
    project.score()
    project.metric("share", "return 0.5")
    table = project.score()
    assert project.values["computed"] == SEEDS * (REFERENCES + 1)
    assert (rows(table, "one", "share").value == 0.5).all()
    project.metric("share", "# the half\nreturn 0.5")
    project.score()
    assert project.values["computed"] == 0


def test_the_same_explanation_made_by_other_code_is_not_measured_again(project: Project) -> None:
    project.method("one")
    project.score()
    project.method("one", "same = question.model.weight[1].expand_as(question.inputs)\nreturn same * scale")
    assert project.explain()["computed"] == SEEDS
    project.score()
    assert project.values["computed"] == 0


FAULTS = {
    "raises": ("raise ZeroDivisionError('no way')", "failed", "ZeroDivisionError: no way"),
    "surrogate": (r"raise ValueError('\udcff')", "failed", r"ValueError: \udcff"),
    "exits": ("raise SystemExit(3)", "failed", "SystemExit: 3"),
    "leaves": ("os._exit(3)", "failed", "ended with status 3"),
    "killed": ("os.kill(os.getpid(), 9)", "failed", "killed by SIGKILL"),
    "eats": ("hoard = np.ones(100_000_000)\ntime.sleep(600)", "failed", "needed more memory than the limit"),
    "text": ("return 'seven'", "failed", "ValueError: could not convert string to float"),
    "nothing": ("return None", "unsupported", "returned nothing"),
    "empty": ("return {}", "unsupported", "returned nothing"),
    "declines": ("raise Unsupported('needs a tree')", "unsupported", "needs a tree"),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, dict[str, int], dict[str, int]]:
    """The rows with a metric for each fault, and how many values two scorings computed."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("faulty")
        patch.chdir(base)
        patch.setenv("TOUCHSTONE_RUN", "run-0")
        (base / "project").mkdir()
        project = Project(base / "project")
        project.method("one")
        for name, (body, _, _) in FAULTS.items():
            project.metric(name, body)
        limits = {"limits": {"seconds": 60, "memory_mb": 400}}
        table = project.score(**limits)
        first = project.values
        score(project.plan(**limits), project.store, TASK_ID, workers=1)
        return table, first, project.values


@pytest.mark.parametrize("fault", FAULTS)
def test_a_metric_that_fails_is_a_row_of_its_own(
    faulty: tuple[pd.DataFrame, dict[str, int], dict[str, int]], fault: str
) -> None:
    table, _, _ = faulty
    _, status, reason = FAULTS[fault]
    for method in ("one", "oracle", "random"):
        own = rows(table, method, fault)
        assert len(own) == SEEDS
        assert set(own.status) == {status}, own.reason.tolist()
        assert all(reason in text for text in own.reason), own.reason.tolist()
        assert own.value.isna().all()


def test_the_other_metrics_keep_their_values(
    faulty: tuple[pd.DataFrame, dict[str, int], dict[str, int]], project: Project
) -> None:
    table, first, second = faulty
    project.method("one")
    expected = project.score()
    pd.testing.assert_frame_equal(steady(table[~table.metric.isin(FAULTS)]), steady(expected))
    declined = sum(status == "unsupported" for _, status, _ in FAULTS.values())
    each = SEEDS * (REFERENCES + 1)
    assert first["unsupported"] == declined * each
    assert first["failed"] == (len(FAULTS) - declined) * each
    assert second["computed"] == first["failed"], "what failed is tried again, and nothing else"


def test_a_failure_of_the_primary_metric_counts_at_the_floor(project: Project) -> None:
    picky = "if question.seed == 0 and explanation.magnitudes.max() == 5:\n    raise ValueError('no')\n"
    project.metric("share", picky + SHARE, arguments="explanation, question")
    project.write("toytask", primary_share(project))
    project.method("one", parameters="scale: float = 5.0")
    table = project.score()
    own = rows(table, "one", "share").set_index("seed")
    assert own.primary.all()
    assert own.status.to_dict() == {0: "failed", 1: "ok"}
    assert own.skill.to_dict() == {0: 0.0, 1: 1.0}


def primary_share(project: Project) -> str:
    """The task with the metric `share` as its primary one."""
    text = (project.folder / "toytask.py").read_text()
    changed = text.replace('primary="rank_accuracy"', 'primary="share"')
    assert changed != text
    return changed


@pytest.mark.parametrize(("text", "reason"), [("import absent_library", "absent_library"), ("def (", "SyntaxError")])
def test_a_metric_that_cannot_be_imported_fails_alone(project: Project, text: str, reason: str) -> None:
    project.method("one")
    expected = project.score()
    project.metric("broken")
    project.write("broken", text)
    table = project.score()
    pd.testing.assert_frame_equal(steady(table[table.metric != "broken"]), steady(expected))
    own = table[table.metric == "broken"]
    assert set(own.status) == {"failed"}
    assert all(reason in why for why in own.reason), own.reason.tolist()
    project.metric("broken")
    repaired = project.score()
    assert set(repaired.status) == {"ok"}


@pytest.mark.parametrize("where", ["when it is asked", "when it is imported"])
def test_a_metric_that_hangs_is_stopped_and_tried_on_nothing_else(project: Project, where: str) -> None:
    project.method("one")
    project.metric("slow", "time.sleep(600)")
    if where == "when it is imported":
        text = (project.folder / "slow.py").read_text()
        hangs = f"if {INSIDE!r} not in os.environ:  # where its decorator is read\n    time.sleep(600)\n@metric"
        project.write("slow", text.replace("@metric", hangs))
    table = project.score(seeds=1, limits={"seconds": 3})
    own = table[table.metric == "slow"]
    assert set(own.status) == {"timeout"}
    reasons = own.reason.tolist()
    assert sum("ran longer than the limit of 3 s" in reason for reason in reasons) == len(reasons)
    assert sum(reason.startswith("not tried: on ") for reason in reasons) == len(reasons) - 1
    assert set(table[table.metric != "slow"].status) == {"ok"}


def test_a_metric_says_what_truth_it_needs(project: Project) -> None:
    project.method("one")
    project.metric("needy", needs=("zero_set", "directions"))
    project.metric("modest", needs=("zero_set",))
    table = project.score()
    assert set(table[table.metric == "needy"].reason) == {"this task's truth has no directions"}
    assert set(table[table.metric == "needy"].status) == {"unsupported"}
    assert set(table[table.metric == "modest"].status) == {"ok"}


BROKEN_REFERENCE = """
from benchmark.plugins import reference

@reference()
def late(truth):
    '''A reference of a test.'''
    raise ValueError("the reference is lost")
"""


def test_a_reference_that_raises_costs_no_value_measured_before_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.method("one")
    expected = project.score()
    path = project.write("broken_references", BROKEN_REFERENCE)
    late = read(path, "reference", "attribution", "toy_broken_references", reader=READER)
    registry = type(project).registry
    monkeypatch.setattr(
        type(project), "registry", property(lambda self: Registry((*registry.fget(self).plugins, *late)))
    )
    shutil.rmtree(project.layout.results)
    table = project.score(workers=1)
    own = table.method == "late"
    assert set(table[own].status) == {"failed"}
    assert table[own].reason.str.contains("the reference is lost").all()
    pd.testing.assert_frame_equal(steady(table[~own]), steady(expected))


@pytest.mark.parametrize("part", ["truth", "pose", "subject"])
def test_a_task_without_truth_question_or_subject_is_failed_rows(project: Project, part: str) -> None:
    project.method("one")
    project.score()
    if part == "subject":
        text = (project.folder / "toy.py").read_text()
        project.write(
            "toy", text.replace("        inputs = torch", "        raise KeyError('lost')\n        inputs = torch")
        )
    else:
        old = {"truth": "        mask = torch", "pose": "        targets = torch"}[part]
        project.write("toytask", TASK.replace(old, f"        raise KeyError('lost')\n{old}"))
    table = project.score()
    assert set(table[table.method == "one"].status) == {"failed"}
    assert all("lost" in reason for reason in table[table.method == "one"].reason)
    assert table[table.primary & (table.method == "one")].seed.tolist() == [0, 1]


def test_rows_depend_on_nothing_but_what_is_measured(project: Project) -> None:
    project.method("one")
    project.method("noisy", "return torch.rand(question.inputs.shape)")
    expected = project.score(workers=1)
    shutil.rmtree(project.layout.results)
    project.methods.reverse()
    project.method("another", "raise ValueError")
    table = project.score(workers=3, seeds=[1, 0], batches=2)
    pd.testing.assert_frame_equal(steady(table[table.method != "another"]), steady(expected))


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing", "unnoticed"])
def test_a_damaged_explanation_is_named(project: Project, damage: str) -> None:
    project.method("one")
    project.score()
    path = project.store.path(project.layout.explanation(TASK_ID, "one", "plain.1")).with_suffix(".safetensors")
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-3])
    else:
        flip(path, keep_time=damage == "unnoticed")
        project.metric("share")
    project.new_run()
    with pytest.raises(DamagedArtifactError, match=r"plain\.1\.safetensors is (damaged|missing)"):
        score(project.plan(), project.store, TASK_ID)


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_damaged_values_are_measured_again_to_the_same(project: Project, damage: str) -> None:
    project.method("one")
    first = project.score()
    path = project.store.path(project.layout.values(TASK_ID, "oracle", "plain.0"))
    content = path.read_text()
    assert json.loads(content)["content"]["auroc"]["content"]["values"] == {"": 1.0}
    if damage == "missing":
        path.unlink()
    else:
        path.write_text(content[:-9] if damage == "truncated" else content.replace('"": 1.0', '"": 2.0'))
        assert path.read_text() != content
    pd.testing.assert_frame_equal(project.score(), first)
    assert project.values["computed"] == METRICS
    assert path.read_text() == content


def test_the_truth_is_not_written_where_methods_read(project: Project) -> None:
    project.method("one")
    project.score()
    names = {path.name for path in project.layout.results.rglob("*.safetensors")}
    assert names == {
        *("subject.weights.safetensors", "subject.public.safetensors"),
        *("plain.0.safetensors", "plain.1.safetensors"),
    }


def test_metrics_over_several_explanations_get_their_groups(project: Project) -> None:
    project.method("one")
    project.method("two", parameters="scale: float = 2.0")
    body = "return [len(explanations) for _ in explanations]"
    for scope in ("seeds", "variants", "methods"):
        project.metric(f"over_{scope}", body, arguments="explanations", scope=scope)
    settings = {"seeds": 3, "tasks": {"attribution/toytask": {"variants": ["plain", "few"]}}}
    table = project.score(**settings)
    one = table[table.method == "one"].groupby("metric").value.unique().map(list)
    assert one["over_seeds"] == [3]
    assert one["over_variants"] == [2]
    assert one["over_methods"] == [REFERENCES + 2]
    project.method("three")
    project.score(**settings)
    own, groups_of_methods = 2 * 3 * (METRICS + 2), 2 * 3 * (REFERENCES + 3)
    assert project.values["computed"] == own + groups_of_methods


def test_a_group_that_ends_its_child_costs_no_other_group(project: Project) -> None:
    project.method("one")
    project.method("two", parameters="scale: float = 2.0")
    body = "if explanations[0].method == 'one': os.kill(os.getpid(), 9)\nreturn float(len(explanations))"
    project.metric("over_seeds", body, arguments="explanations", scope="seeds")
    table = project.score(seeds=2)
    found = table[table.metric == "over_seeds"].groupby("method")
    lost = found.get_group("one")
    assert set(lost.status) == {"failed"}
    assert lost.reason.str.contains("killed by SIGKILL").all()
    for method in ("two", "oracle", "random"):
        assert (found.get_group(method).value == 2).all(), method


def test_repetitions_of_a_method_are_one_row(project: Project) -> None:
    project.method("noisy", "return torch.rand(question.inputs.shape)")
    once = project.score(seeds=1)
    project.write("toytask", TASK.replace('unranked=("few",),', 'unranked=("few",), method_seeds=3,'))
    table = project.score(seeds=1)
    assert len(table) == len(once)
    drawn = [project.attributions("noisy", f"plain.0{repeat}").sum().item() for repeat in ("", ".1", ".2")]
    assert len(set(drawn)) == 3
    reference = table[table.method == "oracle"]
    assert (reference.value == 1).all()
