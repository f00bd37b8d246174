"""A table of the answers: the mean answer in each of as many equal cells as a program may hold.

It repeats what it was told and knows nothing of what lies between or beyond, so it is a control: whatever it is worth
is had without the rule. It always fills the program, as a table that stopped early would have to know the rule.
"""

from __future__ import annotations

import numpy as np

from benchmark.families.description import Description, DescriptionQuestion, description_method
from methods.description._queries import number, spread


@description_method(requires=("reals",), control=True, cites="doi:10.1201/9781315139470")
def lookup_table(question: DescriptionQuestion) -> list[Description]:
    """Spend the budget on spread points; 4 instructions a cell."""
    found = []
    for box in question.boxes:
        x = spread(box, box.left, question.seed)
        y = box.query(x)
        cells = max(1, min((question.longest + 2) // 4, len(x)))
        edges = np.linspace(box.low, box.high, cells + 1)[1:-1]
        cell = np.searchsorted(edges, x, side="right")
        levels = [number(float(y[cell == place].mean())) for place in range(cells)]
        rows = [f"x < {number(edge)}, {level}" for edge, level in zip(edges, levels[:-1], strict=True)]
        program = f"piecewise({', '.join([*rows, levels[-1]])})" if rows else levels[0]
        found.append(Description(f"A table of {cells} cells.", program))
    return found
