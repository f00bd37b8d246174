"""Cluster centres of the training rows as atoms, coded by pursuit: what needs no autoencoder (Coates and Ng 2012).

Where many rows have one strong feature, rows gather around directions and their centres are features; where rows are
sums of many features, or features come together, they are not. A dictionary learner that stays below it has learnt
less than a summary of the rows.
"""

from __future__ import annotations

import torch
from sklearn.cluster import MiniBatchKMeans

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.pursuit import pursue


@dictionary_method(cites="doi:10.1007/978-3-642-35289-8_30")
def kmeans(question: DictionaryQuestion, *, iterations: int = 30, rows: int = 20000, depth: int = 3) -> Dictionary:
    """Centres of as many clusters as there may be atoms, of at most `rows` centred rows; codes by orthogonal matching
    pursuit, at the asked L0 on average and at most `depth` times as many in a row.
    """
    mean = question.train.mean(0)
    generator = torch.Generator().manual_seed(question.seed)
    shown = (question.train - mean)[torch.randperm(len(question.train), generator=generator)[:rows]]
    clusters = MiniBatchKMeans(
        min(question.size, len(shown)), n_init=1, max_iter=iterations, batch_size=1024, random_state=question.seed
    )
    centres = torch.from_numpy(clusters.fit(shown.numpy()).cluster_centers_).float()
    atoms = torch.nn.functional.normalize(centres, dim=1)
    deepest, asked = depth * question.sparsity, question.sparsity
    validation, tolerance = pursue(question.validation - mean, atoms, depth=deepest, mean_active=asked)
    test, _ = pursue(question.test - mean, atoms, depth=deepest, tolerance=tolerance)
    return Dictionary(atoms, mean, validation, test)
