"""Checks of methods, on the trivial problem of their family."""

from __future__ import annotations

import math
from typing import Any

from benchmark.conformance.checks import Declined, Suite, expect, same
from benchmark.conformance.trivial import Trivial
from benchmark.errors import TouchstoneError, Unsupported
from benchmark.runtime import make_deterministic

CHECKS = Suite()
LESSONS = (7, 8, 9)
"""The seeds of the trivial problems that teach."""


class Case(Trivial):
    """A method, and what it was seen to do."""

    first: Any = None
    question: Any = None

    def posed(self, seed: int) -> Any:
        """The trivial question of a seed; a taught method sees those of other seeds with their truths, too."""
        question = self.family.trivial(seed)[0]
        if not self.plugin.options.get("taught"):
            return question
        return self.family.taught(question, [self.family.trivial(other) for other in LESSONS])

    def explain(self, state: int, *seeds: int) -> tuple[list[Any], list[Any]]:
        """Explanations of trivial problems from a state of the global generators, and the questions afterwards."""
        make_deterministic(state)
        function = self.plugin.load()
        defaults = {**self.plugin.defaults, **self.plugin.options.get("small", {})}
        questions = [self.posed(seed) for seed in seeds]
        if self.plugin.options.get("batched"):
            answers = list(function(list(questions), **defaults))
            if len(answers) != len(questions):
                raise TouchstoneError(
                    f"expected a list of {len(questions)} explanation{'s' * (len(questions) > 1)}, "
                    f"one for each question, got {len(answers)}"
                )
        else:
            answers = [function(one, **defaults) for one in questions]
        return [self.family.check(answer, one) for answer, one in zip(answers, questions, strict=True)], questions


@CHECKS("it returns a valid explanation of the trivial problem", "nothing else can be scored", gate=True)
def _valid(case: Case) -> str:
    try:
        (case.first,), (case.question,) = case.explain(1, 0)
    except Unsupported as error:
        raise Declined(str(error)) from None
    return ""


@CHECKS("it is deterministic, whatever the global generators' state", "a row must be the same on every run")
def _steady(case: Case) -> str:
    expect(same(case.first, case.explain(2, 0)[0][0]), "another answer to the same question")
    return ""


@CHECKS("it leaves what it was given as it was", "what it changes is no longer what it was asked about")
def _gentle(case: Case) -> str:
    expect(same(case.question, case.posed(0)), "its question has changed")
    return ""


@CHECKS("it answers alone as in company", "adding a seed or a variant must not change another's row")
def _alone(case: Case) -> str:
    if not case.plugin.options.get("batched"):
        return "it is asked one question at a time"
    together, _ = case.explain(1, 0, 1)
    expect(same(together[0], case.first), "another answer beside a second question")
    return ""


@CHECKS("it can be scored", "an answer without a score is none")
def _scored(case: Case) -> str:
    skill, reason = case.skill(case.first)
    expect(math.isfinite(skill), reason or "its skill is no number")
    return f"skill {skill:.2f} in {case.family.judge} on the trivial problem"
