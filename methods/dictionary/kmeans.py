"""Cluster centres of the training rows as atoms, coded by pursuit: what needs no autoencoder (Coates and Ng 2012).

Where many rows have one strong feature, rows gather around directions and their centres are features; where rows are
sums of many features, or features come together, they are not. A dictionary learner that stays below it has learnt
less than a summary of the rows.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from sklearn.cluster import MiniBatchKMeans, kmeans_plusplus
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.pursuit import pursue

BATCH = 1024


@dictionary_method(cites="doi:10.1007/978-3-642-35289-8_30")
def kmeans(question: DictionaryQuestion, *, iterations: int = 30, rows: int = 20000, depth: int = 3) -> Dictionary:
    """Centres of as many clusters as there may be atoms, of at most `rows` centred rows; codes by orthogonal matching
    pursuit, at the asked L0 on average and at most `depth` times as many in a row.
    """
    mean = question.train.mean(0)
    generator = torch.Generator().manual_seed(question.seed)
    shown = (question.train - mean)[torch.randperm(len(question.train), generator=generator)[:rows]]
    count = min(question.size, len(shown))
    start = None if question.start_seed is None else _first(question.train - mean, count, question.start_seed)
    clusters = MiniBatchKMeans(
        count,
        init="k-means++" if start is None else start.numpy(),
        n_init=1,
        max_iter=iterations,
        batch_size=BATCH,
        random_state=question.seed,
    )
    centres = torch.from_numpy(clusters.fit(shown.numpy()).cluster_centers_).float()
    atoms = torch.nn.functional.normalize(centres, dim=1)
    deepest, asked = depth * question.sparsity, question.sparsity
    validation, tolerance = pursue(question.validation - mean, atoms, depth=deepest, mean_active=asked)
    test, _ = pursue(question.test - mean, atoms, depth=deepest, tolerance=tolerance)
    return Dictionary(atoms, mean, validation, test, start=start)


def _first(rows: Float[Tensor, "n d"], count: int, seed: int) -> Float[Tensor, "count d"]:
    """Centres to start from, as scikit-learn draws them (by k-means++ from three batches), from a seed of their own."""
    drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[: max(3 * BATCH, count)]
    return torch.from_numpy(kmeans_plusplus(rows[drawn].numpy(), count, random_state=seed)[0])
