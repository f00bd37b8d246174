"""The certificate of a model whose circuit was written by hand: every role is confirmed by cutting edges.

All is measured as a share of the whole effect, value(clean) - value(corrupted), as means over the pairs unless it says
otherwise. The thresholds were fixed before any method was scored on these models.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, CircuitTruth
from benchmark.subjects import Check

LEAST_EFFECT = 0.05
"""An edge of the circuit (all of a redundant group together) must move the value by this share of the whole effect."""
LEAST_NOISE = 0.02
"""A noise reader must move single answers by this share, so that it is a temptation."""
AT_ONCE = 16
NOTHING = 1e-5
"""What only rounding may leave of a redundant edge's effect, of noise in a mean, and of what the circuit alone
lacks."""


def certificate(question: CircuitQuestion, truth: CircuitTruth, redundant: Sequence[Sequence[int]] = ()) -> list[Check]:
    """Cut each edge alone, each redundant group, all dead edges, and all that is outside the circuit."""
    size = question.size
    with torch.no_grad():
        clean, corrupted = question.values(torch.ones(size)), question.values(torch.zeros(size))
        alone = clean - torch.cat([question.values(cut) for cut in (1 - torch.eye(size)).split(AT_ONCE)])
        whole = float((clean - corrupted).mean())

        def change(cut: Bool[Tensor, " e"]) -> Float[Tensor, " n"]:
            return clean - question.values((~cut).float())

        dead = truth.having("dead")
        groups = [torch.isin(torch.arange(size), torch.tensor(list(group))) for group in redundant]
        joint = [float(change(group).mean()) / whole for group in groups]
        outside = float(change(~truth.circuit).mean()) / whole
        buried = float(change(dead).abs().max())
    mean, each = alone.mean(1) / whole, alone.abs().mean(1) / whole
    single = truth.circuit & ~truth.having("or_redundant")
    noise = truth.having("noise_reader")
    checks = [
        Check("whole_effect_over_its_standard_error", whole / float((clean - corrupted).std() / len(clean) ** 0.5), 5),
        Check("least_effect_of_an_edge_of_the_circuit", float(mean[single].abs().min()), LEAST_EFFECT),
        Check("greatest_change_by_a_dead_edge", float(alone[dead].abs().max()), 0.0, at_least=False),
        Check("greatest_change_by_all_dead_edges", buried, 0.0, at_least=False),
        Check("lacking_in_the_circuit_alone", abs(outside), NOTHING, at_least=False),
        Check("greatest_mean_effect_of_a_noise_reader", float(mean[noise].abs().max()), NOTHING, at_least=False),
        Check("least_change_of_single_answers_by_a_noise_reader", float(each[noise].min()), LEAST_NOISE),
    ]
    if groups:
        spared = float(mean[truth.having("or_redundant")].abs().max())
        checks += [
            Check("greatest_effect_of_a_redundant_edge", spared, NOTHING, at_least=False),
            Check("least_effect_of_a_redundant_group", min(joint), LEAST_EFFECT),
        ]
    return checks
