"""A small transformer whose induction circuit was compiled into its weights: which edges of the residual stream carry
it?"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.circuit import CircuitQuestion, CircuitTruth, circuit_task
from benchmark.subjects import Saved


@circuit_task(
    cites="arXiv:2209.11895",
    subject="small_transformer",
    primary="edge_auroc",
    controls=("weight_norm", "message_difference", "random_circuit"),
    metrics=("edge_auroc", "faithfulness"),
    variants={"induction": {"circuit": "induction"}, "suppressed": {"circuit": "suppressed"}},
    small={"variants": ("induction",)},
)
@dataclass(frozen=True, kw_only=True)
class SmallTransformerTask:
    """Find the edges of an induction circuit among those of dead heads and of one that votes at random."""

    def pose(self, saved: Saved) -> CircuitQuestion:
        """The transformer and its pairs of sequences."""
        public = {name: saved.public[name].clone() for name in ("clean", "corrupted", "contrast")}
        return CircuitQuestion(graph=saved.subject.load(saved), seed=saved.method_seed, **public)

    def truth(self, saved: Saved) -> CircuitTruth:
        """The role of every edge."""
        return CircuitTruth(roles=saved.subject.plant(saved.seed).roles)
