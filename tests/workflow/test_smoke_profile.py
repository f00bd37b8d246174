"""The smoke profile through the real Snakefile: every file of the contract, the scale of every metric, no failure."""

from __future__ import annotations

import csv
import math
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from benchmark.claims import Verdict
from benchmark.plan import Plan
from benchmark.planning import make_plan
from benchmark.registry import plugins
from benchmark.scores import Metric, by_name
from benchmark.stages.instances import make_concrete
from benchmark.store import Store, digest
from benchmark.subjects import generator_for
from tests.support.measuring import measure
from tests.support.tree import Tree, counts, read_json

pytestmark = pytest.mark.workflow
SCORES = [
    *("family", "task", "variant", "method", "seed", "metric", "primary", "value", "floor", "blind", "ceiling"),
    *("skill", "chance_skill"),
    *("status", "reason", "seconds", "model_calls", "peak_memory_mb"),
]
BOARD = [
    *("method", "skill", "ci_low", "ci_high", "rank_low", "rank_high", "beats_blind", "beats_random"),
    "p_value",
    *("tasks", "seeds", "failures", "seconds"),
]
COLUMNS = {
    "leaderboard.csv": ["family", *BOARD],
    "tasks.csv": ["family", "task", *BOARD],
    "variants.csv": ["family", "task", "variant", *BOARD],
    "claims.csv": ["claim", "source", "tasks", "effect", "ci_low", "ci_high", "verdict"],
    "certificates.csv": ["subject", "seed", "check", "value", "threshold", "passed"],
}
FRESH = 12
INSTANCE = ["family", "task", "variant", "seed"]


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
    explanations = sum(len(task.methods) * len(task.instances) for task in plan.tasks.values())
    found = counts(smoke[1], kind="explanations")
    assert (found["computed"], found["reused"], found["failed"]) == (explanations, 0, 0)


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


def test_every_method_has_a_row_for_every_instance(scores: pd.DataFrame, plan: Plan) -> None:
    for task in plan.tasks.values():
        references = [p.name for p in plan.registry.of("reference", task.family)]
        names = [*(m.shown for m in task.methods), *references]
        own = scores[(scores.task == task.plugin.name) & (scores.family == task.family)]
        assert set(own.method) == set(names)
        primary = own[own.primary]
        assert set(primary.metric) == {task.primary}
        found = primary.groupby(["method", "variant", "seed"]).size()
        assert (found == 1).all()
        assert set(found.index) == {(m, i.variant, i.seed) for m, i in product(names, task.instances)}
        assert set(own.metric.str.partition("@")[0]) == {metric.name for metric in task.metrics}


def test_the_site_has_a_page_for_each_task_and_method(board: Path, plan: Plan) -> None:
    index, text = (board / "index.html").read_text(), (board / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    for task in plan.tasks.values():
        page = (board / "tasks" / f"{task.family}-{task.plugin.name}.html").read_text()
        assert f"(tasks/{task.family}-{task.plugin.name}.html)" in text
        for method in task.methods:
            assert method.shown in index
            assert method.shown in page
            assert (board / "methods" / f"{task.family}-{method.shown}.html").is_file()
    assert list((board / "pictures").glob("*.png"))


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
    assert set(table.verdict) <= set(get_args(Verdict))
    assert table.claim.is_unique


def test_the_oracle_is_the_ceiling_and_the_draws_are_the_floor_of_every_metric(scores: pd.DataFrame) -> None:
    described = {p.name for p in plugins().of("metric") if p.options["direction"] == "none"}
    assert not scores.duplicated([*INSTANCE, "method", "metric"]).any()
    oracle, random = scores[scores.method == "oracle"], scores[scores.method == "random"]
    assert np.array_equal(oracle.value, oracle.ceiling, equal_nan=True)
    assert np.allclose(random.value, random.floor, equal_nan=True)
    for rows, skill in ((oracle, 1.0), (random, 0.0)):
        judged = rows[~rows.metric.str.partition("@")[0].isin(described)].chance_skill
        assert len(judged) > 0
        assert np.allclose(judged.dropna(), skill, atol=1e-9)
        assert (rows[rows.primary].chance_skill.round(9) == skill).all()
    assert (oracle[oracle.primary].skill.round(9) == 1).all()
    assert (random[random.primary].skill <= 1e-9).all()
    main = oracle[oracle.primary]
    assert set(map(tuple, main[INSTANCE].to_numpy())) == set(map(tuple, scores[INSTANCE].drop_duplicates().to_numpy()))
    span = (main.ceiling - main.floor).abs()
    assert (span > 5 * main.floor_sd).all(), "the draws' spread must be small beside the scale"


def test_no_explanation_is_better_than_the_planted_truth(scores: pd.DataFrame) -> None:
    judged = scores[scores.primary & (scores.status == "ok")]
    assert (judged.skill <= 1 + 1e-9).all(), judged[judged.skill > 1]


def test_every_value_lies_in_its_metrics_range(scores: pd.DataFrame) -> None:
    for plugin in plugins().of("metric"):
        low, high = plugin.options["range"]
        own = scores[(scores.family == plugin.family) & (scores.metric.str.partition("@")[0] == plugin.name)]
        values = own.value.dropna()
        assert values.between(low - 1e-6, high + 1e-6).all(), (plugin.key, values.min(), values.max())


def test_fresh_random_draws_stay_at_the_floor(smoke: tuple[Tree, str], scores: pd.DataFrame, plan: Plan) -> None:
    store = Store(smoke[0].folder / "results" / "smoke")
    first = min(plan.profile.seeds)
    for task in plan.tasks.values():
        random = plan.registry.find("reference", "random", task.family).load()
        alone = [metric for metric in task.metrics if metric.options.get("scope", "explanation") == "explanation"]
        metrics = [Metric.of(metric) for metric in alone]
        fewest = {metric.name: min(metric.draws or plan.profile.draws, plan.profile.draws) for metric in metrics}
        for instance in (one for one in task.instances if one.seed == first):
            concrete = make_concrete(plan, store, task, instance)
            question, truth = concrete.pose(), concrete.truth()
            drawn: dict[str, list[float]] = {}
            for number in range(FRESH):
                fresh = generator_for(first, f"fresh {number}")
                explanation = by_name(random, question=question, truth=truth, generator=fresh)
                wanted = [metric for metric in metrics if number < fewest[metric.name]]
                for name, value in measure(wanted, explanation, truth, question).items():
                    drawn.setdefault(name, []).append(value)
            own = scores[(scores.family == task.family) & (scores.task == task.plugin.name) & (scores.seed == first)]
            own = own[(own.variant == instance.variant) & (own.method == "random")].set_index("metric")
            for name, values in drawn.items():
                count = fewest[name.partition("@")[0]]
                if count > 1:  # one draw alone has no spread to compare with
                    error = own.loc[name, "floor_sd"] * math.sqrt(1 / len(values) + 1 / count)
                    off = abs(float(np.mean(values)) - own.loc[name, "floor"])
                    assert off <= 7 * error + 1e-9, (task.id, instance.label, name, off, error)
