"""A function of one box in the place of a method: it is called for each.

def my_method(box): x = box.domain...; return "a line", "(x * 2)"        a text and a program; or the program alone
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.families.asking import Answer, asked, require_function, required
from benchmark.families.description import DescriptionQuestion


def adapted(handed: Any) -> Answer:
    """A function of the question from one of a `box`; where it returns a program alone, that is its text, too."""
    require_function(handed, ', or of one "box"')
    return _each_box(handed) if required(handed) == ["box"] else lambda question: asked(handed, question)


def _each_box(function: Callable[..., Any]) -> Answer:
    def answer(question: DescriptionQuestion) -> Any:
        found = (function(box) for box in question.boxes)
        return [(one, one) if isinstance(one, str) else one for one in found]

    return answer
