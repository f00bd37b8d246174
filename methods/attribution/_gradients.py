"""What the gradient methods share: the gradient of the target's output, at the inputs or at noisy copies of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from captum.attr import IntegratedGradients
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion


def select(outputs: Tensor, targets: Int[Tensor, " n"] | None) -> Float[Tensor, " n"]:
    """The output to explain for each input: the target's logit, or the only output there is."""
    if targets is None:
        return outputs.flatten()
    return outputs.gather(1, targets[:, None])[:, 0]


def gradient_at(question: AttributionQuestion, points: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
    """The gradient of each input's target output with respect to the input, taken at `points`."""
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(select(question.model(points), question.targets).sum(), points)
    return gradient


def noisy_gradients(question: AttributionQuestion, samples: int, noise: float) -> Iterator[Float[Tensor, "n ..."]]:
    """The gradients at `samples` noisy copies of the inputs."""
    for copy in noisy_copies(question, samples, noise):
        yield gradient_at(question, copy)


def noisy_integrals(
    question: AttributionQuestion, samples: int, noise: float, steps: int
) -> Iterator[Float[Tensor, "n ..."]]:
    """Integrated gradients from the question's baseline at the same noisy copies, with `steps` points of the path."""
    for copy in noisy_copies(question, samples, noise):
        attributions: Tensor = IntegratedGradients(question.model).attribute(
            copy,
            baselines=question.baseline[None],
            target=question.targets,
            n_steps=steps,
            internal_batch_size=max(len(copy), 1024),
        )
        yield attributions.detach()


def noisy_copies(question: AttributionQuestion, samples: int, noise: float) -> Iterator[Float[Tensor, "n ..."]]:
    """`samples` noisy copies of the inputs; the noise is normal with sd `noise` times each input's range."""
    generator = torch.Generator().manual_seed(question.seed)
    flat = question.inputs.flatten(1)
    spread = noise * (flat.amax(1) - flat.amin(1))
    spread = spread.view(-1, *[1] * (question.inputs.dim() - 1))
    for _ in range(samples):
        draw = torch.randn(question.inputs.shape, generator=generator).to(question.inputs.device)
        yield question.inputs + spread * draw
