"""Hierarchical interactions: patches that act together are merged into groups, and groups are attributed.

    I_c(i, j) = f(c with i and j) - f(c with i) - f(c with j) + f(c without both),    c: the baseline, and the input
    s(i, j)^2 = mean of I_c(i, j)^2 over both contexts;    distance 1 - s(i, j) / sqrt(max s(i, .) max s(., j))
    A_i(x) = (f(b with the group of i) - f(b) + f(x) - f(x without the group of i)) / 2, divided among the group

Interactions by removal in two contexts, and groups of patches as what is attributed, are those of Archipelago (Tsang,
Rambhatla and Liu 2020, arXiv:2006.10965); that groups are merged step by step is the idea of hierarchical explanations
(Singh et al. 2018, arXiv:1806.05337). Removed patches show the baseline. How far to merge, the silhouette says
(`_grouping`); Archipelago takes a number of pairs that is chosen by hand.

A column of a vector means the same on all inputs: interactions are averaged over the inputs with one target. Images
are grouped one by one. All pairs of the `most` patches with the strongest effects are measured; others are in no group.
Each patch is compared with its own strongest partner, so that weak groups are found beside strong ones; patches that do
nothing but by the model's error may be made a group, too.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, attribution_method
from methods.attribution._gradients import select
from methods.attribution._grouping import grouped
from methods.attribution._patches import Patches, cut, ends, values

ROUNDING = 1e-5
"""An interaction that is smaller, as a share of the outputs, is none (float32)."""


@attribution_method(cites="arXiv:2006.10965")
@torch.no_grad()
def hierarchical_interactions(
    question: AttributionQuestion, *, across: int = 4, most: int = 32
) -> AttributionExplanation:
    """Groups of patches, `across` of them along the longer side of an image, and the effect of each group."""
    patches = cut(question, across)
    alone, missing = _single_effects(question, patches)
    strength = (alone.square() + missing.square()).mean(1)
    strongest = strength.argsort(descending=True, stable=True)[:most].sort().values
    groups = torch.full((len(question.inputs), patches.count), -1, device=patches.of.device)
    strengths = _interactions(question, patches, strongest, alone[strongest], missing[strongest])
    for rows in _alike(question):
        labels = grouped(_distances(strengths[rows].square().mean(0).sqrt()))
        groups[rows[:, None], strongest] = labels.to(groups.device)
    effects = (alone + missing).T / 2
    for number in range(int(groups.max()) + 1):
        members = groups == number
        effects = torch.where(members, _together(question, patches, members) / members.sum(1, keepdim=True), effects)
    attributions, numbers = patches.spread(effects), groups[:, patches.of.flatten()].view(question.inputs.shape)
    if question.per_pixel:
        attributions, numbers = attributions.sum(1, keepdim=True), numbers[:, :1]
    return AttributionExplanation(attributions.float(), groups=numbers.contiguous())


def _single_effects(
    question: AttributionQuestion, patches: Patches
) -> tuple[Float[Tensor, "p n"], Float[Tensor, "p n"]]:
    """What each patch adds to the baseline, and what the input loses without it."""
    nothing, everything = ends(question, patches)
    single = torch.eye(patches.count, dtype=torch.bool, device=patches.of.device)
    return values(question, patches, single) - nothing, everything - values(question, patches, ~single)


def _interactions(
    question: AttributionQuestion,
    patches: Patches,
    strongest: Int[Tensor, " m"],
    alone: Float[Tensor, "m n"],
    missing: Float[Tensor, "m n"],
) -> Float[Tensor, "n m m"]:
    """The root mean square of each pair's interaction in both contexts, for each input."""
    nothing, everything = ends(question, patches)
    count = len(strongest)
    found = torch.zeros(len(question.inputs), count, count, device=patches.of.device)
    for first, second in torch.combinations(torch.arange(count)).tolist():
        pair = torch.zeros(2, patches.count, dtype=torch.bool, device=patches.of.device)
        pair[0, strongest[[first, second]]] = True
        pair[1] = ~pair[0]
        added, left = values(question, patches, pair)
        on_baseline = added - nothing - alone[first] - alone[second]
        in_input = missing[first] + missing[second] - (everything - left)
        found[:, first, second] = found[:, second, first] = ((on_baseline**2 + in_input**2) / 2).sqrt()
    least = ROUNDING * (nothing.abs() + everything.abs())
    return torch.where(found > least[:, None, None], found, 0)


def _distances(strengths: Float[Tensor, "m m"]) -> Float[Tensor, "m m"]:
    """1 where two patches do not interact, 0 where neither interacts more with another."""
    greatest = strengths.amax(1, keepdim=True)
    scale = (greatest * greatest.T).sqrt()
    distances = 1 - strengths / torch.where(scale > 0, scale, 1)
    return distances.clamp(min=0).fill_diagonal_(0)


def _alike(question: AttributionQuestion) -> list[Int[Tensor, " rows"]]:
    """The inputs that are grouped together."""
    rows = torch.arange(len(question.inputs), device=question.inputs.device)
    if question.inputs.dim() > 2:
        return list(rows.split(1))
    if question.targets is None:
        return [rows]
    return [rows[question.targets == target] for target in question.targets.unique()]


def _together(question: AttributionQuestion, patches: Patches, members: Bool[Tensor, "n p"]) -> Float[Tensor, "n 1"]:
    """The effect of a group of patches, another one on each input: the mean of both contexts."""
    inside = members[:, patches.of.flatten()].view(question.inputs.shape)
    baseline = question.baseline.expand_as(question.inputs)
    shown = (
        torch.where(inside, question.inputs, baseline),
        baseline,
        question.inputs,
        torch.where(inside, baseline, question.inputs),
    )
    added, nothing, everything, left = (select(question.model(each), question.targets) for each in shown)
    return ((added - nothing + everything - left) / 2)[:, None]
