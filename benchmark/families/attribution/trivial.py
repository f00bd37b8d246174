"""Attribution: a network that is linear where it matters and blind to the lower half of its input.

Whatever looks at the model must find the seen half; what only looks at the input need not.
"""

from __future__ import annotations

import torch
from torch import nn

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Behaviours
from benchmark.families.family import Template

SIDE, INPUTS, CLASSES = 6, 8, 3
SHAPE = (1, SIDE, SIDE)

JUDGE = "rank_accuracy"

TEMPLATE = Template(
    returns="Tensor",
    parameter="absolute: bool = False",
    imports="""from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method""",
    body="""    inputs = question.inputs.clone().requires_grad_(True)
    outputs = question.model(inputs)
    if question.targets is not None:
        outputs = outputs.gather(1, question.targets[:, None])
    (gradient,) = torch.autograd.grad(outputs.sum(), inputs)
    return gradient.abs() if absolute else gradient""",
    metric_imports="""from __future__ import annotations

from benchmark.families.attribution import AttributionExplanation, AttributionTruth""",
    metric_body="""    planted = truth.masks[""].flatten(1)
    shares = (explanation.magnitudes * planted).sum(1) / explanation.magnitudes.sum(1).clamp(min=1e-12)
    return float(shares.mean())""",
)


def trivial(seed: int) -> tuple[AttributionQuestion, AttributionTruth]:
    """Logits that are positive sums over the upper half of a positive 6 x 6 image, and that half as the truth.

    The ReLU between is always active, so that the model is linear: its gradient is the weights, zero in the lower half.
    Its rows stand for groups, which a linear model does not have: they are there for what is measured of groups.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand((CLASSES, *SHAPE), generator=generator) + 0.5
    weights[:, :, SIDE // 2 :] = 0
    first, second = nn.Linear(SIDE * SIDE, CLASSES, bias=False), nn.Linear(CLASSES, CLASSES, bias=False)
    first.load_state_dict({"weight": weights.flatten(1)})
    second.load_state_dict({"weight": torch.eye(CLASSES)})
    inputs = torch.rand((INPUTS, *SHAPE), generator=generator) + 0.1
    question = AttributionQuestion(
        model=nn.Sequential(nn.Flatten(), first, nn.ReLU(), second).eval().requires_grad_(False),
        inputs=inputs,
        targets=torch.arange(INPUTS) % CLASSES,
        background=torch.rand((2 * INPUTS, *SHAPE), generator=generator) + 0.1,
        baseline=torch.zeros(SHAPE),
        seed=seed,
        reach=0.1,
    )
    upper = torch.zeros(inputs.shape, dtype=torch.bool)
    upper[:, :, : SIDE // 2] = True
    rows = torch.arange(SIDE)[:, None].expand(inputs.shape).clone()
    whole = torch.ones_like(upper)
    return question, AttributionTruth(
        masks={"": upper},
        zero_set=~upper,
        figure=whole,
        groups=torch.where(upper, rows, -1),
        behaviours=Behaviours(direction=upper.long(), asked=whole),
    )
