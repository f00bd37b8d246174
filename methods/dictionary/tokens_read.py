"""Which tokens stand there: an atom for each token that the model reads, without any model.

A control. What a single token says needs no look at the activations; an atom of a model says something only where it
says more. Where fewer codes are asked for than there are tokens in a row, the commonest are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method


@dictionary_method(cites="arXiv:2501.06254", control=True, supervised=True, requires=("tokens",))
def tokens_read(question: DictionaryQuestion) -> Dictionary:
    """Codes of 1 at the rarest tokens of each row, as many as are asked for; atoms of 0, which reconstruct nothing."""
    if question.inputs is None:
        raise Unsupported("the question has no tokens")
    count = 1 + max(int(part.max()) for part in question.inputs.values())
    if count > question.size:
        raise Unsupported(f"it needs {count} atoms, and {question.size} are allowed")
    present = {split: _present(tokens, count) for split, tokens in question.inputs.items()}
    rarity = present["train"].mean(0).argsort(descending=True, stable=True).argsort() + 1.0

    def codes(split: str) -> Tensor:
        rank = present[split] * rarity
        kept = rank.topk(min(question.sparsity, count), dim=1)
        return torch.zeros_like(rank).scatter(1, kept.indices, (kept.values > 0).float())

    zeros = torch.zeros(count, question.train.shape[1])
    return Dictionary(zeros, zeros[0], codes("validation"), codes("test"))


def _present(tokens: Tensor, count: int) -> Tensor:
    """Ones [n, count] for the tokens of each row."""
    return torch.zeros(len(tokens), count).scatter(1, tokens.long(), 1.0)
