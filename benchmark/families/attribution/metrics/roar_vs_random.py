"""ROAR against a random ranking, and against a blur of itself: is the ranking better than any, for what it says?

    roar_vs_random = accuracy of nets trained without the strongest entries of frozen random rankings
                     - the same for the explanation's                                          (mean over fractions)

Above 0 the explanation removes more of what can be learned than chance does. The published comparison (Hooker et al.
2019, arXiv:1806.10758) drew the random mask anew at every pass through the data, which augments them; here a random
ranking is drawn once for each input and stays, as the explanation's does, and three of them stand for chance.

`blurred` is the same number after a 3 x 3 Gaussian filter (s = 1) of the map's magnitudes, which adds no information
(Meng et al. 2023, arXiv:2304.13836): what it gains over the map itself is gained by the shape of the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.metrics._retraining import retrained
from benchmark.families.family import Labelled
from benchmark.plugins import metric

RANKINGS = 3


@metric(range=(-1.0, 1.0), direction="higher", truth_free=True, cites="arXiv:1806.10758", scope="methods", draws=3)
def roar_vs_random(explanations: Sequence[Labelled], question: AttributionQuestion) -> list[dict[str, float]]:
    """How much more accuracy is lost than with a frozen random ranking; for images, `blurred` as well.

    Raises:
        Unsupported: no targets, too few inputs, or too few to learn from (see `_retraining.retrained`).
    """
    generator = torch.Generator().manual_seed(0)
    first = explanations[0]
    shape = first.explanation.attributions.shape
    chance = [
        replace(first, explanation=AttributionExplanation(torch.rand(shape, generator=generator)))
        for _ in range(RANKINGS)
    ]
    images = question.inputs.ndim == 4
    blurred = [replace(one, explanation=_blurred(one.explanation)) for one in explanations] if images else []
    content = retrained([*chance, *explanations, *blurred], question, keep=False).content.mean(1)
    gains = content[:RANKINGS].mean() - content[RANKINGS:]
    own, of_blur = gains[: len(explanations)].tolist(), gains[len(explanations) :].tolist()
    return [{"": gain, **({"blurred": of_blur[at]} if images else {})} for at, gain in enumerate(own)]


def _blurred(explanation: AttributionExplanation) -> AttributionExplanation:
    """The magnitudes of a map after a 3 x 3 Gaussian filter of standard deviation 1."""
    line = torch.exp(-(torch.tensor([-1.0, 0.0, 1.0]) ** 2) / 2)
    kernel = (line[:, None] * line[None]) / line.sum() ** 2
    maps: Float[Tensor, "n c h w"] = explanation.attributions.abs()
    channels = maps.shape[1]
    found = torch.nn.functional.conv2d(maps, kernel.expand(channels, 1, 3, 3), padding=1, groups=channels)
    return AttributionExplanation(found, explanation.per_pixel)
