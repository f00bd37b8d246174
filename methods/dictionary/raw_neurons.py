"""The activations' own coordinates as atoms, one of each sign: what is there before any dictionary is learned."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionarySubject, both_signs, dictionary_method


@dictionary_method(cites="arXiv:2408.00113")
def raw_neurons(subject: DictionarySubject) -> Dictionary:
    """Coordinate axes, those of greatest variance if not all fit; the largest coordinates are kept in each row."""
    mean = subject.train.mean(0)
    order = subject.train.var(0).argsort(descending=True, stable=True)[: subject.size // 2]
    return both_signs(torch.eye(len(mean))[order], mean, subject)
