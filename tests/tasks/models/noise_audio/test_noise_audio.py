"""A tone and a chirp in noise: pitches in closed form, what is exchanged, and two nets behind one question."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.attribution import AttributionExplanation
from benchmark.families.attribution.metrics.figure_auroc import figure_auroc
from benchmark.families.attribution.references import oracle
from benchmark.subjects import Run, Saved, generator_for
from tasks.attribution.noise_audio import NoiseAudio as Task
from tasks.models.noise_audio.signals import (
    BURST,
    ENVELOPE,
    LENGTH,
    LOUD,
    MISSING,
    PITCHES,
    SLIDE,
    Signals,
    _pitches,
    draw,
)
from tasks.models.noise_audio.subject import NoiseAudio


def drawn(seed: int = 0, count: int = 300, noise: str = "white", strength: float = 0.15, channels: int = 6) -> Signals:
    return draw(noise, strength, channels, count, generator_for(seed, "x"))


def test_a_tone_keeps_its_pitch_and_a_chirp_slides_through_its_range() -> None:
    classes = torch.arange(3).repeat(100)[:, None].expand(300, 2)
    pitches = _pitches(classes, generator_for(0, "x"))
    for kind, ranges in enumerate(PITCHES):
        for code, (least, greatest) in enumerate(ranges):
            middle = pitches[classes[:, kind] == code, kind].mean(1)
            assert least - 1e-6 <= float(middle.min()) < float(middle.max()) <= greatest + 1e-6, (kind, code)
    steps = pitches.diff(dim=2)
    assert not steps[:, 0].any()
    torch.testing.assert_close(steps[:, 1].abs(), torch.full((300, BURST - 1), SLIDE / BURST), atol=1e-6, rtol=0)
    assert 0.3 < float((steps[:, 1, 0] > 0).float().mean()) < 0.7, "both ways"


def test_a_burst_sounds_at_its_pitch() -> None:
    signals = drawn()
    for kind, ranges in enumerate(PITCHES):
        for code, (least, greatest) in enumerate(ranges):
            spectrum = torch.fft.rfft(signals.bursts[signals.classes[:, kind] == code, kind], n=1024).abs()
            heard, width = spectrum.argmax(1) / 1024, kind * SLIDE / 2 + 0.01
            assert ((heard > least - width) & (heard < greatest + width)).all(), (kind, code)


def test_no_two_classes_share_a_pitch() -> None:
    ranges = [(low - slide, high + slide) for kind, slide in ((0, 0.0), (1, SLIDE / 2)) for low, high in PITCHES[kind]]
    ordered = sorted(ranges)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(ordered))
    assert ordered[0][0] > 0
    assert ordered[-1][1] < 0.5, "half a turn a sample is the highest pitch there is"


def test_a_recording_is_noise_and_two_bursts_in_channels_of_their_own() -> None:
    signals = drawn()
    places, loud = signals.places(), signals.loud()
    assert torch.equal(places.any(3).sum(2), torch.ones(300, 2, dtype=torch.int64))
    assert torch.equal(places.flatten(2).sum(2), torch.full((300, 2), BURST))
    assert not (places[:, 0] & places[:, 1]).any()
    assert not (loud & ~places).any()
    assert torch.equal(loud.flatten(2).any(2), signals.classes != MISSING)
    heard = signals.waves()[:, 0] - signals.noise
    torch.testing.assert_close(heard.masked_fill(places.any(1), 0), torch.zeros(300, 6, LENGTH))
    assert (heard.abs()[loud.any(1)] >= LOUD - 1e-6).all()
    assert (signals.bursts.abs() <= ENVELOPE + 1e-6).all()
    assert float(ENVELOPE.max()) == pytest.approx(math.sin(math.pi * (0.5 + 0.5 / BURST)) ** 2, abs=1e-6)


@pytest.mark.parametrize("which", [0, 1])
def test_one_burst_is_exchanged_or_taken_out_alone(which: int) -> None:
    one, two = drawn(), drawn(seed=1)
    mixed, bare, elsewhere = one.with_burst(which, two), one.without(which), one.with_noise(two)
    for changed in (mixed, bare):
        assert torch.equal(changed.noise, one.noise)
        assert torch.equal(changed.places(), one.places())
        assert torch.equal(changed.bursts[:, 1 - which], one.bursts[:, 1 - which])
        assert torch.equal(changed.classes[:, 1 - which], one.classes[:, 1 - which])
    assert torch.equal(mixed.bursts[:, which], two.bursts[:, which])
    assert torch.equal(mixed.classes[:, which], two.classes[:, which])
    assert (bare.classes[:, which] == MISSING).all()
    assert not bare.loud()[:, which].any()
    torch.testing.assert_close(elsewhere.waves()[:, 0] - two.noise, one.waves()[:, 0] - one.noise)


@pytest.mark.parametrize("kind", ["white", "pink"])
def test_noise_has_its_strength_and_its_spectrum(kind: str) -> None:
    noise = drawn(noise=kind, strength=0.5).noise
    assert float(noise.std()) == pytest.approx(0.5, rel=0.05)
    power = torch.fft.rfft(noise).abs().square().mean((0, 1))[1:-1]
    frequencies = torch.fft.rfftfreq(LENGTH)[1:-1]
    centred = frequencies.log() - frequencies.log().mean()
    slope = float((centred * power.log()).sum() / centred.square().sum())
    assert slope == pytest.approx({"white": 0.0, "pink": -1.0}[kind], abs=0.1)


def test_a_certificate_knows_a_reader_from_its_rival_and_from_a_guess() -> None:
    signals, other = drawn(), drawn(seed=1)
    subject = NoiseAudio()
    for number, good in ((0, True), (1, False)):
        checks, confirmed = subject._certify(signals, other, lambda heard, number=number: heard.classes[:, number])
        assert all(check.passed for check in checks) == good
        assert bool(confirmed.all()) == good
    half = torch.arange(300) % 2 == 0
    _, confirmed = subject._certify(signals, other, lambda heard: torch.where(half, heard.classes[:, 0], 0))
    assert confirmed[half].all()
    assert not confirmed[~half].any(), "an answer that stays when its burst is taken out rests on nothing"


def test_both_kinds_of_nets_take_recordings_and_one_is_blind_to_the_channel() -> None:
    waves = drawn(count=5).waves()
    for listens in ("together", "apart"):
        subject = NoiseAudio(listens=listens)
        assert subject.net()(waves).shape == (5, 3)
    apart = NoiseAudio(listens="apart").net()
    torch.testing.assert_close(apart(waves), apart(waves.flip(2)), msg="channels are summed, whichever they are")
    with pytest.raises(TouchstoneError, match="at least 2"):
        NoiseAudio(channels=1)


def test_rivals_get_one_question_and_complete_truths() -> None:
    saved = {}
    for reads in ("tone", "chirp"):
        subject = NoiseAudio(reads=reads, training="none", tests=200)
        trained = subject.train(Run(0))
        saved[reads] = Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
    tone, chirp = (Task(reader=reads, inputs=20) for reads in ("tone", "chirp"))
    one, other = tone.pose(saved), chirp.pose(saved)
    for name in ("inputs", "targets", "background", "baseline"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert len(one.inputs) == 20
    assert set(one.targets.tolist()) == {0, 1}
    first, second = tone.truth(saved), chirp.truth(saved)
    assert not (first.masks[""] & second.masks[""]).any()
    assert torch.equal(first.figure, first.masks["loud"] | second.masks["loud"])
    assert figure_auroc(oracle(first), first) == 1
    blind = AttributionExplanation(torch.randn(one.inputs.shape, generator=torch.Generator().manual_seed(0)))
    assert figure_auroc(blind, first) + figure_auroc(blind, second) == pytest.approx(1)
