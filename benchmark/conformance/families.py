"""Checks of families: the object is complete, and its trivial problem can be solved."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from benchmark.conformance.checks import Suite, expect, same
from benchmark.conformance.trivial import Trivial as Case
from benchmark.explanations import parts, whole
from benchmark.families.family import Case as Shown
from benchmark.registry import plugins

CHECKS = Suite()


@CHECKS("its references hold random and oracle", "floor and ceiling are measured with them", gate=True)
def _references(case: Case) -> str:
    names = {plugin.name for plugin in plugins().of("reference", case.family.name)}
    expect(names >= {"random", "oracle"}, f"got {', '.join(sorted(names)) or 'none'}")
    return ", ".join(sorted(names))


@CHECKS("its trivial problem is the same twice", "methods are compared on it")
def _trivial(case: Case) -> str:
    expect(same(case.family.trivial(0)[0], case.problem[0]), "another question from the same seed")
    return ""


@CHECKS("its oracle solves the trivial problem, and its check passes it", "what is asked must be possible")
def _solvable(case: Case) -> str:
    oracle = case.reference("oracle")
    expect(isinstance(case.family.check(oracle, case.problem[0]), case.family.explanation), "it is no explanation")
    skill, reason = case.skill(oracle)
    expect(round(skill, 9) == 1, reason or f"its skill is {skill:g}")
    return ""


@CHECKS("its explanations survive being taken apart", "that is how they are sent and kept")
def _parts(case: Case) -> str:
    oracle = case.reference("oracle")
    expect(dataclasses.is_dataclass(oracle) and same(whole(case.family.explanation, *parts(oracle)), oracle))
    return ""


@CHECKS("its pictures draw", "the page shows them")
def _pictures(case: Case) -> str:
    question, truth = case.problem
    shown = [
        Shown("trivial", "trivial", 0, name, question, truth, case.reference(name), {case.judge.name: value})
        for name, value in (("oracle", 1.0), ("random", 0.0))
    ]
    drawn = case.family.pictures(shown)
    with tempfile.TemporaryDirectory() as folder:
        for picture in drawn:
            picture.draw().savefig(Path(folder) / "picture.png")
    return ", ".join(picture.name for picture in drawn) or "none of these"
