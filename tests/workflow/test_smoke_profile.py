"""The smoke profile through the real Snakefile: every file of the contract, the scale of every metric, no failure."""

from __future__ import annotations

import csv
import math
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from workflow_helpers import Tree, counts, read_json

from benchmark.layout import Layout
from benchmark.plan import Plan, digest, make_plan
from benchmark.registry import plugins
from benchmark.scores import measure
from benchmark.stages.instances import family_module, make_concrete
from benchmark.subjects import generator_for

pytestmark = pytest.mark.workflow
SCORES = [
    *("family", "task", "variant", "method", "seed", "metric", "primary", "value", "floor", "ceiling", "skill"),
    *("status", "reason", "seconds", "model_calls", "peak_memory_mb"),
]
BOARD = [
    *("method", "skill", "ci_low", "ci_high", "rank_low", "rank_high", "beats_random", "p_value"),
    *("tasks", "seeds", "failures", "seconds"),
]
COLUMNS = {
    "leaderboard.csv": ["family", *BOARD],
    "tasks.csv": ["family", "task", *BOARD],
    "claims.csv": ["claim", "source", "tasks", "effect", "ci_low", "ci_high", "verdict"],
    "certificates.csv": ["subject", "seed", "check", "value", "threshold", "passed"],
}
FRESH = 20


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan("smoke")


@pytest.fixture(scope="module")
def board(smoke: tuple[Tree, str]) -> Path:
    return smoke[0].folder / "leaderboard" / "smoke"


@pytest.fixture(scope="module")
def scores(board: Path) -> pd.DataFrame:
    return pd.read_parquet(board / "scores.parquet")


def test_every_cell_was_computed_and_none_failed(smoke: tuple[Tree, str], plan: Plan) -> None:
    cells = sum(len(task.methods) for task in plan.tasks.values())
    found = counts(smoke[1])
    assert (found["computed"], found["reused"], found["failed"]) == (cells, 0, 0)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_tables_have_the_columns_of_the_contract(board: Path, name: str) -> None:
    with (board / name).open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert [column for column in header if column in COLUMNS[name]] == COLUMNS[name]
    assert rows
    assert all(len(row) == len(header) for row in rows)


def test_the_scores_have_the_columns_of_the_contract(smoke: tuple[Tree, str], scores: pd.DataFrame, plan: Plan) -> None:
    assert [column for column in scores if column in SCORES] == SCORES
    parts = [pd.read_parquet(path) for path in (smoke[0].folder / "results" / "smoke" / "scores").glob("*.parquet")]
    assert len(parts) == len(plan.tasks)
    assert sum(map(len, parts)) == len(scores)
    assert set(scores.status) <= {"ok", "failed", "timeout", "unsupported"}


def test_every_method_has_a_row_for_every_instance_and_metric(scores: pd.DataFrame, plan: Plan) -> None:
    for task in plan.tasks.values():
        references = [p.name for p in plan.registry.of("reference", task.family)]
        names = [*(m.name for m in task.methods), *references]
        own = scores[(scores.task == task.plugin.name) & (scores.family == task.family)]
        assert set(own.method) == set(names)
        for method, instance, metric in product(names, task.instances, task.metrics):
            rows = own[(own.method == method) & (own.variant == instance.variant) & (own.seed == instance.seed)]
            assert (rows.metric.str.partition("@")[0] == metric.name).any(), (method, instance.label, metric.name)
        assert set(own[own.primary].metric) == {task.primary}
        assert (own[own.primary].groupby(["method", "variant", "seed"]).size() == 1).all()


def test_the_page_and_its_table_in_markdown(board: Path, plan: Plan) -> None:
    page, text = (board / "index.html").read_text(), (board / "README.md").read_text()
    for task in plan.tasks.values():
        for method in task.methods:
            assert method.name in page
            assert method.name in text
    assert "data:image/png;base64," in page


