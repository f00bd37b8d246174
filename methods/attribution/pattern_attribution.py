"""PatternAttribution: the gradient with weights times patterns in place of weights, layer by layer (Kindermans et al.
2017).

    a = (E+[x y] - E+[x] E[y]) / (w . (E+[x y] - E+[x] E[y])),     y = w.x, + where the unit is active
    backwards through a linear layer:  w * a in place of w;   through a ReLU: its gradient

The pattern a is the direction of the input that the unit's output follows, so that what a weight merely cancels gets
nothing. Estimated on the background. On a linear model w * a sums to one over the entries.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:1705.05598")
@torch.no_grad()
def pattern_attribution(question: AttributionQuestion) -> Tensor:
    """The signal of the target's output; needs a chain of nn.Flatten, nn.Linear and nn.ReLU."""
    layers = list(question.model) if isinstance(question.model, nn.Sequential) else []
    if not layers or not all(type(layer) in (nn.Flatten, nn.Linear, nn.ReLU, nn.Identity) for layer in layers):
        raise Unsupported("pattern_attribution needs a chain of nn.Flatten, nn.Linear and nn.ReLU modules")
    seen, here = question.background, question.inputs
    steps: list[Tensor] = []
    for number, layer in enumerate(layers):
        if isinstance(layer, nn.Linear):
            rectified = any(isinstance(after, nn.ReLU) for after in layers[number + 1 : number + 2])
            steps.append(layer.weight * _pattern(layer, seen, rectified))
        seen, here = layer(seen), layer(here)
        if isinstance(layer, nn.ReLU):
            steps.append(here > 0)
    count = len(question.inputs)
    signal = torch.zeros(count, here.numel() // count, device=here.device)
    targets = question.targets if question.targets is not None else torch.zeros(count, dtype=torch.long)
    signal[torch.arange(count), targets.to(signal.device)] = 1
    for step in reversed(steps):
        signal = signal * step if step.dtype == torch.bool else signal @ step
    return signal.view(question.inputs.shape)


def _pattern(layer: nn.Linear, inputs: Float[Tensor, "m i"], rectified: bool) -> Float[Tensor, "o i"]:
    """The direction of the inputs that each unit's output follows, in which its weights measure one."""
    points, weight = inputs.double(), layer.weight.double()
    outputs = points @ weight.T
    active = (layer(inputs) > 0) if rectified else torch.ones_like(outputs, dtype=torch.bool)
    shares = active.double() / active.sum(0).clamp_min(1)
    common = (shares * outputs).T @ points - outputs.mean(0)[:, None] * (shares.T @ points)
    measured = (weight * common).sum(1, keepdim=True)
    return torch.where(measured.abs() > 1e-12, common / measured, 0).to(layer.weight.dtype)
