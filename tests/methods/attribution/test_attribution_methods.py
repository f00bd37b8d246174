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
from benchmark.families.attribution import AttributionSubject

ROOT = Path(__file__).parents[3] / "methods" / "attribution"
NAMES = sorted(path.stem for path in ROOT.glob("[a-z]*.py"))
SHAPE = (1, 6, 6)


def run(name: str, subject: AttributionSubject, **parameters) -> torch.Tensor:
    method = getattr(importlib.import_module(f"methods.attribution.{name}"), name)
    return family.check(method(subject, **parameters), subject).attributions


def subject_of(model: nn.Module, seed: int = 0, count: int = 5) -> AttributionSubject:
    generator = torch.Generator().manual_seed(1)
    return AttributionSubject(
        model=model.eval(),
        inputs=torch.randn((count, *SHAPE), generator=generator),
        targets=torch.arange(count) % 3,
        background=torch.randn((20, *SHAPE), generator=generator),
        baseline=torch.full(SHAPE, 0.1),
        seed=seed,
    )


def linear() -> tuple[AttributionSubject, torch.Tensor]:
    """A linear subject and, for each input, the weights of its target."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    subject = subject_of(model)
    return subject, model[1].weight.detach()[subject.targets].view(-1, *SHAPE)


def deep(activation: type[nn.Module] = nn.ReLU) -> AttributionSubject:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), activation(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 8), activation()]
    return subject_of(nn.Sequential(*layers, nn.Linear(8, 3)))


def logits(subject: AttributionSubject, inputs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return subject.model(inputs)[torch.arange(len(inputs)), subject.targets]


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
    subject, weights = linear()
    torch.testing.assert_close(run(name, subject), CLOSED_FORMS[name](subject, weights), atol=1e-5, rtol=1e-5)


def test_occlusion_of_a_linear_model_is_the_mean_over_windows():
    subject, weights = linear()
    parts = weights * (subject.inputs - subject.baseline)
    torch.testing.assert_close(run("occlusion", subject, window=1, stride=1), parts, atol=1e-5, rtol=1e-5)
    sums = 4 * F.avg_pool2d(parts, 2)
    expected = sums.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(run("occlusion", subject, window=2, stride=2), expected, atol=1e-5, rtol=1e-5)


def test_gradient_shap_averages_over_the_background():
    subject, weights = linear()
    single = replace(subject, background=subject.baseline[None])
    torch.testing.assert_close(
        run("gradient_shap", single), weights * (subject.inputs - subject.baseline), atol=1e-5, rtol=1e-5
    )
    expected = weights * (subject.inputs - subject.background.mean(0))
    assert (run("gradient_shap", subject, samples=1000) - expected).abs().max() < 0.12


@pytest.mark.parametrize("name", ["integrated_gradients", "deep_lift"])
def test_complete_methods_sum_to_the_difference(name):
    subject = deep()
    parameters = {"steps": 400} if name == "integrated_gradients" else {}
    difference = logits(subject, subject.inputs) - logits(subject, subject.baseline.expand_as(subject.inputs))
    total = run(name, subject, **parameters).flatten(1).sum(1)
    torch.testing.assert_close(total, difference, atol=5e-3, rtol=1e-2)


def test_gradient_keeps_its_sign_and_agrees_with_autograd():
    subject = deep()
    inputs = subject.inputs.clone().requires_grad_()
    subject.model(inputs)[torch.arange(5), subject.targets].sum().backward()
    found = run("gradient", subject)
    torch.testing.assert_close(found, inputs.grad)
    assert (found < 0).any()


def test_noise_methods_agree_with_captum_within_sampling_error():
    subject = replace(deep(nn.Tanh), inputs=deep().inputs[:1], targets=torch.tensor([0]))
    spread = 0.15 * float(subject.inputs.max() - subject.inputs.min())
    for name, kind in (("smoothgrad", "smoothgrad"), ("smoothgrad_squared", "smoothgrad_sq"), ("vargrad", "vargrad")):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            expected = NoiseTunnel(Saliency(subject.model)).attribute(
                subject.inputs, nt_type=kind, nt_samples=800, stdevs=spread, target=0, abs=False
            )
        found = run(name, subject, samples=800)
        assert (found - expected).norm() / expected.norm() < 0.2


def test_guided_backprop_and_deconvnet_follow_their_rules():
    torch.manual_seed(0)
    first, second = nn.Linear(36, 8), nn.Linear(8, 3)
    subject = subject_of(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second))
    signal = second.weight.detach()[subject.targets].clamp(min=0)
    active = (first(subject.inputs.flatten(1)) > 0).float()
    expected = (signal * active) @ first.weight.detach()
    torch.testing.assert_close(run("guided_backprop", subject).flatten(1), expected)
    torch.testing.assert_close(run("deconvnet", subject).flatten(1), signal @ first.weight.detach())


def test_edge_detector_is_zero_on_flat_images_and_marks_a_step():
    subject = replace(linear()[0], inputs=torch.ones(1, *SHAPE), targets=torch.tensor([0]))
    assert run("edge_detector", subject).abs().max() == 0
    step = torch.zeros(1, *SHAPE)
    step[..., 3:] = 1
    found = run("edge_detector", replace(subject, inputs=step))[0, 0]
    assert torch.equal(found, torch.tensor([0.0, 0, 4, 4, 0, 0]).expand(6, 6))


@pytest.mark.parametrize("name", NAMES)
def test_methods_are_deterministic_and_leave_everything_as_it_was(name):
    subject = deep()
    before = {key: value.clone() for key, value in subject.model.state_dict().items()}
    inputs = subject.inputs.clone()
    torch.manual_seed(1)
    first = run(name, subject)
    state = torch.get_rng_state()
    second = run(name, subject)
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in subject.model.state_dict().items())
    assert torch.equal(inputs, subject.inputs)
    assert not subject.inputs.requires_grad
    assert not any(module._forward_hooks or module._backward_hooks for module in subject.model.modules())


@pytest.mark.parametrize("name", ["smoothgrad", "smoothgrad_squared", "vargrad", "gradient_shap"])
def test_stochastic_methods_follow_the_subjects_seed(name):
    subject = deep()
    assert not torch.equal(run(name, subject), run(name, replace(subject, seed=1)))


@pytest.mark.parametrize("name", NAMES)
def test_frozen_models_and_single_outputs_are_explained(name):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    subject = replace(subject_of(model.requires_grad_(False)), targets=None)
    assert run(name, subject).shape == subject.inputs.shape


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
        run(name, subject_of(model))


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
def test_relu_rules_need_a_relu(name):
    with pytest.raises(Unsupported, match="has none"):
        run(name, linear()[0])
    with pytest.raises(Unsupported, match="would treat Tanh as linear"):
        run(name, subject_of(nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Tanh(), nn.Linear(8, 3))))


def test_deep_lift_knows_its_activations():
    for activation in (nn.Tanh, nn.Sigmoid, nn.Softplus, nn.ELU, nn.LeakyReLU):
        assert run("deep_lift", deep(activation)).shape == (5, *SHAPE)


def test_edge_detector_needs_an_image():
    subject = replace(linear()[0], inputs=torch.ones(2, 36))
    with pytest.raises(Unsupported, match="needs images"):
        run("edge_detector", subject)
