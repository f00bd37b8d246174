"""Attribution: a network that is linear where it matters and blind to half of its input.

    f(x) = V relu(W x + b),   W zero on the blind half, b so large that every unit is on: f is affine in the seen half

Whatever looks at the model must find the seen half; what only looks at the input need not.
"""

from __future__ import annotations

import torch
from torch import nn

from benchmark.families.attribution import AttributionSubject, AttributionTruth

SHAPE = (1, 16, 8)
INPUTS, BACKGROUND, UNITS, CLASSES = 6, 12, 10, 3

METRIC = "rank_accuracy"

TEMPLATE = {
    "subject": "AttributionSubject",
    "returns": "Tensor",
    "parameter": "absolute: bool = False",
    "imports": """from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionSubject, attribution_method""",
    "body": """    inputs = subject.inputs.clone().requires_grad_(True)
    outputs = subject.model(inputs)
    if subject.targets is not None:
        outputs = outputs.gather(1, subject.targets[:, None])
    (gradient,) = torch.autograd.grad(outputs.sum(), inputs)
    return gradient.abs() if absolute else gradient""",
}


def trivial(seed: int) -> tuple[AttributionSubject, AttributionTruth]:
    """A subject that is made, not trained, and its truth: the rows of the image that the network sees."""
    generator = torch.Generator().manual_seed(seed)
    size = SHAPE[1] * SHAPE[2]
    seen = torch.zeros(SHAPE, dtype=torch.bool)
    seen[:, : SHAPE[1] // 2] = True
    model = nn.Sequential(nn.Flatten(), nn.Linear(size, UNITS), nn.ReLU(), nn.Linear(UNITS, CLASSES))
    with torch.no_grad():
        weight = torch.rand(UNITS, size, generator=generator) * seen.flatten()
        weights = (weight, weight.sum(1), torch.rand(CLASSES, UNITS, generator=generator), torch.zeros(CLASSES))
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(value)
    inputs = 0.1 + 0.9 * torch.rand(INPUTS, *SHAPE, generator=generator)
    subject = AttributionSubject(
        model=model.eval().requires_grad_(False),
        inputs=inputs,
        targets=torch.arange(INPUTS) % CLASSES,
        background=torch.rand(BACKGROUND, *SHAPE, generator=generator),
        baseline=torch.zeros(SHAPE),
        seed=seed,
    )
    mask = seen.expand(INPUTS, *SHAPE)
    return subject, AttributionTruth({"": mask}, zero_set=~mask)
