"""False discovery rate (Benjamini and Hochberg 1995): of the entries that a method selects, how many carry nothing?

    false_discovery_rate = |selected and not planted| / |selected|,    over all (input, entry) pairs; 0 where none is

The share of one run, of which the rate is the mean over runs: a test at level q promises at most q on average, where
its assumptions hold. It is asked of methods that decide; a map that only ranks has none. A coin for each entry has the
share of entries that carry nothing. doi:10.1111/j.2517-6161.1995.tb02031.x
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._selection import decided
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="lower", perfect=0.0, cites="doi:10.1111/j.2517-6161.1995.tb02031.x")
def false_discovery_rate(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The share of the selected entries that is not planted, all inputs together.

    Raises:
        Unsupported: the explanation does not decide; or nothing is planted.
    """
    selected, planted = decided(explanation, truth)
    return float((selected & ~planted).sum() / selected.sum().clamp(min=1))
