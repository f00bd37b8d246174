"""Is a net affine once its ReLU and max-pooling modules are frozen? A numeric guard for methods that rewrite modules.

Guided backpropagation and deconvolution rewrite what nn.ReLU modules do on the way back and leave everything else to
autograd. So all that is not affine must be the work of such a module, and the rest must have its true derivative. Both
are one statement about numbers: let g be the net in which each ReLU lets pass what it let pass at x, and each pooling
takes the entry that it took at x, whatever comes in; then for every other point y

    g(y) - g(x) = <grad g(x), y - x>

A graph of operations does not show it: `h * (h > 0)` and `h * sigmoid(h).detach()` multiply by what autograd takes for
a constant, a functional ReLU hides behind a module whose output is thrown away, instance normalisation is the same
operation as batch normalisation, and a detached branch is not in the graph at all. Each of them breaks the equation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion
from methods.attribution._exactness import TOLERANCE, doubled, relative_gap
from methods.attribution._gradients import select

POOLS: dict[type[nn.Module], Callable[..., Any]] = {
    nn.MaxPool1d: F.max_pool1d,
    nn.MaxPool2d: F.max_pool2d,
    nn.MaxPool3d: F.max_pool3d,
}
MOST = 16
"""Inputs tried, each against three other points."""


class _Frozen:
    """Hooks that let a module's output pass at first, and from then on repeat its choice on whatever comes in."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.held, self.came = module, torch.empty(0), torch.empty(0)
        self.hold = True
        module.register_forward_pre_hook(self._before)
        module.register_forward_hook(self._after)

    def _before(self, _module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self.came = arguments[0]
        return (arguments[0].clone(),)  # an in-place module must not overwrite what came in

    def _after(self, module: nn.Module, _arguments: object, output: Tensor) -> Tensor | None:
        pool = POOLS.get(type(module))
        if self.hold:
            self.held = self._choice(module, pool)
        if pool is None:
            return self.came * self.held
        spatial = self.held.dim() - 2
        chosen = self.came.flatten(-spatial).gather(-1, self.held.flatten(-spatial))
        return chosen.view_as(output)

    def _choice(self, module: Any, pool: Callable[..., Any] | None) -> Tensor:
        """Which units are active, or which entries are the greatest."""
        came = self.came.detach()
        if pool is None:
            return (came > 0).to(came.dtype)
        _, chosen = pool(
            came,
            module.kernel_size,
            module.stride,
            module.padding,
            module.dilation,
            ceil_mode=module.ceil_mode,
            return_indices=True,
        )
        picked: Tensor = chosen
        return picked


def require_affine_between(question: AttributionQuestion, method: str) -> None:
    """Check that the model is affine, with the derivative that autograd gives, once its ReLUs and poolings are frozen.

    Raises:
        Unsupported: saying by how much it is not.
    """
    question = doubled(question)
    inputs = question.inputs[:MOST]
    targets = None if question.targets is None else question.targets[:MOST]
    frozen = [_Frozen(module) for module in question.model.modules() if type(module) in {nn.ReLU, *POOLS}]

    def value(points: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
        return select(question.model(points), targets)

    at = inputs.clone().requires_grad_()
    with torch.enable_grad():
        start = value(at)
    if len({id(one.came) for one in frozen}) < len(frozen):
        raise Unsupported(
            f"{method} as Captum has it hooks the tensor that comes into a module, and in this model two of the modules"
            " get one and the same: their signals would be added twice"
        )
    (slope,) = torch.autograd.grad(start.sum(), at)
    for one in frozen:
        one.hold = False
    with torch.no_grad():
        worst = max(
            relative_gap(slope * (point - inputs), start.detach(), value(point))
            for point in _other_points(question, inputs)
        )
    if worst > TOLERANCE:
        raise Unsupported(
            f"{method} treats all but nn.ReLU and max-pooling modules as affine, and with these held fixed the model"
            f" misses its own linear extrapolation by {worst:.2g} (at most {TOLERANCE:g}): it multiplies by something"
            " that depends on the input, hides an activation, or detaches a branch"
        )


def _other_points(question: AttributionQuestion, inputs: Float[Tensor, "n ..."]) -> list[Float[Tensor, "n ..."]]:
    """Points away from the inputs: the next input, the baseline, and each input with noise as strong as itself."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(inputs.shape, generator=generator).to(inputs)
    strength = inputs.flatten(1).std(1).clamp_min(1e-3).view(-1, *[1] * (inputs.dim() - 1))
    return [inputs.roll(1, 0), question.baseline.expand_as(inputs), inputs + strength * noise]
