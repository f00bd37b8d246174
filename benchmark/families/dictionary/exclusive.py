"""Which model has a feature: the relative norm of what writes it, in a dictionary of two models' rows side by side.

    rho_i = (1 + (|b_i| - |a_i|) / max(|a_i|, |b_i|)) / 2            a_i and b_i are the halves of atom i

0: written in the first model alone, 1/2: equally in both, 1: in the second alone. By convention an atom is the first
model's own below 0.1 and the second's above 0.9 (Lindsey et al. 2024; Minder et al. 2025, arXiv:2504.02922). A feature
that one model has at w of its strength in the other has w/2 or 1 - w/2, so the rule calls features weakened to less
than a fifth exclusive, however well they are found.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth

CUT = 0.1
"""The relative norm below which, or as near to 1, an atom is one model's alone."""
FOUND = 0.9
"""The cosine above which a direction is found, as in `recall_at_cosine_0.9`."""


def relative_norm(atoms: Float[Tensor, "m d"], widths: tuple[int, ...]) -> Float[Tensor, " m"]:
    """From 0, the first model alone, to 1, the second alone; 1/2 for atoms of length 0."""
    first, second = (part.norm(dim=1) for part in atoms.split(list(widths), dim=1))
    norm: Tensor = (1 + (second - first) / torch.maximum(first, second).clamp(min=1e-12)) / 2
    return norm


def owner(atoms: Float[Tensor, "m d"], widths: tuple[int, ...]) -> Int[Tensor, " m"]:
    """The model that alone has an atom, 0 or 1; -1 for atoms of both."""
    norm = relative_norm(atoms, widths)
    return torch.where((norm < CUT) | (norm > 1 - CUT), norm.round().long(), -1)


@dataclass(frozen=True)
class Declared:
    """The atoms that a dictionary declares exclusive, each with what is planted there."""

    feature: Int[Tensor, " e"]
    """The planted feature to which it points most, in the model that it is said to belong to."""
    cosine: Float[Tensor, " e"]
    right: Bool[Tensor, " e"]
    """Whether that feature is indeed that model's alone."""
    exclusive: Int[Tensor, " x"]
    """All planted features that one model has alone."""


def declared(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> Declared:
    """What a dictionary says of exclusive features; atoms that never fire in the validation rows say nothing.

    Raises:
        Unsupported: the rows are not those of two models.
    """
    if len(question.widths) != 2:
        raise Unsupported(f"got rows of {len(question.widths)} model(s), expected those of two side by side")
    assert truth.directions is not None, "declared in `needs`"
    fires = torch.zeros(len(explanation.atoms), dtype=torch.bool)
    fires[explanation.validation_indices[explanation.validation_values > 0].long()] = True
    owners, owned = owner(explanation.atoms, question.widths), _alone(truth.directions, question.widths)
    feature, cosine, right = [], [], []
    halves = zip(
        truth.directions.float().split(list(question.widths), dim=1),
        explanation.atoms.split(list(question.widths), dim=1),
        strict=True,
    )
    for model, (planted, written) in enumerate(halves):
        chosen = written[fires & (owners == model)]
        nearest = (normalize(chosen, dim=1) @ normalize(planted, dim=1).T).max(1)
        feature.append(nearest.indices)
        cosine.append(nearest.values)
        right.append(owned[nearest.indices] == model)
    exclusive = (owned >= 0).nonzero().flatten()
    return Declared(torch.cat(feature), torch.cat(cosine), torch.cat(right), exclusive)


def _alone(directions: Float[Tensor, "g d"], widths: tuple[int, ...]) -> Int[Tensor, " g"]:
    """The model that alone has a planted feature, which has no direction in the other; -1 for features of both."""
    first, second = (part.norm(dim=1) > 0 for part in directions.split(list(widths), dim=1))
    return torch.where(first & second, -1, second.long())
