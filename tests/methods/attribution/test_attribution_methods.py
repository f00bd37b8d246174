"""Each attribution method against a closed form, and against what must not pass in silence."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from captum.attr import NoiseTunnel, Saliency
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families import attribution as family
from benchmark.families.attribution import AttributionQuestion

ROOT = Path(__file__).parents[3] / "methods" / "attribution"
NAMES = sorted(path.stem for path in ROOT.glob("[a-z]*.py"))
SHAPE = (1, 6, 6)


def run(name: str, question: AttributionQuestion, **parameters) -> torch.Tensor:
    method = getattr(importlib.import_module(f"methods.attribution.{name}"), name)
    return family.check(method(question, **parameters), question).attributions


def question_of(model: nn.Module, seed: int = 0, count: int = 5) -> AttributionQuestion:
    generator = torch.Generator().manual_seed(1)
    return AttributionQuestion(
        model=model.eval(),
        inputs=torch.randn((count, *SHAPE), generator=generator),
        targets=torch.arange(count) % 3,
        background=torch.randn((20, *SHAPE), generator=generator),
        baseline=torch.full(SHAPE, 0.1),
        seed=seed,
    )


def linear() -> tuple[AttributionQuestion, torch.Tensor]:
    """A linear subject and, for each input, the weights of its target."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    question = question_of(model)
    return question, model[1].weight.detach()[question.targets].view(-1, *SHAPE)


def deep(activation: type[nn.Module] = nn.ReLU) -> AttributionQuestion:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), activation(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 8), activation()]
    return question_of(nn.Sequential(*layers, nn.Linear(8, 3)))


def logits(question: AttributionQuestion, inputs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return question.model(inputs)[torch.arange(len(inputs)), question.targets]


CLOSED_FORMS = {
    "gradient": lambda _, w: w,
    "smoothgrad": lambda _, w: w,
    "smoothgrad_squared": lambda _, w: w**2,
    "vargrad": lambda _, w: torch.zeros_like(w),
    "input_x_gradient": lambda s, w: w * s.inputs,
    "integrated_gradients": lambda s, w: w * (s.inputs - s.baseline),
    "deep_lift": lambda s, w: w * (s.inputs - s.baseline),
    "input_magnitude": lambda s, _: (s.inputs - s.baseline).abs(),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_linear_models_have_closed_forms(name):
    question, weights = linear()
    torch.testing.assert_close(run(name, question), CLOSED_FORMS[name](question, weights), atol=1e-5, rtol=1e-5)


def test_occlusion_of_a_linear_model_is_the_mean_over_windows():
    question, weights = linear()
    parts = weights * (question.inputs - question.baseline)
    torch.testing.assert_close(run("occlusion", question, window=1, stride=1), parts, atol=1e-5, rtol=1e-5)
    sums = 4 * F.avg_pool2d(parts, 2)
    expected = sums.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(run("occlusion", question, window=2, stride=2), expected, atol=1e-5, rtol=1e-5)


def test_gradient_shap_averages_over_the_background():
    question, weights = linear()
    single = replace(question, background=question.baseline[None])
    torch.testing.assert_close(
        run("gradient_shap", single), weights * (question.inputs - question.baseline), atol=1e-5, rtol=1e-5
    )
    expected = weights * (question.inputs - question.background.mean(0))
    assert (run("gradient_shap", question, samples=1000) - expected).abs().max() < 0.12


@pytest.mark.parametrize("name", ["integrated_gradients", "deep_lift"])
def test_complete_methods_sum_to_the_difference(name):
    question = deep()
    parameters = {"steps": 400} if name == "integrated_gradients" else {}
    difference = logits(question, question.inputs) - logits(question, question.baseline.expand_as(question.inputs))
    total = run(name, question, **parameters).flatten(1).sum(1)
    torch.testing.assert_close(total, difference, atol=5e-3, rtol=1e-2)


def test_gradient_keeps_its_sign_and_agrees_with_autograd():
    question = deep()
    inputs = question.inputs.clone().requires_grad_()
    question.model(inputs)[torch.arange(5), question.targets].sum().backward()
    found = run("gradient", question)
    torch.testing.assert_close(found, inputs.grad)
    assert (found < 0).any()


def test_noise_methods_agree_with_captum_within_sampling_error():
    question = replace(deep(nn.Tanh), inputs=deep().inputs[:1], targets=torch.tensor([0]))
    spread = 0.15 * float(question.inputs.max() - question.inputs.min())
    for name, kind in (("smoothgrad", "smoothgrad"), ("smoothgrad_squared", "smoothgrad_sq"), ("vargrad", "vargrad")):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            expected = NoiseTunnel(Saliency(question.model)).attribute(
                question.inputs, nt_type=kind, nt_samples=800, stdevs=spread, target=0, abs=False
            )
        found = run(name, question, samples=800)
        assert (found - expected).norm() / expected.norm() < 0.2


def test_guided_backprop_and_deconvnet_follow_their_rules():
    torch.manual_seed(0)
    first, second = nn.Linear(36, 8), nn.Linear(8, 3)
    question = question_of(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second))
    signal = second.weight.detach()[question.targets].clamp(min=0)
    active = (first(question.inputs.flatten(1)) > 0).float()
    expected = (signal * active) @ first.weight.detach()
    torch.testing.assert_close(run("guided_backprop", question).flatten(1), expected)
    torch.testing.assert_close(run("deconvnet", question).flatten(1), signal @ first.weight.detach())


def test_edge_detector_is_zero_on_flat_images_and_marks_a_step():
    question = replace(linear()[0], inputs=torch.ones(1, *SHAPE), targets=torch.tensor([0]))
    assert run("edge_detector", question).abs().max() == 0
    step = torch.zeros(1, *SHAPE)
    step[..., 3:] = 1
    found = run("edge_detector", replace(question, inputs=step))[0, 0]
    assert torch.equal(found, torch.tensor([0.0, 0, 4, 4, 0, 0]).expand(6, 6))


@pytest.mark.parametrize("name", NAMES)
def test_methods_are_deterministic_and_leave_everything_as_it_was(name):
    question = deep()
    before = {key: value.clone() for key, value in question.model.state_dict().items()}
    inputs = question.inputs.clone()
    torch.manual_seed(1)
    first = run(name, question)
    state = torch.get_rng_state()
    second = run(name, question)
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in question.model.state_dict().items())
    assert torch.equal(inputs, question.inputs)
    assert not question.inputs.requires_grad
    assert not any(module._forward_hooks or module._backward_hooks for module in question.model.modules())


