"""Input magnitude: the input's distance from the baseline as its own explanation. It never looks at the model.

    A(x) = |x - b|

A method that does no better has told us what the image looks like, not what the model uses.
"""

from __future__ import annotations

from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:1810.03292", control=True)
def input_magnitude(question: AttributionQuestion) -> Tensor:
    """How far each entry is from the baseline; no model involved."""
    return (question.inputs - question.baseline).abs()
