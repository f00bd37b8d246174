"""References of the dictionary family: chance, the planted truth, and what else marks the scale."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.dictionary import (
    DictionaryExplanation,
    DictionaryQuestion,
    DictionaryTruth,
    keep_largest,
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
    return DictionaryExplanation(unit, question.train.mean(0), parts[0], parts[1] * scale, parts[2], parts[3] * scale)


@reference()
def oracle(question: DictionaryQuestion, truth: DictionaryTruth) -> DictionaryExplanation:
    """The planted truth: true directions with true magnitudes, at the truth's own L0.

    Where only on and off are known, codes are 0 and 1 and the atoms are those that reconstruct the validation rows
    best.
    """
    atoms, bias = truth.directions, truth.bias
    if atoms is None or bias is None:
        design = torch.cat([truth.validation.float(), torch.ones(len(truth.validation), 1)], 1)
        solved = torch.linalg.pinv(design) @ question.validation
        atoms, bias = solved[:-1], solved[-1]
    validation = truth.validation.float() if truth.validation_codes is None else truth.validation_codes
    test = truth.test.float() if truth.test_codes is None else truth.test_codes
    return DictionaryExplanation(atoms, bias, *sparse(validation), *sparse(test))


@reference()
def sparsest_oracle(question: DictionaryQuestion, truth: DictionaryTruth) -> DictionaryExplanation:
    """The planted truth cut to the asked sparsity: in every row only its largest features."""
    full = oracle(question, truth)
    validation = keep_largest(full.validation_codes, question.sparsity)
    return DictionaryExplanation(
        full.atoms, full.bias, *sparse(validation), *sparse(keep_largest(full.test_codes, question.sparsity))
    )
