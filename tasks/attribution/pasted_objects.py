"""Objects pasted on scenes: does an explanation follow the model, or the object?

    image [3, 24, 24] = a disc, cross or ring in one colour, on stripes, blobs or grain in two; either may be missing
    two rivals: one net names the object, the other the scene
    truth: the pixels of the object, or those of the scene;   figure: all pixels but a seam around the object, where
    its outline is told by what it does not cover

**Used** is the object by the one net and the scene by the other: the certificate exchanges and takes out either, moves
and recolours the object. **Associated** with the answer is nothing else where an object is found in all three scenes
alike; where it is usually found in two or one of them (the dial), the other part tells the answer nine times out of
ten, and is not used all the same: the nets pass the same certificate. A scene is read in all of its pixels; that the
object covers some of them is no use of these pixels, though a change of them would be noticed (what an adversary could
do is another truth, as in `stacked_digits`).

**Blind**, nobody can tell: images, targets and background of both nets are the same, since only images are asked about
whose object and scene have one code, and the truths complete each other. An object is easily seen: who marks it has
more than 0.99 with the one net and less than 0.01 with the other (`input_magnitude`), and so has a segmenter that has
learned from other seeds.

The setting is that of BAM (Yang and Kim 2019, arXiv:1907.09701), with drawings in place of photographs. Its three
measures:

- `model_contrast`: the object should be marked more for the net that reads it. The paper's relative one compares nets
  that read scenes and for which an object tells more or less of the scene: `model_contrast@unused` along the dial,
  which should stay where it is, as none of them uses the object.
- `input_dependence_rate`, between the images and the same ones with the object `moved`: its place should be marked more
  where what it shows is used. The paper compares with scenes without an object; here both images have one.
- `input_independence_rate`, between the images and the same ones with the object `recoloured`: its place should be
  marked as before. The paper looks for a patch that leaves the output; here the change is within the distribution.

`alone` asks the paper's third net, trained on scenes without objects, and is a diagnosis: it has never seen an object,
and one moves its answer on a third of the images (one seed). Only images are asked about on which it does not.

Measured at the default sizes, three seeds (accuracy .985 to .998), `figure_auroc` of either net, `model_contrast`, and
the dependence and independence rates of the net that reads scenes:

                             object    scene     mean    contrast    dependence    independence
    grad_cam                   .973     .640     .807         .42           .61             .50
    gradient                   .972     .600     .786         .20           .74             .22
    guided_backprop            .989     .561     .775         .20           .70             .22
    occlusion                  .984     .556     .770         .48           .82             .14
    integrated_gradients       .994     .201     .598         .09           .12             .50
    input_magnitude            .996     .004     .500         .00           .00             .95
    random weights             .541     .459     .500         .00           .51             .40

Grad-CAM leads and the gradient goes before integrated gradients, as in the paper. What multiplies by the input marks an
object that is farther from the baseline than the scene is, whoever reads it: below chance where the scene is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.families.attribution import (
    Alteration,
    AttributionQuestion,
    AttributionTruth,
    Contrast,
    attribution_task,
)
from benchmark.subjects import Saved
from tasks.models.pasted_objects.composites import MISSING
from tasks.models.pasted_objects.subject import PastedObjects as Subject
from tasks.models.pasted_objects.subject import Reads, centred


@attribution_task(
    cites="arXiv:1907.09701",
    subjects={
        "object": {"subject": "pasted_objects", "reads": "object"},
        "scene": {"subject": "pasted_objects", "reads": "scene"},
    },
    primary="figure_auroc",
    controls=("edge_detector", "input_magnitude", "position_prior", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("figure_auroc", "figure_choice", "truth_mass", "false_positive_mass"),
        *("model_contrast", "input_dependence_rate", "input_independence_rate"),
    ),
    variants={
        "object": {},
        "scene": {"reader": "scene"},
        "moved_object": {"images": "moved"},
        "moved_scene": {"images": "moved", "reader": "scene"},
        "recoloured_object": {"images": "recoloured"},
        "recoloured_scene": {"images": "recoloured", "reader": "scene"},
        "two_object": {"scenes": 2},
        "two_scene": {"scenes": 2, "reader": "scene"},
        "one_object": {"scenes": 1},
        "one_scene": {"scenes": 1, "reader": "scene"},
        "alone_object": {"shown": "scenes"},
        "alone_scene": {"shown": "scenes", "reader": "scene"},
        "untrained_object": {"training": "none"},
        "untrained_scene": {"training": "none", "reader": "scene"},
    },
    rivals={f"{name}object": f"{name}scene" for name in ("", "moved_", "recoloured_", "two_", "one_", "alone_")},
    twins={"object": "untrained_object", "scene": "untrained_scene"},
    unranked=("alone_object", "alone_scene", "untrained_object", "untrained_scene"),
    dials={"scenes an object is found in": ("object", "two_object", "one_object")},
    small={"variants": ("object", "scene"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class PastedObjects:
    """Does the net read the object, or the scene?"""

    reader: Reads = "object"
    """Whose answer is to be explained."""
    images: Literal["as_drawn", "moved", "recoloured"] = "as_drawn"
    """The images as they are, or the same ones with the object in another place or in another colour."""
    inputs: int = 100
    """So many test images are explained: the first ones with one code for object and scene, on which both nets are
    confirmed. Of random weights nothing is confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, images with their code as target, images of the distribution, and medium grey as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        images = asked.public["inputs"][chosen].to(asked.device)
        if self.images != "as_drawn":
            drawn = subject.composites(asked)
            changed = drawn.moved() if self.images == "moved" else drawn.recoloured()
            images = centred(changed)[chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=images,
            targets=asked.public["objects"][chosen].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(images[0]),
            seed=asked.method_seed,
            per_pixel=True,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The pixels of the object, or those of the scene but for a seam around the object."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        places = subject.composites(asked).masks[chosen]
        first, here = places[:, [0]], places[:, [1 if self.images == "moved" else 0]]
        around = ~grown(here)
        used, unused = (here, around) if self.reader == "object" else (around, here)
        covered, trained = self.images != "moved", f"{subject.scenes} {subject.shown} {subject.training}"
        moves = Contrast(first, covered == (self.reader == "object"), f"{trained} {self.reader}")
        recolours = Alteration(first, self.images == "recoloured", f"{trained} {self.reader}")
        return AttributionTruth(
            masks={"": used},
            zero_set=unused,
            contrast=Contrast(here, self.reader == "object", f"{trained} {self.images}"),
            input_contrast=None if self.images == "recoloured" else moves,
            alteration=None if self.images == "moved" else recolours,
            figure=here | around,
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both readers."""
        one, other = (saved[reader].public for reader in ("object", "scene"))
        chosen = (one["objects"] == one["scenes"]) & (one["objects"] != MISSING)
        if saved[self.reader].subject.training != "none":
            chosen &= one["confirmed"] & other["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]


def grown(masks: Bool[Tensor, "n 1 h w"]) -> Bool[Tensor, "n 1 h w"]:
    """Masks with all pixels that touch them."""
    return F.max_pool2d(masks.float(), 3, stride=1, padding=1) > 0
