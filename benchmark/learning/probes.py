"""Probes in batches: many classifiers that share their inputs, or differ in layer or seed, fitted as one.

    linear = fit_linear(x, labels, classes, penalty=1.0)        multinomial logistic regression, to convergence
    linear.scores(x_test)                                       logits [b, m, concepts, classes]

`x` [b, n, d] holds b sets of activations, `labels` [b, n, concepts] the classes of every concept; each (set, concept)
is a problem of its own. All share every matrix product and differ only in their step lengths and curvature pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError

ARMIJO = 1e-4
MEMORY = 10


@dataclass(frozen=True)
class LinearProbes:
    """Fitted logistic regressions: logits are `x @ weight + bias`; classes that a concept does not have get -inf."""

    weight: Float[Tensor, "b d concepts classes"]
    bias: Float[Tensor, "b concepts classes"]
    converged: bool
    """Whether every problem met the tolerance before the steps ran out."""

    def scores(self, x: Float[Tensor, "b m d"]) -> Float[Tensor, "b m concepts classes"]:
        """Logits of new inputs."""
        b, d, concepts, classes = self.weight.shape
        logits = x @ self.weight.reshape(b, d, concepts * classes)
        return logits.view(b, -1, concepts, classes) + self.bias[:, None]


def absent_classes(classes: Sequence[int], like: Tensor) -> Float[Tensor, "concepts classes"]:
    """0 for a class that a concept has, -inf for one it has not: added to logits."""
    have = torch.arange(max(classes)) < torch.tensor(classes)[:, None]
    return torch.where(have, 0.0, -torch.inf).to(like)


def fit_linear(
    x: Float[Tensor, "b n d"],
    labels: Int[Tensor, "b n concepts"],
    classes: Sequence[int],
    *,
    penalty: float = 1.0,
    steps: int = 200,
    tolerance: float = 1e-4,
) -> LinearProbes:
    """Minimise sum of cross-entropies + penalty/2 |W|^2 for every set and concept (scikit-learn's C is 1/penalty).

    With two classes |W|^2 counts twice: the two weight vectors are w/2 and -w/2 for the one, w, of a sigmoid, whose
    penalty is then penalty/2 |w|^2, as in scikit-learn.

    The Hessian of the softmax is at most half the covariance of the inputs (Boehning 1992, doi:10.1007/BF00048682).
    Coordinates in which that bound is the identity make a step of 1 safe and L-BFGS short: some tens of steps whatever
    the scales of `x`.

    Args:
        x: inputs; float32 or float64.
        labels: classes from 0.
        classes: number of classes per concept.
        penalty: weight of the squared norm; intercepts are free of it.
        steps: most steps of L-BFGS.
        tolerance: largest entry of the gradient, in the coordinates above and per input, at which a problem is solved.

    """
    b, n, d = x.shape
    mean = x.mean(1, keepdim=True)
    centred = x - mean
    variance, axes = torch.linalg.eigh(centred.mT @ centred / n)
    curvature = variance.clamp_min(0.0) / 2 + max(penalty, 1e-8) / n
    to_weight = axes * curvature.rsqrt()[:, None]
    z = torch.cat([centred @ to_weight, torch.full_like(x[..., :1], 2**0.5)], 2)
    shrink = torch.cat([penalty / n / curvature, torch.zeros_like(curvature[:, :1])], 1)[:, None, None]
    shrink = shrink * torch.tensor([2.0 if count == 2 else 1.0 for count in classes]).to(x)[:, None]
    # classes first, inputs last: a softmax over three neighbours in memory takes many times as long
    target = torch.nn.functional.one_hot(labels.long(), max(classes)).to(x).permute(0, 3, 2, 1).contiguous()
    mask = absent_classes(classes, x).T

    def objective(u: Tensor) -> tuple[Tensor, Tensor]:
        logits = (u.flatten(1, 2) @ z.mT).view_as(target) + mask[..., None]
        log_p = torch.log_softmax(logits, 1)
        loss = -torch.where(target > 0, log_p, 0.0).sum((1, 3)) / n + (shrink * u * u).sum((1, 3)) / 2
        gradient = ((log_p.exp() - target).flatten(1, 2) @ z).view_as(u) / n + shrink * u
        return loss, gradient

    u, converged = _lbfgs(objective, x.new_zeros(b, max(classes), len(classes), d + 1), steps, tolerance)
    weight = torch.einsum("bde,bkce->bdck", to_weight, u[..., :d])
    bias = u[..., d].mT * 2**0.5 - torch.einsum("bxd,bdck->bck", mean, weight) + mask.T
    return LinearProbes(weight, bias, converged)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """Inner product per problem: [b, classes, concepts, D] twice -> [b, 1, concepts, 1]."""
    return (left * right).sum((1, 3), keepdim=True)


def _lbfgs(
    objective: Callable[[Tensor], tuple[Tensor, Tensor]], u: Tensor, steps: int, tolerance: float
) -> tuple[Tensor, bool]:
    """L-BFGS on independent problems at once, each with its own line search and curvature pairs."""
    loss, gradient = objective(u)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(steps):
        active = gradient.abs().amax((1, 3), keepdim=True) > tolerance
        if not active.any():
            return u, True
        step = -_two_loops(gradient, pairs) * active
        slope = _dot(step, gradient)
        length = torch.ones_like(slope)
        for _ in range(20):
            trial, trial_gradient = objective(u + length * step)
            bound = (loss + ARMIJO * (length * slope)[:, 0, :, 0]) + 1e-6 * loss.abs()
            too_far = (trial > bound)[:, None, :, None]
            if not too_far.any():
                break
            length = torch.where(too_far, length / 2, length)
        if not trial.isfinite().all():
            raise TouchstoneError("probe: got a loss that is NaN or infinite, expected finite activations")
        s, y = length * step, trial_gradient - gradient
        sy = _dot(s, y)
        # a problem that did not move has no curvature to offer: a zero weight leaves its direction as it is
        pairs.append((s, y, torch.where(sy > 1e-12, 1 / sy.clamp_min(1e-12), 0.0)))
        del pairs[:-MEMORY]
        u, loss, gradient = u + s, trial, trial_gradient
    return u, not bool((gradient.abs() > tolerance).any())


def _two_loops(gradient: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The inverse Hessian's estimate times the gradient (Nocedal's two loops)."""
    q, weights = gradient, []
    for s, y, rho in reversed(pairs):
        alpha = rho * _dot(s, q)
        weights.append(alpha)
        q = q - alpha * y
    if pairs:
        s, y, rho = pairs[-1]
        yy = _dot(y, y)
        q = q * torch.where((rho > 0) & (yy > 0), _dot(s, y) / yy.clamp_min(1e-30), 1.0)
    for (s, y, rho), alpha in zip(pairs, reversed(weights), strict=True):
        q = q + s * (alpha - rho * _dot(y, q))
    return q


@dataclass(frozen=True)
class MlpProbes:
    """Stacked networks with one hidden layer of rectifiers, one per set and concept.

    `networks` is sets times concepts, set by set; `units` is concepts times hidden.
    """

    offset: Float[Tensor, "b 1 d"]
    scale: Float[Tensor, "b 1 1"]
    into: Float[Tensor, "b units d"]
    into_bias: Float[Tensor, "b units 1"]
    out: Float[Tensor, "networks classes hidden"]
    out_bias: Float[Tensor, "networks classes 1"]

    def hidden(self, x: Float[Tensor, "b m d"]) -> Float[Tensor, "networks hidden m"]:
        """Hidden activations. Inputs stand last, so that no product needs a transposed copy."""
        z = ((x - self.offset) / self.scale).mT
        return torch.baddbmm(self.into_bias, self.into, z).relu_().view(len(self.out), self.out.shape[2], -1)

    def scores(self, x: Float[Tensor, "b m d"]) -> Float[Tensor, "b m concepts classes"]:
        """Logits of new inputs; -inf for a class that a concept does not have."""
        logits = torch.baddbmm(self.out_bias, self.out, self.hidden(x))
        return logits.view(len(x), -1, *logits.shape[1:]).permute(0, 3, 1, 2)

    def gradient_moments(self, x: Float[Tensor, "b m d"]) -> Float[Tensor, "b concepts d d"]:
        """Mean over inputs of J^T J, J the gradient of the centred logits: where the network looks.

        With firing pattern f of an input, J = out diag(f) into; the sum over inputs needs only how often two hidden
        units fire together.
        """
        firing = (self.hidden(x) > 0).to(x)
        together = firing @ firing.mT / x.shape[1]
        centred = self.out - self.out.mean(1, keepdim=True)
        inner = (centred.mT @ centred) * together
        into = (self.into / self.scale).reshape(len(self.out), -1, x.shape[2])
        return (into.mT @ inner @ into).view(len(x), -1, x.shape[2], x.shape[2])


def fit_mlp(
    x: Float[Tensor, "b n d"],
    labels: Int[Tensor, "b n concepts"],
    classes: Sequence[int],
    *,
    seeds: Sequence[int],
    hidden: int = 64,
    steps: int = 300,
    batch: int = 256,
    rate: float = 1e-2,
    decay: float = 1e-2,
) -> MlpProbes:
    """Train networks d -> hidden -> classes with AdamW, a warm-up and a cosine schedule, all in one stack.

    Each set has its own seed, from which its weights and the order of its inputs come: what else is in the stack
    changes nothing.
    """
    b, n, d = x.shape
    concepts, most = len(classes), max(classes)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    offset, absent = x.mean(1, keepdim=True), absent_classes(classes, x)
    scale = (x - offset).square().mean((1, 2), keepdim=True).sqrt().clamp_min(1e-12)
    into = torch.stack([torch.randn(concepts * hidden, d, generator=g) for g in generators]) * (2 / d) ** 0.5
    out = torch.cat([torch.randn(concepts, most, hidden, generator=g) for g in generators]) * (1 / hidden) ** 0.5
    zeros = x.new_zeros
    weights = [into.to(x), zeros(b, concepts * hidden, 1), out.to(x), zeros(b * concepts, most, 1)]
    probes = MlpProbes(torch.zeros_like(offset), torch.ones_like(scale), *weights)
    mask = absent.repeat(b, 1)[..., None]
    z = (x - offset) / scale
    target = torch.nn.functional.one_hot(labels.long(), most).to(x).flatten(2)
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)
    batch, sets = min(batch, n), torch.arange(b, device=x.device)[:, None]
    for step in range(steps):
        start = (
            step * batch % (n - n % batch)
        )  # what is left over at the end of a shuffled round waits for the next one
        if start == 0:
            order = torch.stack([torch.randperm(n, generator=g) for g in generators]).to(x.device)
            shuffled, answers = z[sets, order], target[sets, order]
        inputs = shuffled[:, start : start + batch]
        wanted = answers[:, start : start + batch].mT.reshape(b * concepts, most, -1)
        activity = probes.hidden(inputs)
        logits = torch.baddbmm(probes.out_bias, probes.out, activity)
        error = (torch.softmax(logits + mask, 1) - wanted) / batch
        back = ((probes.out.mT @ error) * (activity > 0)).view(b, concepts * hidden, -1)
        gradients = [back @ inputs, back.sum(2, keepdim=True), error @ activity.mT, error.sum(2, keepdim=True)]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        warm_up, cosine = min(1.0, 10 * (step + 1) / steps), (1 + math.cos(math.pi * step / steps)) / 2
        optimiser.param_groups[0]["lr"] = rate * warm_up * cosine
        optimiser.step()
    fitted = MlpProbes(offset, scale, weights[0], weights[1], weights[2], weights[3] + mask)
    if not all(weight.isfinite().all() for weight in weights):
        raise TouchstoneError("mlp probe: got NaN in training, expected finite weights (lower the rate?)")
    return fitted
