"""Two questions with an answer: does the output rise with this column here, and is this column spurious here?

    f(x) = sum over columns of g_j(x_j),  broken lines on [0, 1]       an absent column is 0, the baseline
    asked of an entry: what does f do when it is moved up by the reach, the others as they are?    rise, fall, or stay
    two rivals: one net learned f, the other -f

The answer is read off the attribution as its users read it: by its sign, and (`spurious`) by its size. Lines may turn
at every fifth of their way, and every way up to here is followed by every way from here: half of the lines are above
their start and their mean where it is asked, half below both, and of either half as many rise as fall, and a fifth
stays. Attributions that are complete and linear (integrated gradients, Shapley values, ablation) tell how far a line is
from one of the two, as they compare with a baseline or with other inputs, and can do no better than a guess. That is
the theorem of Bilodeau, Jaques, Koh and Kim 2024 (arXiv:2212.11870), with one set of questions in the place of all
models: it holds for any conclusion from the attribution, and here for its sign. A slope answers for the next step and
not for a distance, and falls along the dial, which is the reach in shares of a column's range. To evaluate the model
where the question is (`repeated_evaluation`) answers it.

**Used** is the planted line, and only what both nets confirm when they are evaluated there is asked about.
**Associated** with the output is every column that shows something, also where to move it does nothing. **Blind**,
nobody can tell: both nets are asked the same of the same inputs, and the answers of one are those of the other turned
round, so that whoever does not look at the model is right as often as wrong on the pair. The order of the columns is
drawn, so that `spurious` is at chance as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Behaviours, attribution_task
from benchmark.subjects import Saved
from tasks.models.zigzags.lines import CELLS
from tasks.models.zigzags.subject import LEAST, SIGN, Sign, Zigzags, moves

ON_THE_WAY = 4
"""At so many points of the way an output that is said to stay is looked at."""


@attribution_task(
    cites="arXiv:2212.11870",
    subjects={
        "plain": {"subject": "zigzags"},
        "mirrored": {"subject": "zigzags", "sign": "mirrored"},
    },
    primary="behaviour_accuracy",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=("behaviour_accuracy", "completeness_gap", "infidelity"),
    variants={
        "middle_plain": {},
        "middle_mirrored": {"about": "mirrored"},
        "near_plain": {"reach": 0.05},
        "near_mirrored": {"reach": 0.05, "about": "mirrored"},
        "far_plain": {"reach": 0.35},
        "far_mirrored": {"reach": 0.35, "about": "mirrored"},
        "untrained_plain": {"training": "none"},
        "untrained_mirrored": {"training": "none", "about": "mirrored"},
    },
    rivals={f"{step}_plain": f"{step}_mirrored" for step in ("near", "middle", "far")},
    twins={f"middle_{sign}": f"untrained_{sign}" for sign in ("plain", "mirrored")},
    unranked=("untrained_plain", "untrained_mirrored"),
    dials={"range": ("near_plain", "middle_plain", "far_plain")},
    small={"variants": ("middle_plain", "middle_mirrored"), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class LocalBehaviour:
    """What does the output do when an entry is moved?"""

    about: Sign = "plain"
    """Whose output is asked about."""
    reach: float = 0.25
    """How far up an entry is moved."""
    inputs: int = 150
    """So many inputs are explained."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, inputs, inputs of the training distribution, 0 as baseline, and the reach."""
        asked = saved[self.about]
        subject: Zigzags = asked.subject
        background = asked.public["background"].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=asked.public["inputs"][: self.inputs].to(asked.device),
            targets=None,
            background=background,
            baseline=torch.zeros_like(background[0]),
            seed=asked.method_seed,
            reach=self.reach,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """What each line does on the way; asked are entries at which both nets do the same. Those that move the output
        are the mask."""
        asked = saved[self.about]
        subject: Zigzags = asked.subject
        lines, inputs = subject.lines(asked), asked.public["inputs"][: self.inputs].cpu()
        present, due = inputs > 0, lines.moves(inputs, self.reach)
        least = min(LEAST, self.reach * CELLS / 2)
        moving, still = present & (due.abs() >= least), present & lines.still(inputs, self.reach)
        if subject.training != "none":
            for one in saved.values():
                follows, stays = self._confirmed(one, inputs, due, least / 2)
                moving, still = moving & follows, still & stays
        direction = torch.where(moving, SIGN[self.about] * due.sign(), 0).long()
        return AttributionTruth(masks={"": moving}, behaviours=Behaviours(direction=direction, asked=moving | still))

    def _confirmed(
        self, saved: Saved, inputs: Float[Tensor, "n d"], due: Float[Tensor, "n d"], by: float
    ) -> tuple[Bool[Tensor, "n d"], Bool[Tensor, "n d"]]:
        """Where a net moves as the lines do, and where it stays on the whole way."""
        model, start = saved.subject.load(saved), inputs.to(saved.device)
        way = [moves(model, start, self.reach * (step + 1) / ON_THE_WAY).cpu() for step in range(ON_THE_WAY)]
        return SIGN[saved.subject.sign] * way[-1] * due.sign() >= by, torch.stack(way).abs().amax(0) <= by
