"""Recordings of several channels: a tone in one, a chirp in another, noise in all.

    waves [1, channels, 80] = noise + tone in a channel + chirp in another one

A burst lasts two fifths of a recording, swells and fades. A tone keeps its pitch, which is low or high; a chirp slides
up or down through the range above the low tone or that above the high one. Either may be missing, which is a class of
its own: so a low one is no mere lack of a high one. Classes, pitches, channels, onsets and phases are drawn for every
recording, all independently, but that the two bursts are in different channels. Noise is white, or pink: its power
falls with the frequency, as that of rain and wind does. One signal among channels of noise is the setting of Shi et al.
2024 (arXiv:2406.12150); the second one, which says nothing of the first, is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Noise = Literal["white", "pink"]
LENGTH, BURST = 80, 32
"""Of a recording, and of a tone or chirp in it, in samples."""
LOW, HIGH, MISSING = range(3)
"""The classes of a tone, and those of a chirp."""
PITCHES = (((0.08, 0.12), (0.28, 0.32)), ((0.19, 0.21), (0.39, 0.41)))
"""The least and the greatest half-way pitch of a low and of a high tone, and of a low and of a high chirp, in turns a
sample."""
SLIDE = 0.14
"""By how much the pitch of a chirp rises or falls."""


LOUD = 0.25
"""A sample of a burst that is at least so far from silence is loud."""
STEPS = (torch.arange(BURST) + 0.5) / BURST
ENVELOPE = torch.sin(math.pi * STEPS) ** 2


@dataclass(frozen=True, eq=False)
class Signals:
    """Recordings in the parts that they are made of; the tone stands before the chirp."""

    bursts: Float[Tensor, "n 2 32"]
    classes: Int[Tensor, "n 2"]
    channels: Int[Tensor, "n 2"]
    onsets: Int[Tensor, "n 2"]
    noise: Float[Tensor, "n c 80"]

    def waves(self) -> Float[Tensor, "n 1 c 80"]:
        """What a net hears."""
        return self.noise[:, None] + self._placed(self.bursts).sum(1, keepdim=True)

    def places(self) -> Bool[Tensor, "n 2 c 80"]:
        """Where each burst is, or would be."""
        return self._placed(torch.ones_like(self.bursts)) > 0

    def loud(self) -> Bool[Tensor, "n 2 c 80"]:
        """Where each burst is loud: not at its ends, and not as it swings through zero."""
        return self._placed(self.bursts).abs() >= LOUD

    def with_burst(self, which: int, other: Signals) -> Signals:
        """One burst exchanged for that of other recordings, in its old place."""
        bursts, classes = self.bursts.clone(), self.classes.clone()
        bursts[:, which], classes[:, which] = other.bursts[:, which], other.classes[:, which]
        return replace(self, bursts=bursts, classes=classes)

    def without(self, which: int) -> Signals:
        """One burst taken out of every recording."""
        bursts, classes = self.bursts.clone(), self.classes.clone()
        bursts[:, which], classes[:, which] = 0, MISSING
        return replace(self, bursts=bursts, classes=classes)

    def with_noise(self, other: Signals) -> Signals:
        """The same bursts in the noise of other recordings."""
        return replace(self, noise=other.noise)

    def _placed(self, bursts: Float[Tensor, "n 2 32"]) -> Float[Tensor, "n 2 c 80"]:
        count, channels = self.noise.shape[:2]
        found = torch.zeros(count, 2, channels, LENGTH)
        samples, kinds = torch.arange(count)[:, None, None], torch.arange(2)[:, None]
        found[samples, kinds, self.channels[:, :, None], self.onsets[:, :, None] + torch.arange(BURST)] = bursts
        return found


def draw(noise: Noise, strength: float, channels: int, count: int, generator: torch.Generator) -> Signals:
    """`count` recordings; `strength` is the noise's standard deviation, where a burst's greatest height is 1."""
    classes = torch.randint(3, (count, 2), generator=generator)
    turns = _pitches(classes, generator).cumsum(2) + torch.rand(count, 2, 1, generator=generator)
    return Signals(
        torch.sin(2 * math.pi * turns) * ENVELOPE * (classes != MISSING)[:, :, None],
        classes,
        torch.rand(count, channels, generator=generator).argsort(1)[:, :2],
        torch.randint(LENGTH - BURST + 1, (count, 2), generator=generator),
        strength * _noise(noise, count, channels, generator),
    )


def _pitches(classes: Int[Tensor, "n 2"], generator: torch.Generator) -> Float[Tensor, "n 2 32"]:
    """Of every burst at every sample, in turns a sample; a missing one has some pitch, which is not heard."""
    least, greatest = torch.tensor(PITCHES)[torch.arange(2), classes % MISSING].unbind(2)
    middle = least + (greatest - least) * torch.rand(classes.shape, generator=generator)
    slides = SLIDE * (1 - 2 * torch.randint(2, (len(classes),), generator=generator))
    slopes = torch.stack([torch.zeros(len(classes)), slides], 1)
    return middle[:, :, None] + slopes[:, :, None] * (STEPS - 0.5)


def _noise(kind: Noise, count: int, channels: int, generator: torch.Generator) -> Float[Tensor, "n c 80"]:
    white = torch.randn(count, channels, LENGTH, generator=generator)
    if kind == "white":
        return white
    frequencies = torch.fft.rfftfreq(LENGTH)
    gain = frequencies.clamp(min=1 / LENGTH) ** -0.5
    pink = torch.fft.irfft(torch.fft.rfft(white) * gain, n=LENGTH)
    both_sides = torch.cat([gain, gain[1:-1]])
    scaled: Tensor = pink / both_sides.square().mean().sqrt()
    return scaled
