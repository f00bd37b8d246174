"""Training rows as atoms: a dictionary that has learnt nothing, only remembers examples.

Every row is a sum of features, so it has some cosine with each of them. What this reaches needs no decomposition.
"""

from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.pursuit import pursue


@dictionary_method(cites="arXiv:2602.14111", control=True)
def training_rows(question: DictionaryQuestion, *, depth: int = 3) -> Dictionary:
    """Unit vectors along centred training rows drawn at random; codes by orthogonal matching pursuit, at the asked L0
    on average and at most `depth` times as many in a row.
    """
    mean = question.train.mean(0)
    generator = torch.Generator().manual_seed(question.start)
    drawn = torch.randperm(len(question.train), generator=generator)[: question.size]
    atoms = torch.nn.functional.normalize(question.train[drawn] - mean, dim=1)
    deepest, asked = depth * question.sparsity, question.sparsity
    validation, tolerance = pursue(question.validation - mean, atoms, depth=deepest, mean_active=asked)
    test, _ = pursue(question.test - mean, atoms, depth=deepest, tolerance=tolerance)
    return Dictionary(atoms, mean, validation, test)
