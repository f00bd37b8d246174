"""Series with two events, each with a class of its own.

    spike   spikes in the value channel; a spike in the mark channel marks one of them upwards, and one downwards
            class of an event: the sign of the spike that is marked;    then `delay` steps of noise alone
    band    a burst of one of two slow tones, and one of two fast ones, anywhere       class: which of the two
    state   a state that switches is shown in the mark channel; in either state, the value channel drifts up or down
            class of an event: the drift in its state

Spikes and drifts in a decoy channel, spikes without a mark and tones of a frequency in between are nobody's. Noise is
autoregressive of first order in all channels, and a seed draws which channel is which.

The kinds are those in use for series (delayed spikes and switching states: Tonekaboni et al. 2020, arXiv:2003.02821;
bands: Queen et al. 2023, arXiv:2306.02109), drawn anew: here the truth marks the event that the answer needs and no
other. What is marked at one step and asked for later is the long-delay problem of Hochreiter and Schmidhuber 1997
(doi:10.1162/neco.1997.9.8.1735).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Kind = Literal["spike", "band", "state"]
MARK, VALUE, DECOY = 0, 1, 2
"""What the first three channels are, before a seed puts all in its order; the rest is noise."""
CHANNELS = 4
WINDOW = 12
"""Steps in which spikes may fall."""
UNMARKED = 3
"""Spikes of the value channel that no mark names; as many as with a mark and one more in the decoy channel."""
MEMORY = 0.5
"""Of the noise: its correlation from a step to the next."""
TONES = ((0.07, 0.16), (0.34, 0.45))
"""Cycles a step, of both classes of both events: a burst of twelve steps tells what is 1/12 apart."""
BETWEEN = 0.25
"""The tone that is nobody's."""
BURST = 12
SWITCH = 0.15
"""The chance of a switch at each step."""
SPIKE, LEVEL, TONE, DRIFT = 4.0, 1.5, 3.5, 1.2
"""Heights of spikes, of the state's level, of tones and of drifts, in standard deviations of the noise."""


@dataclass(frozen=True, eq=False)
class Series:
    """Series in the parts that they are made of: all parts are summed."""

    noise: Float[Tensor, "n c t"]
    others: Float[Tensor, "n c t"]
    """What looks like a value and is nobody's."""
    marks: Float[Tensor, "n events c t"]
    """What says which values are an event's; of opposite signs for the two events."""
    values: Float[Tensor, "n events classes c t"]
    """What each event would be in either class."""
    classes: Int[Tensor, "n events"]

    def inputs(self) -> Float[Tensor, "n 1 c t"]:
        """What a net sees, as an image of channels over steps."""
        rows = torch.arange(len(self.classes))[:, None]
        values = self.values[rows, torch.arange(2), self.classes]
        return (self.noise + self.others + self.marks.sum(1) + values.sum(1))[:, None]

    def valued(self) -> Bool[Tensor, "n events c t"]:
        """Where each event's class shows."""
        return (self.values != 0).any(2)

    def marked(self) -> Bool[Tensor, "n events c t"]:
        """Where it shows which values are an event's."""
        return self.marks != 0

    def with_class(self, event: int, classes: Int[Tensor, " n"]) -> Series:
        """Another class of one event, at the same place; all else stays."""
        changed = self.classes.clone()
        changed[:, event] = classes
        return replace(self, classes=changed)

    def with_event_of(self, event: int, others: Series) -> Series:
        """One event replaced by another series' with its mark, place and class: of the next one that leaves room."""
        kept = (self.others != 0) | self.marked()[:, 1 - event] | self.valued()[:, 1 - event]
        taken = others.marked()[:, event] | others.valued()[:, event]
        free = kept.flatten(1).float() @ taken.flatten(1).float().T == 0
        count = len(taken)
        after = (torch.arange(count) - torch.arange(len(kept))[:, None] - 1) % count
        rows, at = (free * (count - after)).argmax(1), torch.tensor([event])
        marks, values, classes = (
            mine.index_copy(1, at, its[rows][:, at])
            for mine, its in ((self.marks, others.marks), (self.values, others.values), (self.classes, others.classes))
        )
        return replace(self, marks=marks, values=values, classes=classes)

    def with_marks_exchanged(self) -> Series:
        """Each event's values are marked as the other's."""
        return replace(self, marks=-self.marks)

    def with_ground_of(self, others: Series, signs: Float[Tensor, "n c"]) -> Series:
        """Noise of other series, and what is nobody's with signs of its own."""
        return replace(self, noise=others.noise, others=self.others * signs[:, :, None])


