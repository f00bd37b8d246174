"""Online dictionary learning (Mairal et al. 2010): codes by an L1 penalty, atoms by block coordinate descent.

    minimise over D with |D_j| <= 1:   mean over rows of  min over f >= 0 of  |f D - x|^2 / 2 + alpha |f|_1

scikit-learn's solver learns the atoms; codes of the held-out rows are those of orthogonal matching pursuit at the asked
L0, for a penalty's codes would be too small.
"""

from __future__ import annotations

import torch
from sklearn.decomposition import MiniBatchDictionaryLearning

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.pursuit import pursue

DEPTH = 3
"""Codes that a row may have, as a multiple of the asked L0."""


@dictionary_method(cites="arXiv:0908.0050", small={"rows": 500, "epochs": 2})
def dictionary_learning_sparse_coding(
    question: DictionaryQuestion, *, rows: int = 10000, epochs: int = 10, alpha: float = 0.1, batch: int = 256
) -> Dictionary:
    """Atoms of at most `rows` training rows; `alpha` is in units of the rows' root mean square length."""
    bias = question.train.mean(0)
    scale = (question.train - bias).square().sum(1).mean().sqrt().clamp(min=1e-12)
    model = MiniBatchDictionaryLearning(
        n_components=question.size,
        alpha=alpha,
        max_iter=epochs,
        batch_size=batch,
        fit_algorithm="cd",
        transform_algorithm="lasso_cd",
        positive_code=True,
        random_state=question.seed,
    )
    model.fit(((question.train[:rows] - bias) / scale).double().numpy())
    atoms = torch.from_numpy(model.components_).float() * scale
    depth = DEPTH * question.sparsity
    validation, tolerance = pursue(question.validation - bias, atoms, depth=depth, mean_active=question.sparsity)
    test, _ = pursue(question.test - bias, atoms, depth=depth, tolerance=tolerance)
    return Dictionary(atoms, bias, validation, test)
