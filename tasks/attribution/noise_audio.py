"""A tone and a chirp among noisy channels, of which the model reads one: does an explanation tell which?

    recording [1, 6, 80] = noise + a tone in one channel + a chirp in another one, each two fifths of it long
    two rivals: one net names the pitch of the tone, the other the range of the chirp: low, high, or missing
    truth: "" channel and samples of the burst that is read; "loud" those of them that are loud;
    figure: where either burst is loud;  zero set: all but the burst

**Used** is one burst: the certificate exchanges and takes out either, and lets both sound in other noise.
**Associated** with the answer is nothing else: bursts, channels, onsets and noise are independent. That a burst may be
missing is no detail: with two classes a net may listen for a high tone and call all else low, and its low tones are
told by what is nowhere in the recording. Such nets pass the other checks, and the gradient is blamed for it (one seed,
the same nets and recordings but for the third class: .82 with two, .995 with three).

**Blind**, nobody can tell: recordings, targets and background of both nets are the same, since only recordings are
asked about whose bursts have one class, and the truths complete each other. Loudness, edges, and a net that has learned
from other seeds find both bursts alike; by `figure_auroc` the scores of one map add up to 1. In the published benchmark
(ChaosMining, Shi et al. 2024, arXiv:2406.12150) one channel carries speech and the others noise, which whoever measures
loudness finds; its measure is the share of |attribution| in that channel (here `truth_mass`, in channel and time).

Recordings are planes of channels by samples: methods that cut images into squares cover several channels with each
(`lime`, `rise`, and `occlusion` with four of them). Nets whose first filters span all channels know no more of where a
burst was than such a square: Grad-CAM, whose map is all of one colour across channels, is left with the time. Nets that
listen to each channel apart leave nearly nothing to be told (one seed: gradient .995, Grad-CAM .997). The more noise a
net has learned in, the better its gradient (one seed, over whole bursts: `faint` .71, default .85, `strong` .88).

Means of both nets at the default sizes, three seeds (accuracy .995 to 1):

    figure_auroc     guided_backprop .921   gradient .913   integrated_gradients .882   occlusion .880   grad_cam .795
    truth_mass       integrated_gradients .596   guided_backprop .288   gradient .274   occlusion .241   grad_cam .115

What is multiplied with the input leaves the quiet channels alone; a gradient lies on all that filters span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Contrast, attribution_task
from benchmark.subjects import Saved
from tasks.models.noise_audio.signals import MISSING
from tasks.models.noise_audio.subject import SIGNAL, Reads
from tasks.models.noise_audio.subject import NoiseAudio as Subject

APART = {"listens": "apart", "strength": 0.3, "width": 12, "steps": 500, "learning_rate": 3e-3}
"""Nets that listen to each channel by itself stand more noise, and take longer to learn."""


@attribution_task(
    cites="arXiv:2406.12150",
    subjects={
        "tone": {"subject": "noise_audio", "reads": "tone"},
        "chirp": {"subject": "noise_audio", "reads": "chirp"},
    },
    primary="figure_auroc",
    controls=("edge_detector", "input_magnitude", "position_prior", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("figure_auroc", "figure_choice", "figure_mass", "rank_accuracy", "truth_mass", "false_positive_mass"),
        *("pointing_game", "model_contrast"),
    ),
    variants={
        "tone": {},
        "chirp": {"reader": "chirp"},
        "faint_tone": {"strength": 0.05},
        "faint_chirp": {"strength": 0.05, "reader": "chirp"},
        "strong_tone": {"strength": 0.2, "steps": 600},
        "strong_chirp": {"strength": 0.2, "steps": 600, "reader": "chirp"},
        "pink_tone": {"noise": "pink"},
        "pink_chirp": {"noise": "pink", "reader": "chirp"},
        "apart_tone": APART,
        "apart_chirp": {**APART, "reader": "chirp"},
        "untrained_tone": {"training": "none"},
        "untrained_chirp": {"training": "none", "reader": "chirp"},
    },
    rivals={f"{name}tone": f"{name}chirp" for name in ("", "faint_", "strong_", "pink_", "apart_")},
    twins={"tone": "untrained_tone", "chirp": "untrained_chirp"},
    unranked=("untrained_tone", "untrained_chirp"),
    dials={"strength of the noise": ("faint_tone", "tone", "strong_tone")},
    small={"variants": ("tone", "chirp"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class NoiseAudio:
    """Which of two bursts does the net listen to?"""

    reader: Reads = "tone"
    """Whose answer is to be explained."""
    inputs: int = 100
    """So many test recordings are explained: the first ones with one class for both bursts, on which both nets are
    confirmed. Of random weights nothing is confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, recordings with their class as target, training recordings, and silence as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        waves = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=waves,
            targets=asked.public["classes"][chosen, SIGNAL[self.reader]].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(waves[0]),
            seed=asked.method_seed,
            series=True,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """Channel and samples of the burst that is read, and where it is loud; nothing else says anything."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        signals, own = subject.signals(asked), [SIGNAL[self.reader]]
        places, loud = signals.places()[chosen], signals.loud()[chosen]
        used = places[:, own]
        pair = f"{subject.noise} {subject.strength} {subject.listens} {subject.training}"
        return AttributionTruth(
            masks={"": used, "loud": loud[:, own]},
            zero_set=~used,
            contrast=Contrast(loud[:, :1], self.reader == "tone", pair),
            figure=loud.any(1, keepdim=True),
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test recordings to explain, the same for both readers."""
        tone, chirp = (saved[reader].public for reader in ("tone", "chirp"))
        classes = tone["classes"]
        chosen = (classes[:, 0] == classes[:, 1]) & (classes[:, 0] != MISSING)
        if saved[self.reader].subject.training != "none":
            chosen &= tone["confirmed"] & chirp["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
