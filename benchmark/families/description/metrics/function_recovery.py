"""Function recovery: does the description say what the function is, and not merely what it answered?

A function counts as recovered where all three hold:

    domain     mean error^2 / scale^2 < 0.01 at held-out points of the domain, exceptions included
    extended   the same on a larger domain that holds the first, where the rule is defined and no question was allowed
    length     the program is at most 1.5 times as long as the canonical one

Each closes a way to pass without the rule. An interpolant or a table gets below 0.1, FIND's tolerance, on almost any
function; below 0.01 it needs more cells than a formula has symbols; beyond the domain it has no answers; and its length
says that it is a list. 1.5 leaves room for another way to write the same formula, such as a parabola by its powers.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import EXACT, DescriptionExplanation, DescriptionTruth
from benchmark.plugins import metric

LONGER = 1.5
"""How many times as long as the canonical program a description may be."""


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2309.03886")
def function_recovery(explanation: DescriptionExplanation, truth: DescriptionTruth) -> dict[str, float]:
    """Share of the functions, 0 to 1, higher is better; a refused program recovers nothing.

    Sub-scores: the share for which each condition holds by itself (`domain`; `extended`, where the truth has one;
    `length`), and `any_length`, the share for which all but the length hold.
    """
    programs = explanation.programs.split("\n")
    holds = {"domain": np.array([truth.share(i, line) < EXACT for i, line in enumerate(programs)])}
    beyond = truth.extension
    if beyond is not None:
        holds["extended"] = np.array([beyond.share(i, line) < EXACT for i, line in enumerate(programs)])
    right = np.logical_and.reduce(list(holds.values()))
    holds["length"] = np.array([_brief(truth, i, line) for i, line in enumerate(programs)])
    shares = {name: float(np.mean(each)) for name, each in holds.items()}
    return {"": float(np.mean(right & holds["length"])), **shares, "any_length": float(np.mean(right))}


def _brief(truth: DescriptionTruth, index: int, program: str) -> bool:
    if not program:
        return False
    return truth.language.length(program) <= LONGER * truth.language.length(truth.programs[index])
