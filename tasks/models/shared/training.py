"""Training a classifier on images in [0, 1], as usual or against an adversary.

Adversarial training (Madry et al. 2018, arXiv:1706.06083) replaces each image by the worst one in a ball around it,

    min over weights of  E max over |d| <= eps of  loss(f(x + d), y),

where projected gradient descent (PGD) searches for d. The radius grows from 0 over the first half of the training
(warm-up): a net that meets the full attack at once often learns nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn


def accuracy(model: nn.Module, images: Float[Tensor, "n ..."], labels: Int[Tensor, " n"]) -> float:
    """The share of `images` that get their label."""
    return float((predict(model, images) == labels).float().mean())


def predict(model: nn.Module, images: Float[Tensor, "n ..."], chunk: int = 1000) -> Int[Tensor, " n"]:
    """The class with the greatest logit, for each image."""
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in images.split(chunk)])


def attack(
    model: nn.Module,
    images: Float[Tensor, "n ..."],
    labels: Int[Tensor, " n"],
    *,
    eps: float,
    steps: int,
    generator: torch.Generator,
) -> Float[Tensor, "n ..."]:
    """Images within an L2 distance of `eps`, in [0, 1], for which PGD from a random start found a high loss."""
    wide = (-1, *[1] * (images.dim() - 1))
    direction = torch.randn(images.shape, generator=generator).to(images.device)
    radius = torch.rand(len(images), generator=generator).to(images.device).view(wide)
    change = direction * (eps * radius / _norm(direction, wide))
    step = 2.5 * eps / steps
    for _ in range(steps):
        change.requires_grad_()
        loss = F.cross_entropy(model(images + change), labels, reduction="sum")
        (slope,) = torch.autograd.grad(loss, change)
        change = change.detach() + step * slope / _norm(slope, wide)
        change = change * (eps / _norm(change, wide)).clamp(max=1)
        # clipping moves every pixel towards its original, so that the distance stays within eps
        change = (images + change).clamp(0, 1) - images
    return (images + change).detach()


def robust_accuracy(
    model: nn.Module,
    images: Float[Tensor, "n ..."],
    labels: Int[Tensor, " n"],
    *,
    eps: float,
    steps: int,
    restarts: int,
    generator: torch.Generator,
) -> float:
    """The share of images that keep their label under every one of `restarts` attacks."""
    standing = predict(model, images) == labels
    for _ in range(restarts):
        attacked = attack(model, images, labels, eps=eps, steps=steps, generator=generator)
        standing &= predict(model, attacked) == labels
    return float(standing.float().mean())


def fit(
    model: nn.Module,
    draw: Callable[[], tuple[Float[Tensor, "n ..."], Int[Tensor, " n"]]],
    *,
    epochs: int,
    batch: int,
    learning_rate: float,
    eps: float,
    steps: int,
    generator: torch.Generator,
    progress: Callable[..., None],
) -> None:
    """Train `model` in place with Adam and cross-entropy; with `eps` > 0 against an L2 adversary of that radius.

    `draw` gives the images and labels of one epoch, on the model's device.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    warm_up = max(1, epochs // 2)
    for epoch in range(epochs):
        radius = eps * min(1.0, (epoch + 1) / warm_up)
        images, labels = draw()
        total = 0.0
        for index in torch.randperm(len(images), generator=generator).to(images.device).split(batch):
            x, y = images[index], labels[index]
            if radius > 0:
                x = attack(model, x, y, eps=radius, steps=steps, generator=generator)
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(index)
        progress(epoch + 1, epochs, loss=total / len(images))


def _norm(x: Float[Tensor, "n ..."], wide: tuple[int, ...]) -> Tensor:
    """The L2 norm of each image, never zero, in a shape that divides it."""
    norms: Tensor = x.flatten(1).norm(dim=1)
    return norms.clamp_min(1e-12).view(wide)
