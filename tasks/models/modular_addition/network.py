"""Two embeddings, a layer of squares, and logits:  U ((E_a L + E_b R)^2).

With squares the product cos(fa) cos(fb) is in reach of one neuron, and the net finds the sum in thousands of steps
(Gromov 2023, arXiv:2301.02679). Embeddings are narrow: each frequency needs two of their dimensions, so the net must
choose some frequencies, as larger ones do by weight decay.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Site = Literal["summed", "hidden"]


class Adder(nn.Module):
    """Logits for the product of two elements."""

    def __init__(self, elements: int, embedding: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()

        def drawn(inputs: int, outputs: int, variance: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(inputs, outputs, generator=generator) * math.sqrt(variance))

        self.first = drawn(elements, embedding, 1 / embedding)
        self.second = drawn(elements, embedding, 1 / embedding)
        self.left = drawn(embedding, hidden, 1 / embedding)
        self.right = drawn(embedding, hidden, 1 / embedding)
        self.unembedding = drawn(hidden, elements, 1 / hidden)

    def summed(self, pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "n d"]:
        """What is squared: a part of the first element and a part of the second."""
        both: Tensor = (self.first @ self.left)[pairs[:, 0]] + (self.second @ self.right)[pairs[:, 1]]
        return both

    def hidden(self, pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "n d"]:
        """What the logits are read from."""
        return self.summed(pairs).square()

    def forward(self, pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "n elements"]:
        """Logits."""
        logits: Tensor = self.hidden(pairs) @ self.unembedding
        return logits

    def reads(self) -> Float[Tensor, "elements d"]:
        """The derivative of the logits, less their mean, by the hidden layer: it is the same in all rows."""
        centred: Tensor = self.unembedding - self.unembedding.mean(1, keepdim=True)
        return centred.T

    def jacobian_gram(self, site: Site, pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "d d"]:
        """The mean over pairs of J^T J, where J is the derivative of the logits, less their mean, by a layer."""
        reads = self.reads()
        gram = reads.T @ reads
        if site == "hidden":
            return gram
        summed = self.summed(pairs)
        return 4 * gram * (summed.T @ summed) / len(pairs)