@pytest.mark.parametrize("name", ["smoothgrad", "smoothgrad_squared", "vargrad", "gradient_shap"])
def test_stochastic_methods_follow_the_subjects_seed(name):
    question = deep()
    assert not torch.equal(run(name, question), run(name, replace(question, seed=1)))


@pytest.mark.parametrize("name", NAMES)
def test_frozen_models_and_single_outputs_are_explained(name):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    question = replace(question_of(model.requires_grad_(False)), targets=None)
    assert run(name, question).shape == question.inputs.shape


class Functional(nn.Module):
    """One activation as a module, one as a function."""

    def __init__(self, function) -> None:
        super().__init__()
        self.first, self.relu, self.second, self.third = nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 3)
        self.function = function

    def forward(self, x):
        return self.third(self.function(self.second(self.relu(self.first(x.flatten(1))))))


class Reused(nn.Module):
    """One ReLU module for two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.second = nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3)

    def forward(self, x):
        return self.relu(self.second(self.relu(self.first(x.flatten(1)))))


REWRITING = ["deep_lift", "guided_backprop", "deconvnet"]


@pytest.mark.parametrize("name", REWRITING)
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Functional(F.relu), "sees modules only"),
        (Functional(F.gelu), "would treat Gelu as linear"),
        (Functional(F.silu), "would treat Silu as linear"),
        (Functional(lambda x: F.layer_norm(x, (8,))), "would treat NativeLayerNorm as linear"),
        (Functional(lambda x: x * x), "products of activations"),
        (Functional(torch.square), "would treat Pow as linear"),
        (Functional(lambda x: x @ x.T @ x), "products of activations"),
        (Functional(nn.GELU()), "would treat Gelu as linear"),
        (Reused(), "used twice: ReLU"),
    ],
)
def test_silent_failures_of_captum_are_unsupported(name, model, message):
    with pytest.raises(Unsupported, match=message):
        run(name, question_of(model))


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
def test_relu_rules_need_a_relu(name):
    with pytest.raises(Unsupported, match="has none"):
        run(name, linear()[0])
    with pytest.raises(Unsupported, match="would treat Tanh as linear"):
        run(name, question_of(nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Tanh(), nn.Linear(8, 3))))


def test_deep_lift_knows_its_activations():
    for activation in (nn.Tanh, nn.Sigmoid, nn.Softplus, nn.ELU, nn.LeakyReLU):
        assert run("deep_lift", deep(activation)).shape == (5, *SHAPE)


def test_edge_detector_needs_an_image():
    question = replace(linear()[0], inputs=torch.ones(2, 36))
    with pytest.raises(Unsupported, match="needs images"):
        run("edge_detector", question)
