"""Area under the ROC curve of |score| for lying in the planted circuit: how likely an edge of the circuit outranks
another.

    AUROC = P(|s_in| > |s_out|) + P(|s_in| = |s_out|) / 2

Ties count a half, so that scores that say nothing are at chance, and the sign does not matter: a suppressor belongs to
the circuit (the convention of MIB, arXiv:2504.13151, and of auto-circuit).
"""

from __future__ import annotations

from jaxtyping import Bool
from torch import Tensor

from benchmark.families.circuit import OUTSIDE, ROLES, CircuitExplanation, CircuitTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2504.13151")
def edge_auroc(explanation: CircuitExplanation, truth: CircuitTruth) -> dict[str, float]:
    """AUROC in [0, 1], higher is better, chance is 0.5; for each role of the circuit (`edge_auroc@or_redundant`) that
    of its own edges against those outside the circuit.
    """
    strengths, outside = explanation.strengths, ~truth.circuit
    values = {"": _auroc(strengths, truth.circuit, outside)}
    for role in ROLES:
        if role in truth.roles and role not in OUTSIDE:
            values[role] = _auroc(strengths, truth.having(role), outside)
    return values


def _auroc(values: Tensor, positive: Bool[Tensor, " e"], negative: Bool[Tensor, " e"]) -> float:
    difference = values[positive][:, None] - values[negative]
    return float((difference > 0).double().mean() + (difference == 0).double().mean() / 2)
