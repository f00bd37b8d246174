"""A flower of several parts: on which of them is its class to be read?

    image [3, 24, 24]: petals, leaves, stem, centre, a pot and the sun, each red or blue and of one of two shapes
    two rivals: one net names the colour (or the shape) of the petals, the other that of the leaves
    truth: the part that is read;   figure: petals and leaves;   asked about pixels: channels are summed

**Used** is one part, exact to the pixel: the certificate gives it the colour (or shape) that it has in another flower,
and the answer follows; it gives all other parts other colours and shapes, and the part itself the other's shape (or
colour), and the answer stays. Only images are asked about on which both nets pass. A shape can be read where the part
is and where it would be in its other shape; `outline` is what differs between the two. **Associated** with the answer
is nothing else: colours and shapes of all parts are independent. **Blind**, nobody can tell: only flowers are asked
about whose petals and leaves are of one class, so that images and targets of the two nets are the same, and their
truths complete each other. Of one map the two scores add up to 1, also of one that a net makes which has learned from
other seeds where the petals are.

A colour is found by nearly everything; a shape is the harder question, and the one that most variants ask. The dial is
the number of parts. Of parts that say nothing, the figure has only the rival's; the metrics of whole images have all of
them. `figure_auroc` on three seeds with 80 images, means of both rivals:

                            shape    colour
    smoothgrad_squared       .968      .958
    gradient                 .933      .951
    integrated_gradients     .886      .978
    occlusion                .880      .993
    lime                     .846      .967
    grad_cam                 .538      .470
    every control            .500      .500

Sources: flowers whose class one part's colour decides, an8Flower (Oramas, Wang and Tuytelaars 2019,
arXiv:1712.06302); exchange of parts, FunnyBirds (Hesse, Schaub-Meyer and Roth 2023, arXiv:2308.06248). Its scores need
a threshold above which a part counts as important, which is picked for each method on the images that are tested; here
nothing is picked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.flower_parts.flowers import GROUND
from tasks.models.flower_parts.outlines import PARTS
from tasks.models.flower_parts.subject import FlowerParts as Subject
from tasks.models.flower_parts.subject import Reads

READ: tuple[Reads, ...] = ("petals", "leaves")


@attribution_task(
    cites="arXiv:1712.06302",
    subjects={
        "petals": {"subject": "flower_parts", "reads": "petals"},
        "leaves": {"subject": "flower_parts", "reads": "leaves"},
    },
    primary="figure_auroc",
    provides=("colours",),
    controls=(
        "edge_detector",
        "input_magnitude",
        "position_prior",
        "random_weights_gradient",
        "blurred_random",
        "blind_segmenter",
    ),
    metrics=("figure_auroc", "rank_accuracy", "auroc", "truth_mass", "pointing_game", "insertion", "deletion"),
    variants={
        "shape_petals": {"by": "shape"},
        "shape_leaves": {"by": "shape", "reader": "leaves"},
        "four_parts_petals": {"by": "shape", "parts": 4},
        "four_parts_leaves": {"by": "shape", "parts": 4, "reader": "leaves"},
        "two_parts_petals": {"by": "shape", "parts": 2},
        "two_parts_leaves": {"by": "shape", "parts": 2, "reader": "leaves"},
        "colour_petals": {},
        "colour_leaves": {"reader": "leaves"},
        "large_petals": {"by": "shape", "scale": 2},
        "large_leaves": {"by": "shape", "scale": 2, "reader": "leaves"},
        "untrained_petals": {"by": "shape", "training": "none"},
        "untrained_leaves": {"by": "shape", "training": "none", "reader": "leaves"},
    },
    rivals={f"{name}_petals": f"{name}_leaves" for name in ("shape", "four_parts", "two_parts", "colour", "large")},
    twins={"shape_petals": "untrained_petals", "shape_leaves": "untrained_leaves"},
    unranked=("untrained_petals", "untrained_leaves"),
    dials={"number of parts": ("two_parts_petals", "four_parts_petals", "shape_petals")},
    small={"variants": ("colour_petals", "colour_leaves"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class FlowerParts:
    """Which part does the net read?"""

    reader: Reads = "petals"
    """Whose answer is to be explained."""
    inputs: int = 60
    """So many test images are explained: the first ones whose petals and leaves are of one class, on which both nets
    are confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, flowers with their class as target, flowers of the distribution, and the bare ground as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        images = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=images,
            targets=asked.public["classes"][chosen, subject.part].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.full_like(images[0], GROUND),
            seed=asked.method_seed,
            per_pixel=True,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """Where the class can be read, of the part that is read and of both."""
        asked = saved[self.reader]
        subject: Subject = asked.subject
        flowers = subject.flowers(asked).chosen(self._chosen(saved))
        regions = {reads: flowers.where(PARTS.index(reads), subject.by) for reads in READ}
        used, outline = (region[:, None] for region in regions[self.reader])
        finer = {"outline": outline} if subject.by == "shape" else {}
        figure = torch.stack([region for region, _ in regions.values()]).any(0)[:, None]
        return AttributionTruth(masks={"": used, **finer}, zero_set=~used, figure=figure)

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both nets."""
        petals, leaves = (saved[reads].public for reads in READ)
        classes = petals["classes"]
        chosen = classes[:, PARTS.index("petals")] == classes[:, PARTS.index("leaves")]
        if saved[self.reader].subject.training != "none":
            chosen &= petals["confirmed"] & leaves["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
