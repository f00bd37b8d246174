"""Learned explainer: a small network that gives in one pass what an expensive method takes hundreds for (after Jethani
et al. 2021).

    teacher: Shapley values of patches of the background, for the class that the model says
    student: (image, class) -> values of patches, by least squares

What it says of an input is what the teacher said of inputs like it; how much is lost shows beside `kernel_shap`.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from sklearn.neural_network import MLPRegressor
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._patches import cut
from methods.attribution.kernel_shap import kernel_shap


@attribution_method(cites="arXiv:2107.07436", small={"width": 16, "epochs": 20, "samples": 64})
def learned_explainer(
    question: AttributionQuestion, *, width: int = 128, epochs: int = 200, samples: int = 512, across: int = 8
) -> Tensor:
    """The student's values for the inputs, having learned from the background."""
    patches = cut(question, across)
    with torch.no_grad():
        said = question.model(question.background)
    classes = 1 if question.targets is None else said.shape[1]
    named = None if question.targets is None else said.argmax(1)
    taught = replace(question, inputs=question.background, targets=named)
    lesson = kernel_shap(taught, samples=samples, across=across).flatten(1)
    sums = torch.zeros(len(lesson), patches.count).index_add(1, patches.of.flatten().cpu(), lesson.cpu())
    scale = float(sums.std().clamp_min(1e-12))
    student = MLPRegressor(
        hidden_layer_sizes=(width,), max_iter=epochs, early_stopping=False, random_state=question.seed % 2**32, tol=0
    )
    student.fit(_seen(question.background, named, classes).numpy(), (sums / scale).numpy())
    found = torch.from_numpy(student.predict(_seen(question.inputs, question.targets, classes).numpy()))
    return patches.spread(scale * found.view(len(question.inputs), -1).to(question.inputs))


def _seen(inputs: Float[Tensor, "n ..."], targets: Tensor | None, classes: int) -> Float[Tensor, "n d"]:
    """What the student sees: the entries, and the class one-hot."""
    flat = inputs.flatten(1).cpu()
    if targets is None:
        return flat
    return torch.cat([flat, torch.eye(classes)[targets.cpu()]], 1)
