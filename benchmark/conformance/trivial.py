"""A family's trivial problem with its references, as the checks of methods, metrics and references use it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.conformance.checks import DRAWS
from benchmark.families.family import Family
from benchmark.registry import Plugin, plugins
from benchmark.scores import Metric, Scale, averaged, by_name, measured
from benchmark.stages.instances import family_of
from benchmark.subjects import generator_for


@dataclass
class Trivial:
    """One plugin and the trivial problem of its family."""

    plugin: Plugin

    @cached_property
    def family(self) -> Family:
        """The family's object."""
        return family_of(self.plugin.name if self.plugin.kind == "family" else str(self.plugin.family))

    @cached_property
    def problem(self) -> tuple[Any, Any]:
        """Question and truth."""
        return self.family.trivial(0)

    @cached_property
    def judge(self) -> Metric:
        """The metric by which answers are judged."""
        return Metric.of(plugins().find("metric", self.family.judge, self.family.name))

    def reference(self, name: str, draw: int = 0) -> Any:
        """An explanation of a reference."""
        make = plugins().find("reference", name, self.family.name).load()
        question, truth = self.problem
        return by_name(make, question=question, truth=truth, generator=generator_for(0, f"{name}/{draw}"))

    def skill(self, explanation: Any) -> tuple[float, str]:
        """The skill of an explanation in the judge's eyes, and the reason where it has no value."""
        question, truth = self.problem
        draws = averaged([measured(self.judge, self.reference("random", n), truth, question) for n in range(DRAWS)])
        ceiling = measured(self.judge, self.reference("oracle"), truth, question)
        scale = Scale.of({self.judge.name: draws}, {self.judge.name: ceiling}, frozenset())
        found = measured(self.judge, explanation, truth, question)
        return scale.skill(self.judge.name, found["values"].get("", float("nan"))), found["reason"]
