"""What the tests of importance share: the outputs of inputs in which a patch shows what it shows in another input.

The patch comes from an input of the background, so that the background is what is uninformative: the patch of another
input says what patches usually show. Drawn without regard to the rest of the input, it follows its law given the rest
where patches are independent; where they are not, the null hypothesis is a broken one, and no rate of errors is kept.

What moves the output by no more than rounding does not move it: the same numbers summed in another order are no news.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from methods.attribution._gradients import select
from methods.attribution._patches import Patches, cut

ROWS = 1024
"""Inputs that pass through the model at once."""
ROUNDING = 1e-5
"""The greatest error of an output, as a share of the greatest output."""


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """A question whose patches are exchanged; every draw is another one."""

    question: AttributionQuestion
    patches: Patches
    generator: torch.Generator

    @classmethod
    def of(cls, question: AttributionQuestion, across: int) -> Counterfactuals:
        """With patches of which `across` make up the longer side."""
        return cls(question, cut(question, across), torch.Generator().manual_seed(question.seed))

    @torch.no_grad()
    def factual(self) -> Float[Tensor, "n p"]:
        """The outputs of the inputs themselves, beside every patch."""
        outputs = select(self.question.model(self.question.inputs), self.question.targets)
        return outputs[:, None].expand(-1, self.patches.count).cpu().double()

    @property
    def everywhere(self) -> Bool[Tensor, "n p"]:
        """All pairs of an input and a patch."""
        return torch.ones(len(self.question.inputs), self.patches.count, dtype=torch.bool)

    @torch.no_grad()
    def draw(self, where: Bool[Tensor, "n p"]) -> Float[Tensor, " pairs"]:
        """The outputs with one patch exchanged, for the pairs `where`, row by row."""
        question, pairs = self.question, where.nonzero()
        others = torch.randint(len(question.background), (len(pairs),), generator=self.generator)
        parts = zip(pairs.split(ROWS), others.split(ROWS), strict=True)
        return torch.cat([self._exchanged(part, drawn) for part, drawn in parts])

    def centre(self, draws: int) -> Float[Tensor, "n p"]:
        """The mean output over `draws` exchanges of each patch."""
        total = sum((self.draw(self.everywhere) for _ in range(draws)), torch.zeros(()).double())
        return (total / draws).view(-1, self.patches.count)

    def explained(self, values: Float[Tensor, "n p"], selected: Bool[Tensor, "n p"]) -> AttributionExplanation:
        """Values and a selection of patches, handed to their entries."""
        of = self.patches.of
        chosen = selected.to(of.device)[:, of.flatten()].view(len(selected), *of.shape)
        return AttributionExplanation(self.patches.spread(values.float().to(of.device)), selected=chosen)

    def _exchanged(self, pairs: Int[Tensor, "m 2"], others: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        question = self.question
        device = question.inputs.device
        rows, patch = pairs.to(device).unbind(1)
        own = self.patches.of == patch.view(-1, *[1] * self.patches.of.dim())
        changed = torch.where(own, question.background[others.to(device)], question.inputs[rows])
        targets = None if question.targets is None else question.targets[rows]
        return select(question.model(changed), targets).cpu().double()


def rounding(outputs: Float[Tensor, "n p"]) -> float:
    """By how much outputs may differ that are the same."""
    return ROUNDING * float(outputs.abs().max())
