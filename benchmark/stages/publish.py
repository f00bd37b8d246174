"""Stage 4, publish: from all scores to `leaderboard/<profile>/`, as the contract lists its files.

publish(plan, layout)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.artifacts import damaged, read_json, record, write_atomically, write_bytes, write_index
from benchmark.claims import evaluate, load
from benchmark.errors import DamagedArtifactError
from benchmark.layout import Layout
from benchmark.page import About, Board, PagePicture, render
from benchmark.plan import Plan
from benchmark.provenance import provenance
from benchmark.registry import PROJECT
from benchmark.runtime import log
from benchmark.summary import repeat_command
from benchmark.tables import board_notes, leaderboard, metric_rows, per_task
from benchmark.timing import timings


def publish(plan: Plan, layout: Layout) -> None:
    """Write the page, its tables and the provenance, and the index that vouches for them."""
    scores = read_scores(plan, layout)
    folder = layout.leaderboard
    folder.mkdir(parents=True, exist_ok=True)
    posed = {task.id for task in plan.tasks.values()}
    about = [c for c in load([PROJECT / "tasks" / "claims"]) if {f"{s.family}.{s.task}" for s in c.selectors} <= posed]
    claims = evaluate(about, scores)
    tables = {
        "leaderboard": leaderboard(scores),
        "tasks": per_task(scores),
        "claims": claims,
        "certificates": certificates(plan, layout),
        "measured": measured(plan, layout),
    }
    source = provenance(plan, durations(plan, layout))
    board = Board(
        profile=plan.profile.name,
        title=plan.profile.title,
        metrics=metric_rows(scores),
        failures=failures(plan, scores),
        provenance=source,
        plugins=descriptions(plan),
        pictures=pictures(plan, layout),
        notes=board_notes(scores),
        left_out=[*plan.profile.left_out, *plan.problems],
        **tables,
    )
    files = {f"{name}.csv": write_bytes(folder / f"{name}.csv", _csv(table)) for name, table in tables.items()}
    files["scores.parquet"] = write_atomically(folder / "scores.parquet", _parquet(scores))
    text = json.dumps(source, indent=1, default=str) + "\n"
    files["provenance.json"] = write_bytes(folder / "provenance.json", text.encode())
    files |= {path.relative_to(folder).as_posix(): record(path) for path in render(board, folder)}
    relative = Path("..", "..", *folder.relative_to(layout.base).parts)
    write_index(layout.published, {(relative / name).as_posix(): file for name, file in files.items()}, {})
    log.info("[publish] %s written", folder / "index.html")


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


def certificates(plan: Plan, layout: Layout) -> pd.DataFrame:
    """Every check of every subject: `subject, seed, check, value, threshold, passed`, and which side passes."""
    rows = [
        {"subject": name, "seed": seed, **check}
        for name, subject in sorted(plan.subjects.items())
        for seed in subject.seeds
        for check in read_json(layout.subject(name, seed) / "subject.json")["certificate"]
    ]
    return pd.DataFrame(rows, columns=["subject", "seed", "check", "value", "threshold", "passed", "at_least"])


def measured(plan: Plan, layout: Layout) -> pd.DataFrame:
    """What subjects measured of themselves beside their certificates: `subject, seed, fact, value`."""
    rows = [
        {"subject": name, "seed": seed, "fact": fact, "value": value}
        for name, subject in sorted(plan.subjects.items())
        for seed in subject.seeds
        for fact, value in read_json(layout.subject(name, seed) / "subject.json")["facts"].items()
    ]
    return pd.DataFrame(rows, columns=["subject", "seed", "fact", "value"])


def durations(plan: Plan, layout: Layout) -> dict[str, float]:
    """Seconds of work by stage that the present results cost, whenever they were computed.

    Of each score job it is the latest run that counts, which may have found floors and ceilings already measured.
    """
    seeds = [layout.subject(name, seed) for name, subject in plan.subjects.items() for seed in subject.seeds]
    cells = [layout.cell(task.id, method.name) for task in plan.tasks.values() for method in task.methods]
    records = [record for cell in cells for record in read_json(cell / "cell.json")["records"]]
    scored = {line["name"]: line["work"] for line in timings(layout) if line["stage"] == "score"}
    return {
        "train": sum(read_json(seed / "subject.json")["seconds"] for seed in seeds),
        "explain": sum(record.get("seconds") or 0.0 for record in records),
        "score": sum(seconds for name, seconds in scored.items() if name in {task.id for task in plan.tasks.values()}),
    }


def failures(plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """One row for each instance without a score: why (failed, timed out, declined), and how to repeat it."""
    bad = scores[scores.primary & (scores.status != "ok")]
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
            found[("method", task.family, method.name)] = About(method.plugin.summary, method.plugin.cites)
    return found


def pictures(plan: Plan, layout: Layout) -> list[PagePicture]:
    """The pictures the families drew, in their order."""
    found: list[PagePicture] = []
    for task in plan.tasks.values():
        listing = layout.pictures(task.id) / "pictures.json"
        entries: list[dict[str, Any]] = read_json(listing) if listing.is_file() else []
        found += [
            PagePicture(
                task.family, task.plugin.name, e["name"], e["title"], e["caption"], listing.parent / f"{e['name']}.png"
            )
            for e in entries
        ]
    return found
