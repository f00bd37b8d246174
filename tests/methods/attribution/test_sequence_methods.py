"""Methods on sequences: what attention is followed, and what takes away one place at a time."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families import attribution as family
from benchmark.families.attribution import AttributionQuestion
from methods.attribution._patches import cut
from tasks.models.shared.transformer import Transformer

PLACES, TOKENS = 5, 4
ATTENTION = ["attention_rollout", "transformer_relevance"]


def run(name: str, question: AttributionQuestion, **parameters) -> torch.Tensor:
    method = getattr(importlib.import_module(f"methods.attribution.{name}"), name)
    return family.check(method(question, **parameters), question).attributions


def asked(model: nn.Module, count: int = 3) -> AttributionQuestion:
    generator = torch.Generator().manual_seed(1)
    sequences = torch.eye(TOKENS)[torch.randint(TOKENS, (60, PLACES), generator=generator)].mT.contiguous()
    return AttributionQuestion(
        model=model.eval().requires_grad_(False),
        inputs=sequences[:count],
        targets=torch.arange(count) % 3,
        background=sequences,
        baseline=torch.zeros(TOKENS, PLACES),
        seed=0,
        per_pixel=True,
    )


def transformer(**given) -> AttributionQuestion:
    torch.manual_seed(0)
    return asked(Transformer(TOKENS, PLACES, 3, width=8, glances=(1, 2), **given))


class Fixed(nn.Module):
    """Layers whose attention is given: h += A h for each, and the last place's h is the logits."""

    def __init__(self, *scores: torch.Tensor, skip: bool = True, softmax: bool = True, parallel: bool = False) -> None:
        super().__init__()
        self.scores, self.skip, self.parallel = scores, skip, parallel
        self.softmax = nn.ModuleList(nn.Softmax(-1) if softmax else nn.Identity() for _ in scores)
        self.values = nn.Parameter(torch.randn(TOKENS, 3, generator=torch.Generator().manual_seed(2)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stream = first = x.mT @ self.values
        for score, softmax in zip(self.scores, self.softmax, strict=True):
            seen = first if self.parallel else stream
            # scores that depend on the stream, by nothing, as those of attention do
            taken = softmax(score + 0 * seen.sum((1, 2))[:, None, None]) @ seen
            stream = stream + taken if self.skip else taken
        return stream[:, -1]


def scores(*seeds: int) -> list[torch.Tensor]:
    return [torch.randn(PLACES, PLACES, generator=torch.Generator().manual_seed(seed)) for seed in seeds]


def test_rollout_is_the_product_of_half_attention_and_half_identity():
    first, second = scores(0, 1)
    question = asked(Fixed(first, second))
    eye = torch.eye(PLACES)
    expected = ((second.softmax(-1) + eye) / 2 @ ((first.softmax(-1) + eye) / 2))[-1]
    found = run("attention_rollout", question)
    torch.testing.assert_close(found, expected.expand(3, 1, PLACES))
    torch.testing.assert_close(found.sum((1, 2)), torch.ones(3))


def test_rollout_of_even_attention_is_known():
    even = torch.zeros(PLACES, PLACES)
    expected = torch.full((PLACES,), (1 - 0.25) / PLACES)
    expected[-1] += 0.25
    torch.testing.assert_close(run("attention_rollout", asked(Fixed(even, even))), expected.expand(3, 1, PLACES))


def test_relevance_of_one_linear_layer_is_what_each_place_gives_where_it_speaks_for_the_target():
    (score,) = scores(0)
    question = asked(Fixed(score))
    given = (question.inputs.mT @ question.model.values)[torch.arange(3), :, question.targets]
    expected = (score.softmax(-1)[-1] * given).clamp(min=0)
    expected[:, -1] += 1  # its own place, by the skip connection
    torch.testing.assert_close(run("transformer_relevance", question), expected[:, None])


def test_relevance_of_two_layers_follows_the_rule_place_by_place():
    """R <- R + A- R, with the gradients of finite differences in double precision."""
    question = transformer()
    model = question.model.double()
    kept: list[torch.Tensor] = []
    shift: list[torch.Tensor | float] = [0.0, 0.0]
    layers = [module for module in model.modules() if isinstance(module, nn.Softmax)]
    for number, module in enumerate(layers):

        def moved(_module, _arguments, output, number=number):
            kept.append(output)
            return output + shift[number]

        module.register_forward_hook(moved)
    one, target = question.inputs[:1].double(), int(question.targets[0])
    model(one)
    weights = [output[0].clone() for output in kept[:2]]
    relevance = torch.eye(PLACES, dtype=torch.float64)
    for number, (heads, size) in enumerate(tuple(w.shape[:2]) for w in weights):
        slopes = torch.zeros_like(weights[number])
        for head in range(heads):
            for query in range(size):
                for key in range(query + 1):
                    step = torch.zeros(1, heads, size, size, dtype=torch.float64)
                    step[0, head, query, key] = 1e-6
                    outputs = []
                    for sign in (1, -1):
                        shift[number] = sign * step
                        outputs.append(float(model(one)[0, target]))
                    shift[number] = 0.0
                    slopes[head, query, key] = (outputs[0] - outputs[1]) / 2e-6
        relevance = relevance + (weights[number] * slopes).clamp(min=0).mean(0) @ relevance
    again = transformer()
    found = run("transformer_relevance", again)[0, 0]
    torch.testing.assert_close(found.double(), relevance[-1], atol=1e-5, rtol=1e-4)


def test_an_output_read_from_two_places_gives_the_mean_of_their_rows():
    question = transformer(read=2, layers=1)
    weights: list[torch.Tensor] = []
    question.model.layers[0].attention.softmax.register_forward_hook(lambda _m, _a, output: weights.append(output))
    found = run("attention_rollout", question)
    rows = (weights[0].mean(1) + torch.eye(PLACES)) / 2
    torch.testing.assert_close(found, rows[:, -2:].mean(1, keepdim=True))


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(TOKENS * PLACES, 3)), "the model shows none"),
        (nn.Sequential(nn.Flatten(), nn.Linear(TOKENS * PLACES, 3), nn.Softmax(1)), r"the model shows \[3\]"),
        (Fixed(*scores(0), softmax=False), "the model shows none"),
        (Fixed(*scores(0, 1), parallel=True, skip=True), "layer 2 does not read 1"),
    ],
)
def test_models_that_do_not_follow_the_protocol_are_unsupported(name, model, message):
    with pytest.raises(Unsupported, match=message):
        run(name, asked(model))


