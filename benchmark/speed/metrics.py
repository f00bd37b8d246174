"""Attribution metrics over a batch of images at once, against scikit-learn's functions called image by image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.registry import plugins
from benchmark.speed import Row, interleaved

IMAGES, PIXELS = 100, 1568
PEERS = {"auroc": roc_auc_score, "average_precision": average_precision_score}


def measure(_profile: str) -> Iterator[Row]:
    """Seconds for one metric of 100 maps of 1568 pixels, half of them in the truth."""
    from benchmark.families.attribution import AttributionExplanation, AttributionTruth

    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(IMAGES, PIXELS, generator=generator)
    mask = torch.zeros(IMAGES, PIXELS, dtype=torch.bool)
    mask[:, : PIXELS // 2] = True
    truth = AttributionTruth({"": mask}, zero_set=~mask)
    scores, labels = maps.numpy(), mask.numpy()
    torch.set_num_threads(1)
    for name, peer in PEERS.items():
        metric = plugins().find("metric", name, "attribution").load()

        def ours(metric: object = metric) -> float:
            unsorted = AttributionExplanation(maps)  # the metrics share one sorting of an explanation
            value: float = metric(unsorted, truth)[""]  # type: ignore[operator]
            return value

        def other(peer: object = peer) -> float:
            return float(np.mean([peer(y, s) for y, s in zip(labels, scores, strict=True)]))  # type: ignore[operator]

        assert abs(ours() - other()) < 1e-6, "the two must measure the same thing"
        fast, slow = interleaved(ours, other, repeats=3)
        yield Row(f"{name} of {IMAGES} maps: ours / scikit-learn, map by map", fast, "s", slow)
