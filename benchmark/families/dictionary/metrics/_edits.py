"""Edits of one attribute through a dictionary, as Makelov, Lange and Nanda 2024 (arXiv:2405.08366) make them.

    edited = x - sum of removed codes * atoms + sum of the donor's codes * atoms

An atom belongs to the attribute of whose values it tells most: where its F1 of some value is farthest above that of a
detector that is always on. From a row at most k of the active atoms that belong to the edited attribute are taken,
those of greatest F1 with the row's value, and at most k are put in their place from a *donor* which has the wanted
value. k is the asked number of codes: a dictionary that needs more for one of several attributes has none of its own.

In the paper the donor is the counterfactual itself. Here it differs from the row in *every* attribute, so that whoever
exchanges all that is there (an atom for each combination, a nearest training row) changes what was to stay, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion, DictionaryTruth


@dataclass(frozen=True, eq=False)
class Edit:
    """The edit of one attribute, in the test rows that have a donor."""

    attribute: str
    rows: Int[Tensor, " e"]
    removed: Float[Tensor, "e m"]
    """Codes that are taken out; 0 where an atom stays."""
    added: Float[Tensor, "e m"]
    wanted: Bool[Tensor, "e g"]
    """Features of the counterfactual: the donor's value of this attribute, and the row's own of all others."""


def edits(explanation: DictionaryExplanation, truth: DictionaryTruth, question: DictionaryQuestion) -> Iterator[Edit]:
    """One edit of every test row for each attribute."""
    assert truth.alternatives is not None, "declared in `needs`"
    features = [torch.tensor(columns) for columns in truth.alternatives.values()]
    donor = donors([truth.test[:, columns].int().argmax(1) for columns in features])
    rows = (donor >= 0).nonzero()[:, 0]
    donor = donor[rows]
    f1 = explanation.firings.against(truth.validation).f1[0]
    rate = truth.validation.float().mean(0)
    always = 2 * rate / (1 + rate)
    above = (f1 - always) / (1 - always).clamp(min=1e-6)
    owner = torch.stack([above[:, columns].amax(1) for columns in features]).argmax(0)
    codes, on = explanation.test_codes, truth.test
    for number, (name, columns) in enumerate(truth.alternatives.items()):
        own = [codes[part] * (owner == number) for part in (rows, donor)]
        tells = [on[part][:, columns].float() @ f1[:, columns].T for part in (rows, donor)]
        wanted = on[rows].clone()
        wanted[:, columns] = on[donor][:, columns]
        removed, added = (best(part, tell, question.sparsity) for part, tell in zip(own, tells, strict=True))
        yield Edit(name, rows, removed, added, wanted)


def best(codes: Float[Tensor, "e m"], tells: Float[Tensor, "e m"], most: int) -> Float[Tensor, "e m"]:
    """Of the positive codes of each row the `most` whose atoms tell most, the others being 0."""
    rank = tells.masked_fill(codes <= 0, -1.0)
    kept = rank.topk(min(most, codes.shape[1]), dim=1).indices
    return torch.zeros_like(codes).scatter(1, kept, codes.gather(1, kept))


def donors(values: list[Int[Tensor, " t"]]) -> Int[Tensor, " t"]:
    """For every row the next one, round in a circle, that has another value of every attribute; -1 where none has."""
    count = len(values[0])
    row = torch.arange(count)
    found = torch.full((count,), -1)
    for step in range(1, count):
        left = (found < 0).nonzero()[:, 0]
        if not len(left):
            break
        other = (row[left] + step) % count
        fits = torch.stack([value[left] != value[other] for value in values]).all(0)
        found[left[fits]] = other[fits]
    return found
