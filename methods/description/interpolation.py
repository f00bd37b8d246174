"""Lines between the answers: a continuous function, straight between as many knots as a program may hold.

Between its knots it predicts almost any function within FIND's tolerance, and it says nothing of the rule, so it is a
control. It always fills the program: one that stopped at two knots because two were enough would have found a line.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmark.families.description import Description, DescriptionQuestion, description_method
from methods.description._queries import number, spread

Points = Float64[ndarray, " n"]


@description_method(requires=("reals",), control=True, cites="doi:10.3138/FM57-6770-U75U-7727")
def interpolation(question: DescriptionQuestion) -> list[Description]:
    """Spend the budget on spread points; 7 instructions a knot. The knots are the points that stand out most (Douglas &
    Peucker 1973), their heights those of least squared error."""
    found = []
    for box in question.boxes:
        x = spread(box, box.left, question.seed)
        y = box.query(x)
        knots = x[chosen(x, y, max(0, min((question.longest - 5) // 7, len(x) - 4)))]
        design = np.stack([np.ones_like(x), x, *(np.maximum(x - knot, 0.0) for knot in knots)], axis=1)
        solved = np.linalg.lstsq(design, y, rcond=None)[0]
        parts = [number(float(solved[0])), f"{number(float(solved[1]))}*x"]
        parts += [f"{number(float(c))}*relu(x - {number(float(k))})" for c, k in zip(solved[2:], knots, strict=True)]
        found.append(Description(f"Straight between {len(knots) + 2} points.", " + ".join(parts)))
    return found


def chosen(x: Points, y: Points, count: int) -> list[int]:
    """The indices, ascending, of `count` inner points, each the farthest from the lines between those before it."""
    kept = [0, len(x) - 1]
    for _ in range(count):
        off = np.abs(y - np.interp(x, x[kept], y[kept]))
        off[kept] = -1.0
        kept = sorted([*kept, int(np.argmax(off))])
    return kept[1:-1]