def draw(
    kind: Kind, count: int, length: int, delay: int, order: Int[Tensor, " c"], generator: torch.Generator
) -> Series:
    """`count` independent series of `length` steps, their channels in the given order."""
    classes = torch.randint(2, (count, 2), generator=generator)
    if kind == "spike":
        made = _spikes(count, length, delay, generator)
    else:
        made = {"band": _bands, "state": _states}[kind](count, length, generator)
    others, marks, values = (part[..., order, :] for part in made)
    return Series(_noise(count, length, generator), others, marks, values, classes)


def _noise(count: int, steps: int, generator: torch.Generator) -> Float[Tensor, "n c t"]:
    """Autoregressive noise of unit variance."""
    fresh = torch.randn(count, CHANNELS, steps, generator=generator) * math.sqrt(1 - MEMORY**2)
    fresh[..., 0] /= math.sqrt(1 - MEMORY**2)
    for step in range(1, steps):
        fresh[..., step] += MEMORY * fresh[..., step - 1]
    return fresh


Parts = tuple[Float[Tensor, "n c t"], Float[Tensor, "n events c t"], Float[Tensor, "n events classes c t"]]


def _empty(count: int, steps: int) -> Parts:
    shape = (CHANNELS, steps)
    return torch.zeros(count, *shape), torch.zeros(count, 2, *shape), torch.zeros(count, 2, 2, *shape)


def _spikes(count: int, steps: int, delay: int, generator: torch.Generator) -> Parts:
    others, marks, values = _empty(count, steps)
    rows = torch.arange(count)
    places = steps - delay - WINDOW + torch.rand(count, WINDOW, generator=generator).argsort(1)
    for event, sign in enumerate((1.0, -1.0)):
        marks[rows, event, MARK, places[:, event]] = sign * SPIKE
        for number in range(2):
            values[rows, event, number, VALUE, places[:, event]] = (2 * number - 1) * SPIKE
    signs = 2.0 * torch.randint(2, (count, 2, WINDOW), generator=generator) - 1
    for place in range(2 + UNMARKED):
        others[rows, DECOY, places[:, place]] = signs[:, 0, place] * SPIKE
        if place >= 2:
            others[rows, VALUE, places[:, place]] = signs[:, 1, place] * SPIKE
    return others, marks, values


def _bands(count: int, steps: int, generator: torch.Generator) -> Parts:
    others, marks, values = _empty(count, steps)
    rows = torch.arange(count)
    channels = torch.rand(count, CHANNELS, generator=generator).argsort(1)
    starts = torch.randint(steps - BURST + 1, (count, 3), generator=generator)
    turns = 2 * math.pi * torch.rand(count, 3, 2, 1, generator=generator)
    since = torch.arange(steps) - starts[:, :, None]
    window = TONE * ((since >= 0) & (since < BURST))

    def tone(burst: int, number: int, frequency: float) -> Float[Tensor, "n t"]:
        return window[:, burst] * torch.sin(2 * math.pi * frequency * since[:, burst] + turns[:, burst, number])

    for event, frequencies in enumerate(TONES):
        for number, frequency in enumerate(frequencies):
            values[rows, event, number, channels[:, event]] = tone(event, number, frequency)
    others[rows, channels[:, 2]] = tone(2, 0, BETWEEN)
    return others, marks, values


def _states(count: int, steps: int, generator: torch.Generator) -> Parts:
    others, marks, values = _empty(count, steps)
    switches = torch.rand(count, steps, generator=generator) < SWITCH
    switches[:, 0] = torch.rand(count, generator=generator) < 0.5
    state = switches.cumsum(1) % 2
    share = state.float().mean(1)
    state[(share - 0.5).abs() > 0.25, steps // 2 :] ^= 1  # so that either state takes about a quarter or more
    decoy = 2.0 * torch.randint(2, (count, 2), generator=generator) - 1
    others[:, DECOY] = DRIFT * decoy.gather(1, state)
    for event in range(2):
        inside = state == event
        marks[:, event, MARK] = (1 - 2 * event) * LEVEL * inside
        for number in range(2):
            values[:, event, number, VALUE] = (2 * number - 1) * DRIFT * inside
    return others, marks, values
