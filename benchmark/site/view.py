"""A `Board` arranged the way its site shows it: families with their tasks, and a page's worth of each method.

Only grouping and ordering happen here; the tables are read once, and templates do the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from benchmark.site import svg, text
from benchmark.site.addresses import addresses
from benchmark.site.agreement import agreements
from benchmark.site.board import Board
from benchmark.site.evidence import (
    Certificate,
    Fact,
    FailureSummary,
    certificates_of,
    certifies,
    claims_of,
    facts_of,
    failures_of,
    summed_up,
    verdicts_by_family,
)
from benchmark.site.families import Family
from benchmark.site.methods import Method
from benchmark.site.pictures import Image, published
from benchmark.site.ranking import Ranking
from benchmark.site.rows import Row, by, grouped, rows, unique
from benchmark.site.tasks import Dial, Task, Variant
from benchmark.site.trust import TAU, Trust, trusted

Key = tuple[str, ...]
RUN = ("commit", "dirty", "finished", "hardware", "device", "duration_seconds", "configuration_hash")
"""What is known of the run of one family."""


class View:
    """Everything the templates ask for."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._tables = {name: rows(getattr(board, name)) for name in ("leaderboard", "tasks", "metrics", "failures")}
        self._by_task = {
            name: grouped(rows(getattr(board, name)), "family", "task") for name in ("variants", "marks", "dials")
        } | {name: grouped(self._tables[name], "family", "task") for name in ("tasks", "metrics", "failures")}

    @cached_property
    def images(self) -> list[Image]:
        """All pictures."""
        return published(self.board.pictures)

    @cached_property
    def _images(self) -> Mapping[Key, list[Image]]:
        found: dict[Key, list[Image]] = {}
        for image in self.images:
            found.setdefault((image.picture.family, image.picture.task), []).append(image)
        return found

    @cached_property
    def families(self) -> list[Family]:
        """The families, in the order of the leaderboard."""
        board = self.board
        ranks = grouped(self._tables["leaderboard"], "family")
        budgets, readings = (grouped(rows(table), "family") for table in (board.budgets, board.readings))
        metrics = grouped(self._tables["metrics"], "family")
        tasks = unique([*self._by_task["tasks"], *self._by_task["metrics"]])
        place = addresses("tasks", tasks)
        result = []
        for name in unique([*(key[0] for key in ranks), *(family for family, _ in tasks)]):
            notes = dict(board.notes.get(name, {}))
            resolution, clusters = notes.pop("resolution", None), notes.pop("clusters", None)
            measured = unique(str(row["metric"]).split("@")[0] for row in metrics.get((name,), []))
            ranking = Ranking.of(ranks.get((name,), []))
            result.append(
                Family(
                    name=name,
                    about=board.about("family", None, name),
                    ranking=ranking,
                    tasks=[self._task(name, task, place[name, task]) for own, task in tasks if own == name],
                    images=self._images.get((name, ""), []),
                    metrics=[(metric, board.about("metric", name, metric)) for metric in measured],
                    resolution=None if text.is_missing(resolution) else float(resolution),
                    clusters=None if text.is_missing(clusters) else int(clusters),
                    notes=notes,
                    budgets=budgets.get((name,), []),
                    readings=readings.get((name,), []),
                    run=self._run(name),
                )
            )
        return result

    def _run(self, family: str) -> Mapping[str, Any]:
        """The provenance of one family's rows: its own where the board was merged, else the board's."""
        own = self.board.provenance.get("families", {}).get(family, {})
        whole = {name: value for name, value in self.board.provenance.items() if name in RUN}
        return own or whole

    def _task(self, family: str, name: str, address: str) -> Task:
        key, board = (family, name), self.board
        mine = self._by_task["metrics"].get(key, [])
        ranking = Ranking.of(self._by_task["tasks"].get(key, []))
        marks = by(self._by_task["marks"].get(key, []), "variant")
        skills = grouped(self._by_task["variants"].get(key, []), "variant")
        variants = [
            Variant(variant, marks.get(variant, {}), lines, by(skills.get((variant,), []), "method"))
            for (variant,), lines in grouped(mine, "variant").items()
        ]
        primary = unique(row["metric"] for row in mine if row["primary"] is True)
        about = board.about("task", family, name)
        references = {row["method"] for row in ranking.references}
        names = unique(str(row["metric"]) for row in mine)
        bare = {each for each in names if self._undirected(family, each)}
        return Task(
            family=family,
            name=name,
            about=about,
            address=address,
            ranking=ranking,
            metrics=primary + [metric for metric in names if metric not in primary],
            primary=primary,
            variants=variants,
            dials=[
                Dial.of(str(dial), lines, ranking.order)
                for (dial,), lines in grouped(self._by_task["dials"].get(key, []), "dial").items()
            ],
            agreements=agreements(
                sorted(mine, key=lambda row: row["metric"] not in primary),
                primary[0] if primary else "",
                {variant.name for variant in variants if variant.ranked},
                references,
                bare,
            ),
            images=self._images.get(key, []),
            certificates=[each for each in self.certificates if certifies(each, _subjects(about.options))],
            failures=failures_of(self._by_task["failures"].get(key, [])),
        )

    def _undirected(self, family: str, metric: str) -> bool:
        return bool(self.board.about("metric", family, metric.split("@")[0]).options.get("direction") == "none")

    @cached_property
    def methods(self) -> list[Method]:
        """Every method of every family, references too, in the order of the ranking."""
        found = [(family, name) for family in self.families for name in family.ranking.order]
        place = addresses("methods", [(family.name, name) for family, name in found])
        failures = grouped(self._tables["failures"], "family", "method")
        pictures: dict[Key, list[Image]] = {}
        for image in self.images:
            pictures.setdefault((image.picture.family, image.picture.method), []).append(image)
        ranks = {(row["family"], row["method"]): row for row in self._tables["leaderboard"]}
        return [
            Method(
                family=family,
                name=name,
                about=self.board.about("method", family.name, name),
                address=place[family.name, name],
                row=ranks[family.name, name],
                images=pictures.get((family.name, name), []),
                failures=failures_of(failures.get((family.name, name), [])),
            )
            for family, name in found
        ]

    @cached_property
    def _methods_at(self) -> Mapping[Key, str]:
        return {(method.family.name, method.name): method.address for method in self.methods}

    def method_at(self, family: str, name: str) -> str | None:
        """The address of a method's page; None where it has none."""
        return self._methods_at.get((family, name))

    def anchor_of(self, family: str, name: str) -> str:
        """The place of a method on the page of a task."""
        address = self.method_at(family, name)
        return f"m-{PurePosixPath(address).stem}" if address else text.slug("m", family, name)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where the board comes from, but for the runs of its families."""
        return {name: value for name, value in self.board.provenance.items() if name != "families"}

    def axis_of(self, ranking: Ranking) -> svg.Axis:
        """The site's axis with the marks of one table."""
        return svg.marked(self.axis, ranking.chance)

    @cached_property
    def axis(self) -> svg.Axis:
        """The axis of skill, one for the whole site; references, some far below chance, may leave it."""
        lines = self._tables["leaderboard"] + self._tables["tasks"]
        table = [row for row in lines if row["reference"] is not True]
        return svg.skill_axis(row[key] for row in table for key in ("skill", "ci_low", "ci_high"))

    @cached_property
    def claims(self) -> list[Row]:
        """The claims, decided ones first."""
        return claims_of(self.board.claims)

    @cached_property
    def verdicts(self) -> list[tuple[str, int]]:
        """How many claims have each verdict."""
        found = [row["verdict"] for row in self.claims]
        return [(name, found.count(name)) for name in unique(found)]

    @property
    def claims_by_family(self) -> list[tuple[list[str], dict[str, int]]]:
        """The same by the families of the tasks compared."""
        return verdicts_by_family(self.claims)

    @cached_property
    def trust(self) -> list[Trust]:
        """The metrics that need no truth, beside the truth."""
        return trusted(rows(self.board.agreement))

    @property
    def tau_axis(self) -> svg.Axis:
        """The axis of Kendall's tau."""
        return TAU

    @cached_property
    def effects(self) -> svg.Axis:
        """The axis of the claims' effects."""
        return svg.effect_axis(row[key] for row in self.claims for key in ("effect", "ci_low", "ci_high", "margin"))

    @cached_property
    def certificates(self) -> list[Certificate]:
        """The subjects' certificates, failed ones first."""
        return certificates_of(self.board.certificates)

    @property
    def checks(self) -> int:
        """How many checks there are, over all subjects."""
        return sum(len(each.checks) for each in self.certificates)

    @property
    def failed_checks(self) -> int:
        """How many of them failed on some seed."""
        return sum(len(each.failed) for each in self.certificates)

    @cached_property
    def facts(self) -> list[Fact]:
        """What else was measured on the subjects."""
        return facts_of(self.board.measured)

    @cached_property
    def failures(self) -> list[FailureSummary]:
        """Cells without a score, summed up by method."""
        return summed_up(self._tables["failures"])

    @property
    def failed(self) -> int:
        """How many cells and seeds failed, those that declined left out."""
        return sum(row["status"] != "unsupported" for row in self._tables["failures"])

    @property
    def mixed_hardware(self) -> bool:
        """Whether families ran on different machines, so that no time may be compared between them."""
        return (
            len({json.dumps(family.run.get("hardware"), sort_keys=True, default=str) for family in self.families}) > 1
        )


def _subjects(options: Mapping[str, Any]) -> list[str]:
    """The subjects that a task declares: one, or one for each role."""
    roles = options.get("subjects") or {}
    return [str(name) for name in (options.get("subject"), *(given.get("subject") for given in roles.values())) if name]
