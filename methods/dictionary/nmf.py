"""Non-negative matrix factorisation (Lee and Seung 1999), of what activations are above their mean and below it.

    minimise |f [P, N] - [relu(x - b), relu(b - x)]|^2 over f, P, N >= 0;      D = P - N,      b the mean

Activations have either sign and the method needs numbers that have not, so each dimension is taken twice. A row keeps
its largest codes.
"""

from __future__ import annotations

import torch
from sklearn.decomposition import MiniBatchNMF
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest


@dictionary_method(cites="doi:10.1038/44565", small={"rows": 1000})
def nmf(question: DictionaryQuestion, *, rows: int = 20000, iterations: int = 100, batch: int = 1024) -> Dictionary:
    """Atoms of at most `rows` training rows, by scikit-learn's mini-batch solver."""
    bias, d = question.train.mean(0), question.train.shape[1]
    model = MiniBatchNMF(
        n_components=question.size, init="random", batch_size=batch, max_iter=iterations, random_state=question.seed
    )

    def parts(activations: Tensor) -> Tensor:
        return torch.cat([(activations - bias).clamp(min=0), (bias - activations).clamp(min=0)], 1)

    def codes(activations: Tensor) -> Tensor:
        lengthened = torch.from_numpy(model.transform(parts(activations).numpy())).float() * length
        return keep_largest(lengthened, question.sparsity)

    model.fit(parts(question.train[:rows]).numpy())
    signed = torch.from_numpy(model.components_[:, :d] - model.components_[:, d:]).float()
    length = signed.norm(dim=1).clamp(min=1e-12)
    return Dictionary(signed / length[:, None], bias, codes(question.validation), codes(question.test))
