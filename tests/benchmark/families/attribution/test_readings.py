"""One method asked and read otherwise, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.family import FAMILY
from benchmark.families.attribution.readings import READINGS, read

WEIGHTS = torch.tensor([[1.0, -2.0], [0.5, 3.0]])


def question() -> AttributionQuestion:
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(WEIGHTS)
    inputs = torch.tensor([[0.3, -0.1], [1.0, 0.2]])
    background = torch.tensor([[1.0, 3.0], [3.0, 5.0]])
    targets = torch.tensor([0, 1])
    return AttributionQuestion(model.eval(), inputs, targets, background, torch.ones(2), seed=0)


def gradient(question: AttributionQuestion) -> torch.Tensor:
    inputs = question.inputs.clone().requires_grad_()
    said = question.model(inputs).gather(1, question.targets[:, None]).sum()
    return torch.autograd.grad(said, inputs)[0]


def test_the_gradients_of_logit_probability_and_loss() -> None:
    asked = question()
    shares = asked.model(asked.inputs).softmax(1).detach()
    own = shares.gather(1, asked.targets[:, None])
    logit = WEIGHTS[asked.targets]
    loss = logit - shares @ WEIGHTS
    assert torch.allclose(read(gradient, "target", "loss")(asked).attributions, loss, atol=1e-6)
    assert torch.allclose(read(gradient, "target", "probability")(asked).attributions, own * loss, atol=1e-6)


@pytest.mark.parametrize(("way", "neutral"), [("zeros", [0.0, 0.0]), ("mean", [2.0, 4.0]), ("sample", [1.0, 3.0])])
def test_the_neutral_input(way: str, neutral: list[float]) -> None:
    found = read(lambda q: q.inputs - q.baseline, "baseline", way)(question())
    assert torch.equal(found.attributions, question().inputs - torch.tensor(neutral))


def test_the_signs_complete_each_other() -> None:
    plain, asked = gradient(question()), question()
    up, down = (read(gradient, "sign", way)(asked).attributions for way in ("positive", "negative"))
    assert torch.equal(up - down, plain)
    assert bool((up >= 0).all())
    assert bool((down >= 0).all())
    assert bool((up * down == 0).all())


def test_channels_of_a_pixel() -> None:
    colours = torch.tensor([3.0, -4.0, 0.0]).view(1, 3, 1, 1).expand(2, 3, 2, 2)
    asked = replace(question(), inputs=torch.zeros(2, 3, 2, 2), per_pixel=True)
    found = {way: read(lambda _q: colours, "channels", way)(asked).attributions for way in READINGS["channels"]}
    assert {way: values.unique().tolist() for way, values in found.items()} == {
        "net": [1.0],
        "largest": [4.0],
        "euclidean": [5.0],
    }
    assert all(values.shape == (2, 1, 2, 2) for values in found.values())


def test_it_declines_where_nothing_could_be_meant() -> None:
    with pytest.raises(Unsupported, match="one output"):
        read(gradient, "target", "loss")(replace(question(), targets=None))
    with pytest.raises(Unsupported, match="no channels"):
        read(gradient, "channels", "net")(question())


def test_what_stands_beside_the_map_stays() -> None:
    chosen = torch.tensor([[True, False], [False, True]])
    found = read(lambda q: AttributionExplanation(q.inputs, selected=chosen), "sign", "negative")(question())
    assert torch.equal(found.selected, chosen)


def test_every_reading_answers_and_parameters_pass() -> None:
    colours = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    asked = replace(question(), model=nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval(), inputs=colours)
    asked = replace(asked, per_pixel=True, background=colours, baseline=colours[0])
    for choice, ways in FAMILY.readings.items():
        for way in ways:
            found = FAMILY.read(lambda q, *, scale: scale * q.inputs, choice, way)(asked, scale=2.0)
            assert len(found.attributions) == 2, (choice, way)
