"""Stage 4, publish: from all scores to `leaderboard/<profile>/`, as the contract lists its files.

publish(plan, store)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from benchmark.artifacts import record, write_atomically, write_bytes
from benchmark.claims import evaluate, load
from benchmark.errors import DamagedArtifactError
from benchmark.layout import Layout
from benchmark.marks import marks
from benchmark.plan import Instance, Plan
from benchmark.provenance import provenance, revealed
from benchmark.registry import PROJECT
from benchmark.runtime import log
from benchmark.site import About, Board, PagePicture, render
from benchmark.stages.instances import trained
from benchmark.stages.pictures import pictures_of
from benchmark.stages.train import certificates
from benchmark.statistics.breakdown import breakdown
from benchmark.statistics.budgets import at_largest, budget_curve
from benchmark.store import Store, damaged, read_entry, write_index
from benchmark.summary import repeat_command
from benchmark.tables import board_notes, leaderboard, metric_rows, per_task, per_variant
from benchmark.timing import timings

CERTIFICATE = ["subject", "seed", "check", "value", "threshold", "passed", "at_least"]


def publish(plan: Plan, store: Store) -> None:
    """Write the page, its tables and the provenance, and the index that vouches for them."""
    layout = plan.layout
    everything = read_scores(plan, layout)
    scores = at_largest(everything)
    folder = layout.leaderboard
    claims = [
        claim
        for claim in load([PROJECT / "tasks" / "claims"])
        if {f"{side.family}.{side.task}" for side in claim.selectors} <= plan.tasks.keys()
    ]
    tables = {
        "leaderboard": leaderboard(scores),
        "tasks": per_task(scores),
        "variants": per_variant(scores),
        "budgets": budget_curve(everything),
        "dials": breakdown(scores, dials(plan)),
        "marks": marks(scores, {(*key, i.variant) for key, i in _instances(plan) if not i.ranked}),
        "claims": evaluate(claims, scores),
        "certificates": pd.DataFrame(certificates(plan, store), columns=CERTIFICATE),
        "measured": measured(plan, store),
    }
    source = provenance(plan, durations(plan, store)) | revealed(plan, store)
    board = Board(
        profile=plan.profile.name,
        title=plan.profile.title,
        metrics=metric_rows(scores),
        failures=failures(plan, everything),
        provenance=source,
        plugins=descriptions(plan),
        pictures=pictures(plan, store),
        notes=board_notes(scores),
        left_out=[*plan.profile.left_out, *plan.problems, *broken(scores), *without_controls(plan, scores)],
        **tables,
    )
    files = {folder / f"{n}.csv": write_bytes(folder / f"{n}.csv", _csv(table)) for n, table in tables.items()}
    files[folder / "scores.parquet"] = write_atomically(folder / "scores.parquet", _parquet(everything))
    text = json.dumps(source, indent=1, default=str) + "\n"
    files[folder / "provenance.json"] = write_bytes(folder / "provenance.json", text.encode())
    files |= {path: record(path) for path in render(board, folder)}
    write_index(layout.published, files, {})
    if plan.part:
        log.info("[publish] a part of profile %s: it has a folder of its own", plan.profile.name)
    log.info("[publish] %s written", folder / "index.html")


def dials(plan: Plan) -> dict[tuple[str, str], dict[str, list[str]]]:
    """The dials of all tasks: variants in the order in which something grows."""
    found = {(task.family, task.plugin.name): task.plugin.options.get("dials", {}) for task in plan.tasks.values()}
    return {task: dict(named) for task, named in found.items() if named}


def _instances(plan: Plan) -> Iterator[tuple[tuple[str, str], Instance]]:
    for task in plan.tasks.values():
        yield from (((task.family, task.plugin.name), instance) for instance in task.instances)


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def _parquet(scores: pd.DataFrame) -> Callable[[Path], None]:
    return lambda path: scores.to_parquet(path, index=False)


def read_scores(plan: Plan, layout: Layout) -> pd.DataFrame:
    """All tasks' rows, each file verified against its index."""
    tables = []
    for task in plan.tasks.values():
        problems = damaged(layout.score_index(task.id))
        if problems:
            raise DamagedArtifactError("; ".join(problems))
        tables.append(pd.read_parquet(layout.scores(task.id)))
    return pd.concat(tables, ignore_index=True)


