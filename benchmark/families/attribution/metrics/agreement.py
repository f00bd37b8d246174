"""Agreement: do metrics that need no truth order the methods of a task as the truth does?

    agreement@insertion = Kendall's tau-b, over methods, of insertion with the area under the curve by the truth
    agreement = the mean over insertion, deletion, infidelity and completeness

1 is the same order, 0 an unrelated one, -1 the reversed one. It says something of the metrics, on one question, and is
the same for all methods; references are left out. The board's section on faithfulness metrics has the same for every
metric without a truth, retraining included, with intervals over seeds (`benchmark.statistics.agreement`). That such
metrics disagree with each other is known (Tomsett et al. 2020, arXiv:1912.01451); whom to believe takes a truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, AttributionTruth, references
from benchmark.families.attribution.metrics.auroc import auroc
from benchmark.families.attribution.metrics.completeness_gap import completeness_gap
from benchmark.families.attribution.metrics.deletion import deletion
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.metrics.infidelity import infidelity
from benchmark.families.attribution.metrics.insertion import insertion
from benchmark.families.family import Labelled
from benchmark.plugins import metric
from benchmark.statistics.agreement import FEWEST, kendall

JUDGED: dict[str, tuple[Callable[..., float], float]] = {
    "insertion": (insertion, 1.0),
    "deletion": (deletion, -1.0),
    "infidelity": (infidelity, -1.0),
    "completeness_gap": (completeness_gap, -1.0),
}
"""With the sign that makes more better."""
REFERENCES = {references.random.__name__, references.oracle.__name__, references.inverted.__name__}


@metric(range=(-1.0, 1.0), direction="none", cites="arXiv:1912.01451", scope="methods")
def agreement(
    explanations: Sequence[Labelled], question: AttributionQuestion, truth: AttributionTruth
) -> dict[str, float]:
    """Kendall's tau-b with the order by the truth, of each metric that this question allows, and their mean as "".

    Raises:
        Unsupported: fewer than five methods, no metric that the question allows, or no order by the truth.
    """
    asked = [one for one in explanations if one.method not in REFERENCES]
    if len(asked) < FEWEST:
        raise Unsupported(f"got {len(asked)} methods besides references, expected {FEWEST} or more to order")
    true = np.array([_true(one, truth) for one in asked])
    found = {}
    for name, (judge, sign) in JUDGED.items():
        try:
            values = sign * np.array([judge(one.explanation, question) for one in asked])
        except Unsupported:
            continue
        tau = kendall(true, values)
        if np.isfinite(tau):
            found[name] = tau
    if not found:
        raise Unsupported("no metric without a truth tells the methods apart here, or the truth does not")
    return {"": float(np.mean([*found.values()])), **found}


def _true(one: Labelled, truth: AttributionTruth) -> float:
    """The order that the truth gives: among the entries of the figure, where there is one."""
    found = auroc(one.explanation, truth)[""] if truth.figure is None else figure_auroc(one.explanation, truth)
    return float(found)
