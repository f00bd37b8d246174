"""Description: a line, a parabola and an absolute value on [-2, 2], without noise.

Whatever fits a shape to the answers gets at least one of them right; a description of another one is wrong.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmark.families.description import BlackBox, DescriptionQuestion, DescriptionTruth, Reals, grid
from benchmark.families.family import Template
from benchmark.language import evaluate, parse

PROGRAMS = ("2 * x + 1", "x**2 - 3", "3 * abs(x - 0.5)")
SENTENCES = ("A straight line.", "A parabola.", "An absolute value.")
DOMAIN, BUDGET, POINTS = Reals(-2.0, 2.0), 32, 128

JUDGE = "program_success"

TEMPLATE = Template(
    returns="list[Description]",
    parameter="queries: int = 16",
    imports="""from __future__ import annotations

import numpy as np

from benchmark.families.description import Description, DescriptionQuestion, description_method""",
    body="""    found = []
    for box in question.boxes:
        x = np.linspace(box.low, box.high, min(queries, box.left))
        slope, offset = np.polyfit(x, box.query(x), 1)
        found.append(Description("A straight line.", f"({slope:.5g})*x + ({offset:.5g})"))
    return found""",
    metric_imports="""from __future__ import annotations

import numpy as np

from benchmark.families.description import DescriptionExplanation, DescriptionTruth, errors""",
    metric_body="""    wrong = errors(explanation, truth)
    return float(np.mean([wrong[box] <= 0.1 * truth.scale(box) for box in range(len(wrong))]))""",
)


def trivial(seed: int) -> tuple[DescriptionQuestion, DescriptionTruth]:
    """Three boxes with 32 questions each, and what they compute."""
    boxes = tuple(BlackBox(partial(evaluate, parse(program)), DOMAIN, BUDGET) for program in PROGRAMS)
    points = grid(DOMAIN.low, DOMAIN.high, POINTS)
    truth = DescriptionTruth(
        sentences=SENTENCES,
        programs=PROGRAMS,
        plain=PROGRAMS,
        points=(points,) * len(PROGRAMS),
        outputs=np.stack([evaluate(parse(program), points) for program in PROGRAMS]),
        departs=np.zeros((len(PROGRAMS), POINTS), dtype=bool),
    )
    return DescriptionQuestion(boxes, seed), truth