@pytest.mark.parametrize("name", ATTENTION)
def test_questions_about_entries_or_pixels_are_unsupported(name):
    question = transformer()
    with pytest.raises(Unsupported, match="all entries"):
        run(name, replace(question, per_pixel=False))
    with pytest.raises(Unsupported, match="places of sequences"):
        run(name, replace(question, inputs=question.inputs[..., None]))


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_methods_leave_the_model_as_it_was_and_take_single_outputs(name):
    question = transformer()
    first = run(name, question)
    assert torch.equal(first, run(name, question))
    assert not any(module._forward_hooks for module in question.model.modules())
    single = replace(question, model=nn.Sequential(question.model, Head(0)), targets=None)
    assert torch.equal(run(name, single)[0], first[0]), "the first input's target is class 0"
    assert (first >= 0).all()


class Head(nn.Module):
    def __init__(self, which: int) -> None:
        super().__init__()
        self.which = which

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return logits[:, self.which]


def linear() -> tuple[AttributionQuestion, torch.Tensor]:
    """A linear model of tokens, and what each place gives to the target."""
    torch.manual_seed(0)
    layer = nn.Linear(TOKENS * PLACES, 3)
    question = asked(nn.Sequential(nn.Flatten(), layer))
    weights = layer.weight.detach()[question.targets].view(-1, TOKENS, PLACES)
    return question, (weights * question.inputs).sum(1)


@pytest.mark.parametrize("name", ["occlusion", "feature_ablation", "lime", "kernel_shap", "shapley_sampling"])
def test_places_are_taken_away_one_by_one(name):
    question, given = linear()
    assert torch.equal(cut(question, 2).of, torch.arange(PLACES).expand(TOKENS, PLACES))
    found = run(name, question, **({"ridge": 0.0} if name == "lime" else {}))
    expected = given.abs() * (TOKENS if name == "occlusion" else 1)  # a window's fall stands at each of its entries
    magnitudes = family.AttributionExplanation(found, per_pixel=True).magnitudes
    torch.testing.assert_close(magnitudes, expected, atol=1e-4, rtol=1e-3)


def test_masks_of_rise_hold_whole_places():
    question, _ = linear()
    found = run("rise", question, samples=50)
    assert torch.equal(found, found[:, :1].expand_as(found))
    assert len(found[0, 0].unique()) == PLACES


def test_controls_of_sequences():
    question, _ = linear()
    prior = run("position_prior", question)
    assert torch.equal(prior, torch.arange(PLACES, 0, -1.0).expand(3, TOKENS, PLACES))
    noise = run("blurred_random", question)
    rows = torch.corrcoef(noise.permute(1, 0, 2).flatten(1))
    assert (rows - torch.eye(TOKENS)).abs().max() < 0.95, "tokens are not blurred into one another"
    for name in ("edge_detector", "tile_roughness"):
        with pytest.raises(Unsupported, match="images"):
            run(name, question)
