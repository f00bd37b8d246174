"""The blind segmenter finds what inputs give away, and cannot tell rivals apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, AttributionTruth, check, count_calls, taught
from benchmark.families.attribution.metrics.auroc import auroc
from benchmark.families.attribution.trivial import trivial
from methods.attribution.blind_segmenter import _Segmenter, blind_segmenter

POSED, _ = trivial(seed=0)
SHAPES = {"vectors": (12,), "series": (2, 40), "images": (1, 6, 6), "large images": (1, 35, 33)}


def asked(shape: tuple[int, ...], seed: int, count: int = 60) -> tuple[AttributionQuestion, AttributionTruth]:
    """Inputs of which the large entries are planted; large images have squares of them."""
    generator = torch.Generator().manual_seed(seed)
    if shape[-1] > 16:
        coarse = torch.randn(count, *shape[:-1], shape[-1], generator=generator)[..., ::8]
        inputs = coarse.repeat_interleave(8, -1)[..., : shape[-1]]
        if len(shape) == 3:
            inputs = inputs[:, :, ::8].repeat_interleave(8, -2)[:, :, : shape[1]]
    else:
        inputs = torch.randn(count, *shape, generator=generator)
    mask = inputs > 0.5
    question = replace(POSED, inputs=inputs, targets=torch.arange(count) % 2, background=inputs, baseline=inputs[0] * 0)
    return question, AttributionTruth(masks={"": mask})


def answer(question: AttributionQuestion, **parameters: int) -> Tensor:
    (alone,) = blind_segmenter([question], **parameters)
    return alone


def found(question: AttributionQuestion, truth: AttributionTruth) -> float:
    return auroc(check(answer(question), question), truth)[""]


@pytest.mark.parametrize("kind", SHAPES)
def test_it_finds_what_an_input_shows(kind: str) -> None:
    lessons = [asked(SHAPES[kind], seed) for seed in (1, 2, 3)]
    question, truth = asked(SHAPES[kind], 0, 20)
    count = count_calls([question])
    assert found(taught(question, lessons), truth) > 0.85
    assert count() == 0, "it does not ask the model"


def test_rivals_leave_it_at_chance() -> None:
    """One rival uses the first half of the large entries' places, the other the second half."""

    def half(mask: Tensor, first: bool) -> AttributionTruth:
        kept = torch.zeros_like(mask)
        kept[:, :6] = first
        kept[:, 6:] = not first
        return AttributionTruth(masks={"": mask & kept})

    lessons = []
    for seed in (1, 2, 3):
        question, truth = asked((12,), seed)
        lessons += [(question, half(truth.masks[""], first)) for first in (True, False)]
    question, truth = asked((12,), 0)
    told = check(answer(taught(question, lessons)), question)
    shown = truth.masks[""]
    values = [float((told.attributions[half(shown, first).masks[""]]).mean()) for first in (True, False)]
    assert values[0] == pytest.approx(values[1], abs=0.1)
    assert all(0.3 < value < 0.7 for value in values), "each of the planted places is one rival's or the other's"


def test_without_other_seeds_it_says_so() -> None:
    with pytest.raises(Unsupported, match="truths of other seeds, and there are none"):
        blind_segmenter([taught(POSED, [])])


def test_it_answers_twice_the_same() -> None:
    lessons = [asked((12,), seed) for seed in (1, 2)]
    question = taught(asked((12,), 0)[0], lessons)
    assert torch.equal(answer(question, steps=20), answer(question, steps=20))


def test_rivals_share_a_net_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = [asked((12,), seed) for seed in (1, 2)]
    first = taught(asked((12,), 0)[0], lessons)
    second = taught(asked((12,), 5)[0], lessons)
    other = taught(asked((12,), 0)[0], lessons[:1])
    fitted, fit = [], _Segmenter.fit
    monkeypatch.setattr(_Segmenter, "fit", lambda self, *given: (fitted.append(self), fit(self, *given)))
    together = blind_segmenter([first, other, second], steps=20)
    assert len(fitted) == 2
    assert all(map(torch.equal, together, [answer(each, steps=20) for each in (first, other, second)]))
