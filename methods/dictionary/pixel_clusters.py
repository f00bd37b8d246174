"""Clusters of what the model saw, without the model: centres of the pixels' clusters, coded by pursuit in the pixels.

A control. What its codes tell of a concept stands in the input for whoever clusters it. Its atoms are the mean
activations that belong to the centres (least squares from codes to activations), which is the most that pixels say of
directions.
"""

from __future__ import annotations

import torch
from sklearn.cluster import MiniBatchKMeans

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method
from benchmark.learning.pursuit import pursue


@dictionary_method(cites="doi:10.1007/978-3-642-35289-8_30", control=True, supervised=True, requires=("pixels",))
def pixel_clusters(
    question: DictionaryQuestion, *, iterations: int = 30, rows: int = 5000, depth: int = 3, ridge: float = 1e-2
) -> Dictionary:
    """Centres of as many clusters as there may be atoms, of at most `rows` training inputs; the asked L0 on average."""
    if question.inputs is None:
        raise Unsupported("the question has no pixels")
    pixels = {split: part.flatten(1).float() for split, part in question.inputs.items()}
    mean = pixels["train"].mean(0)
    shown = pixels["train"][:rows] - mean
    clusters = MiniBatchKMeans(
        min(question.size, len(shown)), n_init=1, max_iter=iterations, batch_size=1024, random_state=question.seed
    )
    centres = torch.from_numpy(clusters.fit(shown.numpy()).cluster_centers_).float()
    unit = torch.nn.functional.normalize(centres, dim=1)
    deepest = depth * question.sparsity
    learned, tolerance = pursue(shown, unit, depth=deepest, mean_active=question.sparsity)
    validation, test = (
        pursue(pixels[split] - mean, unit, depth=deepest, tolerance=tolerance)[0] for split in ("validation", "test")
    )
    bias = question.train.mean(0)
    gram = learned.T @ learned
    gram.diagonal().add_(ridge * gram.diagonal().mean() + 1e-12)
    atoms = torch.linalg.solve(gram, learned.T @ (question.train[: len(shown)] - bias))
    return Dictionary(atoms, bias, validation, test)