def measured(plan: Plan, store: Store) -> pd.DataFrame:
    """What subjects measured of themselves beside their certificates: `subject, seed, fact, value`."""
    rows = [
        {"subject": name, "seed": seed, "fact": fact, "value": value}
        for name, subject in sorted(plan.subjects.items())
        for seed in subject.seeds
        for fact, value in trained(plan, store, name, seed).content.get("facts", {}).items()
    ]
    return pd.DataFrame(rows, columns=["subject", "seed", "fact", "value"])


def durations(plan: Plan, store: Store) -> dict[str, float]:
    """Seconds of work by stage that the present results cost, whenever they were computed.

    Of each score job it is the latest run that counts, which may have found values already measured.
    """
    seeds = [trained(plan, store, name, seed) for name, subject in plan.subjects.items() for seed in subject.seeds]
    explained = [
        store.path(plan.layout.explanation(task.id, method.name, instance.label))
        for task in plan.tasks.values()
        for method in task.methods
        for instance in task.instances
    ]
    tasks = set(plan.tasks)
    scored = {line["name"]: line["work"] for line in timings(plan.layout) if line["stage"] == "score"}
    return {
        "train": sum(seed.content["seconds"] for seed in seeds),
        "explain": sum(read_entry(path).content["seconds"] or 0.0 for path in explained if path.is_file()),
        "score": sum(seconds for name, seconds in scored.items() if name in tasks),
    }


def broken(scores: pd.DataFrame) -> list[str]:
    """A sentence for each task of which nothing could be measured somewhere, with the first reason."""
    lost = scores[scores.status.eq("failed") & scores.ceiling.isna() & scores.primary]
    found = lost.groupby(["family", "task", "variant"], sort=True)
    counted = found.agg(reason=("reason", "first"), seeds=("seed", "nunique")).reset_index()
    return [
        f"{row.family}/{row.task}, variant {row.variant}, failed on {row.seeds} seed(s): {row.reason}"
        for row in counted.itertuples(index=False)
    ]


def without_controls(plan: Plan, scores: pd.DataFrame) -> list[str]:
    """A sentence for each task whose blind mark lacks a control that it names: its skill may begin too low."""
    found = []
    for task in plan.tasks.values():
        ran = set(scores[(scores.family == task.family) & (scores.task == task.plugin.name)].method)
        if absent := sorted(set(task.plugin.options.get("controls", ())) - ran):
            found.append(f"{task.plugin.key} ran without its control {', '.join(absent)}: its skill may begin too low")
    return found


def failures(plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """One row for each instance without a score: why (failed, timed out, declined), and how to repeat it."""
    lost = scores.status.isin(["failed", "timeout"])
    bad = scores[scores.primary & (scores.status != "ok") | lost]
    columns = ["family", "task", "variant", "method", "seed", "status", "reason"]
    table = bad[columns].drop_duplicates().reset_index(drop=True)
    commands = [repeat_command(plan, f"{row.family}/{row.task}", str(row.method)) for row in table.itertuples()]
    return table.assign(command=pd.Series(commands, dtype="string"))


def descriptions(plan: Plan) -> dict[tuple[str, str | None, str], About]:
    """What each plugin says of itself, for the page; a variant of a method says what its method says."""
    found: dict[tuple[str, str | None, str], About] = {
        (p.kind, p.family, p.name): About(p.summary, p.cites) for p in plan.registry.plugins
    }
    for task in plan.tasks.values():
        for method in task.methods:
            found[("method", task.family, method.shown)] = About(method.plugin.summary, method.plugin.cites)
    return found


def pictures(plan: Plan, store: Store) -> list[PagePicture]:
    """The pictures the families drew, in their order."""
    return [
        PagePicture(task.family, task.plugin.name, one["name"], one["title"], one["caption"], one["path"])
        for task in plan.tasks.values()
        for one in pictures_of(plan, store, task)
    ]
