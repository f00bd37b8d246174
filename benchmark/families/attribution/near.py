"""Inputs that hardly differ, and of which the model says the same, but whose gradients differ as much as can be found.

    x' = x + e,   |e|_inf <= radius * sd,   |f(x') - f(x)| <= HELD * sd of f,   corr(grad f(x'), grad f(x)) small

An explanation can be turned so without a trace in the answer (Ghorbani, Abid and Zou 2019, arXiv:1710.10547;
Dombrowski et al. 2019, arXiv:1906.07983). Gradients of a ReLU net are constant in pieces, so that no slope leads from
one to another; the search goes by random steps, keeps those that turn the gradient further, and takes the answer back
along the gradient after each. Where several models are asked about the same inputs, the change has to work on all of
them: else the inputs would tell which model they were made for.

For a task:

    question = with_near_copies(question, 2)
    truth = with_copies(truth, near_copies(len(inputs), inputs[0].numel(), 2))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth
from benchmark.families.attribution.copies import Copies

RADIUS = 0.1
"""The most that an entry changes, in standard deviations of all entries of the background."""
HELD = 0.02
"""The most that the explained output changes, in standard deviations over the inputs."""
STEPS = 40


def near_copies(originals: int, size: int, count: int) -> Copies:
    """`count` near copies of each of `originals` inputs with `size` entries, behind them."""
    return Copies.laid_out(torch.empty(originals, 0, size, dtype=torch.int64), count)


def with_near_copies(question: AttributionQuestion, count: int, radius: float = RADIUS) -> AttributionQuestion:
    """The question with `count` near copies of each input behind its inputs."""
    found = near_inputs([question], count, torch.Generator().manual_seed(question.seed), radius)
    targets = None if question.targets is None else question.targets.repeat(1 + count)
    return replace(question, inputs=torch.cat([question.inputs, found.flatten(0, 1)]), targets=targets)


def with_copies(truth: AttributionTruth, copies: Copies) -> AttributionTruth:
    """A truth about originals as one about them and their copies: where an input moves, what it carries moves, too.

    Raises:
        ValueError: the truth compares inputs or says what the output does, which no copy takes over.
    """
    lost = [name for name in ("input_contrast", "alteration", "behaviours") if getattr(truth, name) is not None]
    if lost:
        raise ValueError(f"{lost[0]}: a truth with copies cannot have it")
    zero_set, figure, contrast, references = truth.zero_set, truth.figure, truth.contrast, truth.references
    return AttributionTruth(
        masks={name: copies.carried(mask) for name, mask in truth.masks.items()},
        zero_set=None if zero_set is None else copies.carried(zero_set),
        contrast=None if contrast is None else replace(contrast, region=copies.carried(contrast.region)),
        figure=None if figure is None else copies.carried(figure),
        groups=None if truth.groups is None else copies.carried(truth.groups),
        references=None if references is None else {name: copies.carried(each) for name, each in references.items()},
        copies=copies,
    )


def near_inputs(
    questions: Sequence[AttributionQuestion],
    count: int,
    generator: torch.Generator,
    radius: float = RADIUS,
    steps: int = STEPS,
) -> Float[Tensor, "count n ..."]:
    """`count` searches from each input, for a change that works on the models of all questions, which share inputs.

    An input for which none is found stays as it is.
    """
    inputs = questions[0].inputs
    reach = radius * float(questions[0].background.std())
    views = [_View.of(question) for question in questions]
    found = []
    for _ in range(count):
        best = torch.zeros_like(inputs)
        least = torch.full((len(inputs),), torch.inf, device=inputs.device)
        for _ in range(steps):
            step = reach * (2 * torch.rand(inputs.shape, generator=generator) - 1).to(inputs.device)
            tried = (best + step).clamp(-reach, reach)
            for view in views:
                tried = view.taken_back(tried).clamp(-reach, reach)
            looks = [view.look(tried) for view in views]
            alike = torch.stack([likeness for _, likeness in looks]).mean(0)
            held = torch.stack([kept for kept, _ in looks]).all(0)
            better = held & (alike < least)
            least = torch.where(better, alike, least)
            best = torch.where(better.view(-1, *[1] * (inputs.dim() - 1)), tried, best)
        found.append(inputs + best)
    return torch.stack(found) if found else inputs[None][:0]


@dataclass(frozen=True, eq=False)
class _View:
    """What one model says of the inputs."""

    question: AttributionQuestion
    outputs: Float[Tensor, " n"]
    slopes: Float[Tensor, "n d"]
    """The gradients, less their means."""
    tolerance: float

    @classmethod
    def of(cls, question: AttributionQuestion) -> _View:
        outputs, gradients = _answers(question, question.inputs)
        return cls(question, outputs, gradients - gradients.mean(1, True), HELD * float(outputs.std(correction=0)))

    def taken_back(self, change: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The change without what it does to the output: a step of Newton's method along the gradient."""
        outputs, gradients = _answers(self.question, self.question.inputs + change)
        share = (outputs - self.outputs) / gradients.square().sum(1).clamp_min(torch.finfo(gradients.dtype).tiny)
        return change - (share[:, None] * gradients).view(change.shape)

    def look(self, change: Float[Tensor, "n ..."]) -> tuple[Bool[Tensor, " n"], Float[Tensor, " n"]]:
        """Whether the output stays, and how alike the gradient is to that at the input."""
        outputs, gradients = _answers(self.question, self.question.inputs + change)
        alike = torch.cosine_similarity(gradients - gradients.mean(1, True), self.slopes, dim=1)
        return (outputs - self.outputs).abs() <= self.tolerance, alike


def _answers(
    question: AttributionQuestion, inputs: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
    """The explained output of each input and its gradient."""
    points = inputs.detach().clone().requires_grad_()
    with torch.enable_grad():
        outputs: Tensor = question.model(points)
        if question.targets is not None:
            outputs = outputs.gather(1, question.targets[:, None])
        outputs = outputs.flatten()
        (gradients,) = torch.autograd.grad(outputs.sum(), points)
    return outputs.detach(), gradients.flatten(1)
