"""One task as its page shows it: the ranking, the variants with their marks, the dials, the metrics, the pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmark.site import text
from benchmark.site.agreement import Agreement
from benchmark.site.board import About
from benchmark.site.charts import NAMED, Curve
from benchmark.site.evidence import Certificate, Failure
from benchmark.site.pictures import Gallery, Image, galleries, of_data
from benchmark.site.ranking import Ranking
from benchmark.site.rows import Row, by, grouped, unique


@dataclass(frozen=True)
class Variant:
    """One variant of a task: what each method reached on each metric, between the marks."""

    name: str
    mark: Row
    """Its row of the board's `marks`; empty where there is none."""
    metrics: list[Row]
    """Its rows of the board's `metrics`."""
    skills: Mapping[str, Row]
    """By method, its row of the board's `variants`; empty where the variant ranks nobody."""

    @cached_property
    def seeds(self) -> int | None:
        """How many the method with the most has."""
        return max((int(row["n"]) for row in self.metrics if row["n"] is not None), default=None)

    def extent(self, column: str) -> dict[str, str]:
        """By metric, the floor, blind or ceiling, as text: one value, or the least and the greatest."""
        found = grouped(self.metrics, "metric")
        return {metric: text.extent(row[column] for row in mine) for (metric,), mine in found.items()}

    def cells(self, order: Sequence[str]) -> list[tuple[str, dict[str, Row]]]:
        """Each method with its rows by metric; those of `order` first."""
        place = {name: at for at, name in enumerate(order)}
        found = {method: by(mine, "metric") for (method,), mine in grouped(self.metrics, "method").items()}
        return sorted(found.items(), key=lambda cell: place.get(cell[0], len(place)))

    @property
    def ranked(self) -> bool:
        """Whether its scores count."""
        return bool(self.skills) and self.mark.get("ranked") is not False

    @property
    def blind_share(self) -> float | None:
        """How much of the way from chance to the truth needs no look at the model."""
        room = self.mark.get("room")
        return None if room is None else 1.0 - float(room)

    def reached(self, methods: Collection[str]) -> list[float]:
        """How far each of these methods got on the way from chance to the truth."""
        found = (row["chance_skill"] for name, row in self.skills.items() if name in methods)
        return [float(value) for value in found if value is not None]


@dataclass(frozen=True)
class Dial:
    """One thing that grows from step to step, and the methods along it."""

    name: str
    steps: list[str]
    rows: list[Row]
    values: Mapping[str, list[float | None]]
    """By method, its mean skill at each step."""

    @classmethod
    def of(cls, name: str, rows: Sequence[Row], order: Sequence[str]) -> Dial:
        """A dial from its rows of the board's `dials`, its methods in `order`."""
        place = {method: at for at, method in enumerate(order)}
        listed = sorted(rows, key=lambda row: place.get(row["method"], len(place)))
        found = {row["method"]: dict(_steps(str(row["skills"] or ""))) for row in listed}
        steps = unique(step for values in found.values() for step in values)
        return cls(name, steps, listed, {method: [one.get(step) for step in steps] for method, one in found.items()})

    @property
    def curves(self) -> list[Curve]:
        """One a method, the first few named."""
        return [Curve(method, values, at < NAMED) for at, (method, values) in enumerate(self.values.items())]


@dataclass(frozen=True)
class Task:
    """One task of a family."""

    family: str
    name: str
    about: About
    address: str
    ranking: Ranking
    metrics: list[str]
    """Names, primary ones first."""
    primary: list[str]
    variants: list[Variant]
    dials: list[Dial]
    agreements: list[Agreement]
    images: list[Image]
    certificates: list[Certificate]
    failures: list[Failure]

    @property
    def key(self) -> str:
        """What the command line calls it."""
        return f"{self.family}/{self.name}"

    @property
    def anchor(self) -> str:
        """Its place on the index."""
        return text.slug("task", self.family, self.name)

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """By method, its row of the ranking."""
        return {row["method"]: row for _, _, group in self.ranking.groups for row in group}

    @property
    def galleries(self) -> list[Gallery]:
        """Its pictures: of all methods, then grids of single ones."""
        return galleries(self.images, self.ranking.order)

    @property
    def data(self) -> Image | None:
        """The picture of the data and what is planted in them."""
        return of_data(self.images)

    @cached_property
    def measured(self) -> set[str]:
        """The methods of which anything is known here."""
        return set(self.rows) | {row["method"] for variant in self.variants for row in variant.metrics}

    @property
    def contestants(self) -> list[str]:
        """The methods that are no references."""
        return [name for name, row in self.rows.items() if row["reference"] is not True]

    @property
    def ranked(self) -> list[Variant]:
        """The variants that count."""
        return [variant for variant in self.variants if variant.ranked]


def _steps(skills: str) -> list[tuple[str, float]]:
    """`"l0_4 0.98, ratio_16 0.02"` as pairs; what is written otherwise is left out."""
    found = []
    for part in skills.split(", "):
        name, _, value = part.rpartition(" ")
        try:
            found.append((name, float(value)))
        except ValueError:
            continue
    return [(name, value) for name, value in found if name]
