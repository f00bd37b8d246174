"""Stage 4, publish: from all scores to `leaderboard/<profile>/`, as the contract lists its files.

    publish(plan, store)

What the folder keeps is collected from the plan and the store and written; the pages are then made from what was
written, as `touchstone site` makes them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmark import standing
from benchmark.artifacts import record
from benchmark.boards.describing import described
from benchmark.boards.kept import Dial, Facts, Kept, Shown, write
from benchmark.boards.showing import render_kept
from benchmark.boards.tables import broken, claims_about, computed
from benchmark.errors import DamagedArtifactError
from benchmark.layout import Layout
from benchmark.log import log
from benchmark.plan import Instance, Plan
from benchmark.provenance import provenance, revealed
from benchmark.stages.made import certificates, pictures_of, trained
from benchmark.store import Store, damaged, read_entry, write_index
from benchmark.timing import timings

CERTIFICATE = ["subject", "seed", "check", "value", "threshold", "passed", "at_least"]


def publish(plan: Plan, store: Store) -> None:
    """Write what the board keeps, its pages, and the index that vouches for them."""
    folder = plan.layout.leaderboard
    files = write(collect(plan, store), folder)
    files |= {path: record(path) for path in render_kept(folder)}
    write_index(plan.layout.published, files, {standing.MADE_FROM: standing.of_publishing(plan)})
    if plan.part:
        log.info("[publish] a part of profile %s: it has a folder of its own", plan.profile.name)
    log.info("[publish] %s written", folder / "index.html")


def collect(plan: Plan, store: Store) -> Kept:
    """Everything that the finished run's board keeps."""
    scores = read_scores(plan, plan.layout)
    pictures = list(_pictures(plan, store))
    facts = Facts(
        profile=plan.profile.name,
        title=plan.profile.title,
        source=plan.source,
        left_out=(*plan.profile.left_out, *plan.problems, *broken(scores), *without_controls(plan, scores)),
        dials=tuple(_dials(plan)),
        unranked=tuple(dict.fromkeys((*key, i.variant) for key, i in _instances(plan) if not i.ranked)),
        plugins=described(plan),
        pictures=tuple(picture for picture, _ in pictures),
    )
    tasks = {(task.family, task.plugin.name) for task in plan.tasks.values()}
    found = computed(scores, facts, claims_about(tasks))
    tables = found.tables | {
        "certificates": pd.DataFrame(certificates(plan, store), columns=CERTIFICATE),
        "measured": measured(plan, store),
    }
    source = provenance(plan, durations(plan, store)) | revealed(plan, store)
    return Kept(facts.noting(found.notes), scores, tables, source, {shown.file: path for shown, path in pictures})


def _dials(plan: Plan) -> Iterator[Dial]:
    """The dials of all tasks: variants in the order in which something grows."""
    for task in plan.tasks.values():
        for name, variants in task.plugin.options.get("dials", {}).items():
            yield Dial(family=task.family, task=task.plugin.name, name=name, variants=tuple(variants))


def _pictures(plan: Plan, store: Store) -> Iterator[tuple[Shown, Path]]:
    """The pictures the families drew, in their order; one that is named like a method shows that method alone."""
    for task in plan.tasks.values():
        names = {method.shown for method in task.methods}
        names |= {reference.name for reference in plan.registry.of("reference", task.family)}
        for one in pictures_of(plan, store, task):
            said = {key: one[key] for key in ("name", "title", "caption")}
            method = one["name"] if one["name"] in names else ""
            yield Shown(family=task.family, task=task.plugin.name, method=method, **said), one["path"]


def _instances(plan: Plan) -> Iterator[tuple[tuple[str, str], Instance]]:
    for task in plan.tasks.values():
        yield from (((task.family, task.plugin.name), instance) for instance in task.instances)


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


def without_controls(plan: Plan, scores: pd.DataFrame) -> list[str]:
    """A sentence for each task whose blind mark lacks a control that it names: its skill may begin too low."""
    found = []
    for task in plan.tasks.values():
        ran = set(scores[(scores.family == task.family) & (scores.task == task.plugin.name)].method)
        if absent := sorted(set(task.plugin.options.get("controls", ())) - ran):
            found.append(f"{task.plugin.key} ran without its control {', '.join(absent)}: its skill may begin too low")
    return found
