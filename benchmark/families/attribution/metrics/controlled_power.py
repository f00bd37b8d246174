"""Controlled power: how much is found while at most one finding in ten is false?

    controlled_power = max over cuts t with fdp(t) <= 0.1 of  |{|a| >= t, selected, planted}| / |planted|
    fdp(t) = share of {|a| >= t, selected} that is not planted,      over all (input, entry) pairs

One number for methods that decide and for those that rank. Of a selection the strongest entries count, as many as keep
the share of false discoveries (Benjamini and Hochberg 1995) at 0.1: who selects too much loses what is too much, and
who selects too little is not helped. Of a map that only ranks every entry counts as selected, so that it is cut by one
who knows the truth, which no user does; `ranking` says the same of all methods, whatever they select.

It is the recall at a precision of 0.9. Equal magnitudes are cut together. Chance is near 0, and so is whatever cannot
tell two rivals apart: half of what it finds is false. doi:10.1111/j.2517-6161.1995.tb02031.x
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._selection import planted_entries, selected_entries
from benchmark.plugins import metric

ONE_IN = 10
"""Of so many findings, one may be false."""


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="doi:10.1111/j.2517-6161.1995.tb02031.x")
def controlled_power(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The share of the planted entries found at the level, among the selected ones; and by the order of all.

    Raises:
        Unsupported: nothing is planted.
    """
    planted = planted_entries(explanation, truth)
    strengths, found = explanation.magnitudes, {}
    if explanation.selected is not None:
        selected = selected_entries(explanation, explanation.selected)
        found[""] = _found(strengths[selected], planted[selected]) / float(planted.sum())
    found["ranking"] = _found(strengths.flatten(), planted.flatten()) / float(planted.sum())
    return {"": found["ranking"], **found}


def _found(strengths: Float[Tensor, " m"], planted: Bool[Tensor, " m"]) -> float:
    """How many planted entries are above the lowest cut at which the share of others is at most the level."""
    if not len(strengths):
        return 0.0
    descending, order = strengths.sort(descending=True)
    hits = planted[order].cumsum(0)
    false = torch.arange(1, len(hits) + 1) - hits
    last = torch.ones_like(planted)
    last[:-1] = descending[:-1] != descending[1:]
    within = last & (ONE_IN * false <= hits + false)
    return float(hits[within].max()) if bool(within.any()) else 0.0
