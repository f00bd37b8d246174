"""Exact structure: is the described formula the planted one, numbers aside?

Both programs are brought to a normal form in which everything that other numbers could make equal is equal (see
`benchmark.language.structure`), and compared. A close fit by another formula fails here; the right formula with wrong
numbers passes, which is why this stands beside `function_recovery` and not in its place.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import DescriptionExplanation, DescriptionTruth
from benchmark.language import parse, structure
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("formulas",))
def exact_structure(explanation: DescriptionExplanation, truth: DescriptionTruth) -> float:
    """Share of the functions whose program has the canonical program's structure, 0 to 1, higher is better."""
    programs = explanation.programs.split("\n")
    return float(np.mean([_same(said, true) for said, true in zip(programs, truth.programs, strict=True)]))


def _same(said: str, true: str) -> bool:
    return bool(said) and (form := structure(parse(true))) is not None and structure(parse(said)) == form
