"""Checks of metrics, on the trivial problem of their family."""

from __future__ import annotations

import inspect
import math
from functools import cached_property
from typing import Any

from benchmark.conformance.checks import DRAWS, Declined, Suite, expect, same
from benchmark.conformance.known import own_values, reaches
from benchmark.conformance.trivial import Trivial
from benchmark.runtime import make_deterministic
from benchmark.scores import Metric, Outcome, averaged, measured

CHECKS = Suite()
KNOWN = {"explanation": {"explanation", "truth", "question"}}
GROUP = {"explanations", "truth", "question"}
EPSILON = 1e-6
"""What rounding of float32 may add."""


class Case(Trivial):
    """A metric and what it says of the oracle and of random explanations."""

    @cached_property
    def metric(self) -> Metric:
        """The metric as the score stage has it."""
        return Metric.of(self.plugin)

    def of(self, explanation: Any) -> Outcome:
        """What it says of an explanation."""
        question, truth = self.problem
        return measured(self.metric, explanation, truth, question)

    @cached_property
    def oracle(self) -> Outcome:
        """What it says of the planted truth."""
        return self.of(self.reference("oracle"))

    @cached_property
    def random(self) -> list[Outcome]:
        """What it says of chance."""
        draws = min(DRAWS, self.plugin.options.get("draws") or DRAWS)
        return [self.of(self.reference("random", draw)) for draw in range(draws)]


@CHECKS("it names known arguments alone", "it is called by name, and an unknown one stays empty", gate=True)
def _arguments(case: Case) -> str:
    scope = case.plugin.options.get("scope", "explanation")
    named, known = set(inspect.signature(case.plugin.load()).parameters), KNOWN.get(scope, GROUP)
    expect(named <= known, f"got {', '.join(sorted(named - known))}, expected some of {', '.join(sorted(known))}")
    return ", ".join(sorted(named))


@CHECKS("it measures the planted truth of the trivial problem", "the truth is the ceiling", gate=True)
def _measures(case: Case) -> str:
    if case.plugin.options.get("scope", "explanation") != "explanation":
        raise Declined("it looks at several explanations at once")
    if case.oracle["status"] == "unsupported":
        raise Declined(case.oracle["reason"])
    expect(case.oracle["status"] == "ok", case.oracle["reason"])
    return ", ".join(f"{name or 'value'} {value:.4g}" for name, value in case.oracle["values"].items())


@CHECKS("it is deterministic, whatever the global generators' state", "a row must be the same on every run")
def _steady(case: Case) -> str:
    answers = []
    for state in (1, 2):
        make_deterministic(state)
        answers.append(case.of(case.reference("random")))
    expect(same(*answers), f"got {answers[0]['values']} and {answers[1]['values']}")
    return ""


@CHECKS("it stays in its range", "the page draws it there")
def _range(case: Case) -> str:
    low, high = case.plugin.options["range"]
    for outcome in [case.oracle, *case.random]:
        for name, value in outcome["values"].items():
            inside = low - EPSILON <= value <= high + EPSILON
            expect(inside, f"{name or 'it'} is {value:g}, outside {low:g} to {high:g}")
    return ""


@CHECKS("the planted truth has the value that is known of a perfect explanation", "tasks are held to it")
def _perfect(case: Case) -> str:
    perfect = case.plugin.options.get("perfect")
    if perfect is None:
        return "none is known"
    chance = averaged(case.random)["values"]
    for name, value in own_values(case.oracle["values"]).items():
        expect(reaches(value, perfect, chance.get(name, math.nan)), f"{name or 'it'} is {value:g}, not {perfect:g}")
    return f"{perfect:g}"


@CHECKS("the planted truth is at least as good as any random explanation", "otherwise its direction is wrong")
def _direction(case: Case) -> str:
    direction = case.plugin.options["direction"]
    if direction == "none" or case.plugin.options["truth_free"]:
        return "no direction is better" if direction == "none" else "it does not ask for the truth"
    sign = 1 if direction == "higher" else -1
    best = case.oracle["values"].get("", math.nan)
    worse = [outcome["values"].get("", math.nan) for outcome in case.random]
    if math.isnan(best) or all(math.isnan(value) for value in worse):
        return "only parts of it have values"
    expect(all(sign * value <= sign * best + EPSILON for value in worse), f"the truth has {best:g}, chance {worse}")
    return f"{best:.4g}, chance {sum(worse) / len(worse):.4g}"
