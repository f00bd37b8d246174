"""Local interaction basis (Bushnaq et al. 2024): axes that matter to what the model reads next, one atom of each sign.

    covariance of the activations = U D U^T,     y = D^-1/2 U^T (x - mean)                     whitened
    mean of J^T J in the coordinates y = D^1/2 U^T G U D^1/2 = V L V^T                          what is read next
    codes = L^1/2 V^T y

Codes are uncorrelated, with the variances L, and what is read next changes by as much with each of them. Directions
that do not vary, or that nothing reads, are left out. Variance alone (PCA) ranks what the model computed and does not
use as high as what it uses.

The paper goes through a net from its output to its input and takes J to the next layer's own basis; G is here to what
is read next as it is, which is the same where that is the output (its basis there is a rotation).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, both_signs, dictionary_method


@dictionary_method(cites="arXiv:2405.10928", requires=("jacobian_gram",))
def local_interaction_basis(question: DictionaryQuestion, *, tolerance: float = 1e-5) -> Dictionary:
    """The axes of greatest interaction; those below `tolerance` times the greatest variance or interaction go out."""
    if question.jacobian_gram is None:
        raise Unsupported("the question does not say what the model reads next (`jacobian_gram`)")
    mean = question.train.mean(0)
    analysis, atoms = interaction_axes(question.train - mean, question.jacobian_gram, tolerance)
    kept = question.size // 2
    return both_signs(atoms[:kept].float(), mean, question, analysis[:kept].float())


def interaction_axes(
    centred: Float[Tensor, "n d"], gram: Float[Tensor, "d d"], tolerance: float
) -> tuple[Float[Tensor, "a d"], Float[Tensor, "a d"]]:
    """Rows whose products with activations are the codes, and the atoms that write them back; greatest first."""
    x = centred.double()
    variances, axes = _leading(x.T @ x / len(x), tolerance)
    whiten, colour = axes / variances.sqrt(), (axes * variances.sqrt()).T
    strengths, turn = _leading(colour @ gram.double() @ colour.T, tolerance)
    return (whiten @ turn * strengths.sqrt()).T, (turn / strengths.sqrt()).T @ colour


def _leading(matrix: Float[Tensor, "d d"], tolerance: float) -> tuple[Float[Tensor, " a"], Float[Tensor, "d a"]]:
    """Eigenvalues above `tolerance` times the greatest, falling, and their eigenvectors."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = (values > tolerance * values[-1].clamp(min=1e-300)).nonzero()[:, 0].flip(0)
    return values[kept], vectors[:, kept]
