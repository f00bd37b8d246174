"""A library of shapes, and sums of two, fitted by least squares; the description is the one of least BIC (Schwarz
1978)."""

from __future__ import annotations

import numpy as np

from benchmark.families.description import Description, DescriptionQuestion, description_method
from benchmark.language import parse
from methods.description._library import best_fit
from methods.description._queries import spread


@description_method(cites="doi:10.1214/aos/1176344136", requires=("reals",))
def shape_library(question: DescriptionQuestion, *, terms: int = 2) -> list[Description]:
    """Spend the budget on spread points and fit sums of up to `terms` shapes."""
    found = []
    for box in question.boxes:
        x = spread(box, box.left, question.seed)
        y, kept = box.query(x), np.ones(len(x), dtype=bool)
        fits = (best_fit(x, y, kept, box.low, box.high, terms=count) for count in range(terms, -1, -1))
        fit = next(f for f in fits if len(parse(f.program)) <= question.longest)
        found.append(Description(f"{fit.words[0].upper()}{fit.words[1:]}.", fit.program))
    return found
