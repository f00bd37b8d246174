"""Principal components as atoms, one of each sign; in superposition, variance does not point at features."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, both_signs, dictionary_method


@dictionary_method(cites="doi:10.1080/14786440109462720")
def pca(question: DictionaryQuestion) -> Dictionary:
    """Principal axes; the largest of their projections are kept in each row."""
    mean = question.train.mean(0)
    centred = question.train - mean
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1).T.contiguous()
    return both_signs(axes[: question.size // 2], mean, question)
