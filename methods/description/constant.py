"""The constant description: the mean of the answers, whatever was asked. Its skill is what a better-looking number
must beat."""

from __future__ import annotations

from benchmark.families.description import Description, DescriptionQuestion, description_method
from methods.description._queries import number, spread


@description_method(cites="arXiv:2309.03886", requires=("reals",), control=True)
def constant(question: DescriptionQuestion, *, queries: int = 16) -> list[Description]:
    """Ask at `queries` spread points and say their mean."""
    found = []
    for box in question.boxes:
        mean = float(box.query(spread(box, min(queries, box.left), question.seed)).mean())
        found.append(Description(f"About {mean:.4g} everywhere.", number(mean)))
    return found
