"""Random directions as atoms, coded by projection: the frozen dictionary that trained ones must beat."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest


@dictionary_method(cites="arXiv:2602.14111", control=True)
def random_directions(question: DictionaryQuestion) -> Dictionary:
    """Random unit directions; each row keeps its largest projections, all scaled by one factor that fits best."""
    generator = torch.Generator().manual_seed(question.start)
    mean = question.train.mean(0)
    atoms = torch.nn.functional.normalize(torch.randn(question.size, len(mean), generator=generator), dim=1)

    def codes(activations: torch.Tensor) -> torch.Tensor:
        return keep_largest((activations - mean) @ atoms.T, question.sparsity)

    sample = question.train[:2000]
    made = codes(sample) @ atoms
    scale = float(((sample - mean) * made).sum() / made.square().sum().clamp(min=1e-12))
    return Dictionary(atoms, mean, codes(question.validation) * scale, codes(question.test) * scale)
