"""References of the dictionary family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.dictionary import (
    DictionaryExplanation,
    DictionaryQuestion,
    DictionaryTruth,
    keep_largest,
    keep_largest_on_average,
    sparse,
)
from benchmark.plugins import reference


@reference(draws=True)
def random(question: DictionaryQuestion, generator: torch.Generator) -> DictionaryExplanation:
    """Chance: random unit atoms that fire, at the asked sparsity, without regard to the activations."""
    atoms = torch.randn(question.size, question.train.shape[1], generator=generator)
    parts: list[Tensor] = []
    for rows in (len(question.validation), len(question.test)):
        parts.append(torch.randint(question.size, (rows, question.sparsity), generator=generator, dtype=torch.int32))
        parts.append(torch.rand(rows, question.sparsity, generator=generator))
    scale = question.train.std() / max(1, question.sparsity) ** 0.5
    unit = torch.nn.functional.normalize(atoms, dim=1)
    bias, start = question.train.mean(0), _start(question)
    return DictionaryExplanation(unit, bias, parts[0], parts[1] * scale, parts[2], parts[3] * scale, start=start)


@reference()
def oracle(question: DictionaryQuestion, truth: DictionaryTruth) -> DictionaryExplanation:
    """The planted truth within the constraints that methods have: at most `size` features, and the asked L0.

    True directions with true magnitudes. Of more features than atoms are allowed, those with the largest sums of codes
    stay; of more codes than are asked for on average, the largest of all rows together stay, so that a row with many
    features keeps more than one with few. Where only on and off are known, codes are 0 and 1, the atoms are those that
    reconstruct the validation rows best, and which codes stay is drawn by lot.
    """
    full = _planted(question, truth)
    validation = keep_largest_on_average(full.validation_codes, question.sparsity)
    test = keep_largest_on_average(full.test_codes, question.sparsity)
    return DictionaryExplanation(full.atoms, full.bias, *sparse(validation), *sparse(test), start=full.start)


@reference()
def sparsest_oracle(question: DictionaryQuestion, truth: DictionaryTruth) -> DictionaryExplanation:
    """The planted truth with the same number of codes in every row, as TopK has it: what that rule alone costs."""
    full = _planted(question, truth)
    validation = keep_largest(full.validation_codes, question.sparsity)
    test = keep_largest(full.test_codes, question.sparsity)
    return DictionaryExplanation(full.atoms, full.bias, *sparse(validation), *sparse(test), start=full.start)


def _planted(question: DictionaryQuestion, truth: DictionaryTruth) -> DictionaryExplanation:
    """As many true features as there may be atoms, at the truth's own L0."""
    atoms, bias = truth.directions, truth.bias
    validation = truth.validation.float() if truth.validation_codes is None else truth.validation_codes
    test = truth.test.float() if truth.test_codes is None else truth.test_codes
    if atoms is None or bias is None:
        design = torch.cat([truth.validation.float(), torch.ones(len(truth.validation), 1)], 1)
        solved = torch.linalg.pinv(design) @ question.validation
        atoms, bias = solved[:-1], solved[-1]
    if len(atoms) > question.size:
        kept = validation.sum(0).argsort(descending=True, stable=True)[: question.size].sort().values
        atoms, validation, test = atoms[kept], validation[:, kept], test[:, kept]
    return DictionaryExplanation(atoms, bias, *sparse(validation), *sparse(test), start=_start(question))


def _start(question: DictionaryQuestion) -> Float[Tensor, "m d"] | None:
    """Random first atoms from the seed that the task says, if it does: where references are said to have begun."""
    if question.start_seed is None:
        return None
    generator = torch.Generator().manual_seed(question.start_seed)
    return torch.randn(question.size, question.train.shape[1], generator=generator)
