"""Power: of the entries that carry the answer, how many does a method select?

    power = |selected and planted| / |planted|,    over all (input, entry) pairs

It is asked of methods that decide; a map that only ranks has none. By itself it is no merit, since whoever selects
everything has all of it: it stands beside the `false_discovery_rate`, and `controlled_power` holds the two together. A
coin for each entry has 0.5.
"""

from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.families.attribution.metrics._selection import decided
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:1904.00045")
def power(explanation: AttributionExplanation, truth: AttributionTruth) -> float:
    """The share of the planted entries that is selected, all inputs together.

    Raises:
        Unsupported: the explanation does not decide; or nothing is planted.
    """
    selected, planted = decided(explanation, truth)
    return float((selected & planted).sum() / planted.sum())
