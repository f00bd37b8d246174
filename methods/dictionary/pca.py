"""Principal components as atoms, one of each sign; in superposition, variance does not point at features."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionarySubject, both_signs, dictionary_method


@dictionary_method(cites="doi:10.1080/14786440109462720")
def pca(subject: DictionarySubject) -> Dictionary:
    """Principal axes; the largest of their projections are kept in each row."""
    mean = subject.train.mean(0)
    centred = subject.train - mean
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1).T.contiguous()
    return both_signs(axes[: subject.size // 2], mean, subject)
