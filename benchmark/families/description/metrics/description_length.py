"""Description length: instructions of the program (constants, variables, operators), the mean over functions.

It has no better direction: the shortest program is a constant, and says nothing. Read it beside program success.
"""

from __future__ import annotations

from benchmark.families.description import DescriptionExplanation, DescriptionTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1e999), direction="none")
def description_length(explanation: DescriptionExplanation, truth: DescriptionTruth) -> float:
    """Length per program in the language of the truth; a refused program counts 0."""
    lines = explanation.programs.split("\n")
    return sum(truth.language.length(line) for line in lines if line) / len(lines)
