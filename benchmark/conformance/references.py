"""Checks of references, on the trivial problem of their family."""

from __future__ import annotations

from benchmark.conformance.checks import Suite, expect, same
from benchmark.conformance.trivial import Trivial as Case
from benchmark.runtime import make_deterministic

CHECKS = Suite()


@CHECKS("it returns a valid explanation of the trivial problem", "marks are measured like methods", gate=True)
def _valid(case: Case) -> str:
    made = case.reference(case.plugin.name)
    expect(same(case.family.check(made, case.problem[0]), made), "the family's check changes it")
    return ""


@CHECKS("it depends on its generator alone", "floor and ceiling must be the same on every run")
def _steady(case: Case) -> str:
    made = []
    for state in (1, 2):
        make_deterministic(state)
        made.append(case.reference(case.plugin.name))
    expect(same(*made), "another explanation from the same generator")
    return ""


@CHECKS("its draws differ if it is drawn", "many draws of one thing are no distribution")
def _draws(case: Case) -> str:
    differs = not same(case.reference(case.plugin.name, 0), case.reference(case.plugin.name, 1))
    drawn = bool(case.plugin.options.get("draws"))
    expect(differs == drawn, f"drawn: {drawn}, two draws differ: {differs}")
    return ""
