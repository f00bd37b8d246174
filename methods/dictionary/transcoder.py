"""The transcoder (Dunefsky, Chlenski and Nanda 2024): codes that are read from what a layer gets and write what it
makes of it.

    f = TopK(relu(E x + c)),      loss = |f D + b - y|^2,      y: what the next part of the model makes of x

An autoencoder spends its codes on what varies in x; these go to what is computed from it. The k largest codes of a row
survive, instead of the penalty of the paper, so that the asked number is met. A code has a direction that it is read
along and one that it writes in y; as an atom of x it gets what stands in x when it is on, by least squares.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest
from benchmark.learning.decoding import written
from benchmark.learning.dictionaries import train
from benchmark.learning.rules import Autoencoder, Rule, Units

ROWS = 10000
"""Training rows from which atoms of the activations are taken."""


@dataclass(frozen=True)
class Transcoding(Rule[Autoencoder]):
    """Write something else than what was read."""

    outputs: int
    """The width of what is written."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> Autoencoder:
        """Random unit directions, to read and to write."""
        read, atoms = (torch.randn(size, width, generator=generator) for width in (x.shape[1], self.outputs))
        return Autoencoder(
            read / read.norm(dim=1, keepdim=True),
            atoms / atoms.norm(dim=1, keepdim=True),
            torch.zeros(size),
            torch.zeros(self.outputs),
            torch.tensor(float(asked)),
        )

    def encode(self, p: Autoencoder, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """The largest positive entries of E x + c."""
        return keep_largest(linear(x, p.encoder, p.encoder_bias).relu(), int(p.asked))

    def in_units(self, p: Autoencoder, source: Units, target: Units) -> Autoencoder:
        """Parameters between activations that are not normalised, with the same codes."""
        encoder = p.encoder / source.scale
        return replace(
            p,
            encoder=encoder,
            encoder_bias=p.encoder_bias - encoder @ source.mean,
            atoms=p.atoms * target.scale,
            bias=p.bias * target.scale + target.mean,
        )


@dictionary_method(
    cites="arXiv:2406.11944",
    requires=("outputs",),
    small={"steps": 100},
    budget="steps",
    tunable={"learning_rate": {"low": 1e-3, "high": 1e-1}},
)
def transcoder(
    question: DictionaryQuestion, *, steps: int = 2000, batch: int = 256, learning_rate: float = 2e-3
) -> Dictionary:
    """Sparse codes of the activations that rebuild what the next part of the model makes of them."""
    if question.outputs is None:
        raise Unsupported("the question does not say what the model makes of the activations next (`outputs`)")
    (coder,) = train(
        [question.train],
        [question.sparsity],
        [question.seed],
        size=question.size,
        rule=Transcoding(question.outputs.shape[1]),
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        targets=[question.outputs],
        starts=[question.start_seed],
    )
    shown = question.train[:ROWS]
    atoms, bias = written(coder.encode(shown), shown)
    return Dictionary(atoms, bias, coder.encode(question.validation), coder.encode(question.test))
