"""The activations' own coordinates as atoms, one of each sign: what is there before any dictionary is learned."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, both_signs, dictionary_method


@dictionary_method(cites="arXiv:2408.00113")
def raw_neurons(question: DictionaryQuestion) -> Dictionary:
    """Coordinate axes, those of greatest variance if not all fit; the largest coordinates are kept in each row."""
    mean = question.train.mean(0)
    order = question.train.var(0).argsort(descending=True, stable=True)[: question.size // 2]
    return both_signs(torch.eye(len(mean))[order], mean, question)