def test_every_subject_is_certified(board: Path, plan: Plan) -> None:
    table = pd.read_csv(board / "certificates.csv")
    assert set(zip(table.subject, table.seed, strict=True)) == {
        (name, seed) for name, subject in plan.subjects.items() for seed in subject.seeds
    }
    assert table.passed.all(), table[~table.passed]


def test_the_provenance_says_how_to_repeat_the_run(board: Path, plan: Plan) -> None:
    source = read_json(board / "provenance.json")
    assert {"commit", "dirty", "configuration", "configuration_hash", "versions", "hardware"} <= source.keys()
    assert source["configuration_hash"] == digest(source["configuration"])
    assert source["configuration"]["seeds"] == plan.profile.seeds
    assert source["versions"]["torch"].split("+")[0].count(".") == 2
    stages = source["duration_seconds"]
    assert {"train", "explain", "score", "total"} <= stages.keys()
    assert stages["total"] == pytest.approx(sum(v for k, v in stages.items() if k != "total"), abs=0.3)


def test_every_claim_has_a_verdict(board: Path) -> None:
    table = pd.read_csv(board / "claims.csv")
    assert set(table.verdict) <= {"reproduced", "not reproduced", "undecided"}
    assert table.claim.is_unique


def test_the_oracle_is_the_ceiling_and_the_draws_are_the_floor_of_every_metric(scores: pd.DataFrame) -> None:
    described = {p.name for p in plugins().of("metric") if p.options["direction"] == "none"}
    oracle, random = scores[scores.method == "oracle"], scores[scores.method == "random"]
    assert len(oracle) == len(random) > 0
    assert (oracle.value == oracle.ceiling).all()
    assert np.allclose(random.value, random.floor)
    judged = ~oracle.metric.str.partition("@")[0].isin(described)
    assert (oracle[judged].skill == 1).all()
    assert np.allclose(random[~random.metric.str.partition("@")[0].isin(described)].skill, 0)
    span, draws = (oracle.ceiling - oracle.floor).abs(), oracle.floor_sd
    assert (span[judged] > 5 * draws[judged]).all(), "the draws' spread must be small beside the scale"


def test_the_oracle_reaches_the_best_value_that_the_metric_can_take(scores: pd.DataFrame) -> None:
    for plugin in plugins().of("metric"):
        low, high = plugin.options["range"]
        own = scores[scores.metric.str.partition("@")[0] == plugin.name]
        assert own.value.dropna().between(low, high).all()
        better = {"higher": 1, "lower": -1}.get(plugin.options["direction"], 0)
        judged = own[own.status == "ok"]
        assert (better * (judged.ceiling - judged.value) >= -1e-9).all(), plugin.name


def test_fresh_random_draws_stay_at_the_floor(smoke: tuple[Tree, str], scores: pd.DataFrame, plan: Plan) -> None:
    layout = Layout("smoke", smoke[0].folder)
    for task in plan.tasks.values():
        family = family_module(task.family)
        metrics = [(metric.name, metric.load()) for metric in task.metrics]
        for instance in task.instances:
            concrete = make_concrete(plan, layout, task, instance)
            posed, truth = concrete.pose(), concrete.truth()
            draws = [
                measure(metrics, family.random(posed, truth, generator_for(instance.seed, f"fresh {n}")), truth, posed)
                for n in range(FRESH)
            ]
            own = scores[(scores.task == task.plugin.name) & (scores.variant == instance.variant)]
            own = own[(own.seed == instance.seed) & (own.method == "random")].set_index("metric")
            for metric in draws[0]:
                mean = float(np.mean([draw[metric] for draw in draws]))
                floor, spread = own.loc[metric, "floor"], own.loc[metric, "floor_sd"]
                error = spread * math.sqrt(1 / FRESH + 1 / plan.profile.draws)
                assert abs(mean - floor) <= 5 * error + 1e-9, (task.id, instance.label, metric, mean, floor)
