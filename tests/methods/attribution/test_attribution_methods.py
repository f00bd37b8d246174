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
from methods.attribution._gradients import noisy_copies
from tasks.models.shared import nets

ROOT = Path(__file__).parents[3] / "methods" / "attribution"
PARTICULAR = {"blind_segmenter", "repeated_evaluation"}
"""They need the truths of other seeds, or a reach, and have tests of their own."""
NAMES = sorted({path.stem for path in ROOT.glob("[a-z]*.py")} - PARTICULAR)
CONTROLS = [
    *("blurred_random", "correlated_groups", "edge_detector", "entries_alone", "input_magnitude", "position_prior"),
    *("random_groups", "tile_roughness"),
]
CHAINS = ["conditional_shap", "contextual_decomposition", "deep_lift_shap", "pattern_attribution"]
"""They need a chain of few kinds of layers, without pooling, or vectors."""
CLASSES = ["functional_information", "rise"]
CONVOLUTIONAL = ["grad_cam", "guided_grad_cam"]
SYMMETRIC = ["invariant_wrapper"]
"""They need moves that a question names."""
SEQUENTIAL = ["attention_rollout", "transformer_relevance"]
"""They need tokens and attention; `test_sequence_methods.py` asks them."""
SHAPE = (1, 6, 6)


def run(name: str, question: AttributionQuestion, **parameters) -> torch.Tensor:
    method = getattr(importlib.import_module(f"methods.attribution.{name}"), name)
    return family.check(method(question, **parameters), question).attributions


def question_of(model: nn.Module, seed: int = 0, count: int = 5, shape: tuple[int, ...] = SHAPE) -> AttributionQuestion:
    generator = torch.Generator().manual_seed(1)
    return AttributionQuestion(
        model=model.eval(),
        inputs=torch.randn((count, *shape), generator=generator),
        targets=torch.arange(count) % 3,
        background=torch.randn((20, *shape), generator=generator),
        baseline=torch.full(shape, 0.1),
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


def _mean_copy(question: AttributionQuestion) -> torch.Tensor:
    return torch.stack(list(noisy_copies(question, 16, 0.15))).mean(0)


def _drawn(question: AttributionQuestion) -> torch.Tensor:
    chosen = torch.randperm(len(question.background), generator=torch.Generator().manual_seed(question.seed))
    return question.background[chosen[:8]]


CLOSED_FORMS = {
    "gradient": lambda _, w: w,
    "saliency_abs": lambda _, w: w.abs(),
    "smoothgrad_ig": lambda s, w: w * (_mean_copy(s) - s.baseline),
    "deep_lift_shap": lambda s, w: w * (s.inputs - _drawn(s).mean(0)),
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


@pytest.mark.parametrize("name", sorted({*NAMES} - {"tile_roughness", *CHAINS, *SYMMETRIC, *SEQUENTIAL}))
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


STOCHASTIC = [
    *("baseline_mixture", "blurred_random", "c_lime", "expected_gradients", "feature_permutation"),
    *("functional_information", "gradient_shap", "kernel_shap", "learned_explainer", "lime", "random_weights_gradient"),
    *("rise", "shapley_sampling", "smoothgrad", "smoothgrad_ig", "smoothgrad_squared", "vargrad", "vargrad_ig"),
]


@pytest.mark.parametrize("name", STOCHASTIC)
def test_stochastic_methods_follow_the_subjects_seed(name):
    question = deep()
    assert not torch.equal(run(name, question), run(name, replace(question, seed=1)))


@pytest.mark.parametrize(
    "name", sorted({*NAMES} - {"tile_roughness", *CONVOLUTIONAL, *CLASSES, *SYMMETRIC, *SEQUENTIAL, "conditional_shap"})
)
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


REWRITING = ["deep_lift", "guided_backprop", "deconvnet", "lrp_epsilon", "lrp_composite"]


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


class Beside(nn.Module):
    """A called ReLU module whose output is thrown away, and a function that does its work."""

    def __init__(self, function) -> None:
        super().__init__()
        self.relu, self.function = nn.ReLU(), function

    def forward(self, x):
        self.relu(x)
        return self.function(x)


DISGUISED = {
    "multiplied by its sign": lambda h: h * (h > 0),
    "multiplied by a detached sigmoid": lambda h: h * torch.sigmoid(h).detach(),
    "a function beside a module": Beside(F.relu),
    "instance normalisation": lambda h: F.instance_norm(h[:, None])[:, 0],
    "divided by a detached norm": lambda h: h / h.norm(dim=1, keepdim=True).detach(),
    "a detached branch": lambda h: h + (2 * h).detach(),
    "detached": lambda h: h.detach(),
}


@pytest.mark.parametrize("frozen", [False, True], ids=["trainable", "frozen"])
@pytest.mark.parametrize("name", REWRITING)
@pytest.mark.parametrize("disguise", DISGUISED)
def test_what_the_graph_of_operations_does_not_show_is_unsupported(name, disguise, frozen):
    torch.manual_seed(0)
    model = Functional(DISGUISED[disguise]).requires_grad_(not frozen)
    with pytest.raises(Unsupported, match=r"linear extrapolation|not complete|needs a gradient"):
        run(name, question_of(model))


@pytest.mark.parametrize("name", REWRITING)
@pytest.mark.parametrize("bias", [0.0, 1e4])
@pytest.mark.parametrize("scale", [1e-4, 1.0])
def test_the_size_of_the_logits_hides_nothing(name, bias, scale):
    torch.manual_seed(0)
    honest, disguised = Functional(nn.ReLU()), Functional(lambda h: h * (h > 0))
    for model in (honest, disguised):
        model.third.weight.data *= scale
        model.third.bias.data += bias
    assert run(name, question_of(honest)).abs().max() > 0
    with pytest.raises(Unsupported):
        run(name, question_of(disguised))


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_the_benchmarks_nets_are_supported(name, architecture):
    net = nets.build(architecture, (1, 8, 8), 3, seed=0)
    assert run(name, question_of(net, shape=(1, 8, 8))).abs().max() > 0


class Pooled(nn.Module):
    """Everything that a frozen net repeats: a ReLU in place, and poolings of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu = nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True)
        self.two, self.one = nn.MaxPool2d(2, stride=1, padding=1), nn.MaxPool1d(3, ceil_mode=True)
        self.three, self.last = nn.MaxPool3d((1, 2, 2)), nn.Linear(3, 3)

    def forward(self, x):
        h = self.three(self.two(self.relu(self.first(x)))[:, None])[:, 0]
        return self.last(self.one(h.flatten(2)).sum(2))


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
def test_frozen_poolings_and_activations_in_place_are_affine(name):
    torch.manual_seed(0)
    assert run(name, question_of(Pooled())).abs().max() > 0


class Shared(nn.Module):
    """Two ReLUs on one hidden layer; `apart` gives each a tensor of its own."""

    def __init__(self, *, apart: bool) -> None:
        super().__init__()
        self.first, self.one, self.two, self.last = nn.Linear(36, 8), nn.ReLU(), nn.ReLU(), nn.Linear(8, 3)
        self.apart = apart

    def forward(self, x):
        hidden = self.first(x.flatten(1))
        return self.last(self.one(hidden) + self.two(hidden.clone() if self.apart else hidden))


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
def test_relus_that_share_what_comes_in_are_unsupported(name):
    torch.manual_seed(0)
    apart, shared = Shared(apart=True), Shared(apart=False)
    shared.load_state_dict(apart.state_dict())
    assert run(name, question_of(apart)).abs().max() > 0
    with pytest.raises(Unsupported, match="one and the same: their signals would be added twice"):
        run(name, question_of(shared))


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
def test_relu_rules_need_a_relu(name):
    with pytest.raises(Unsupported, match="has none"):
        run(name, linear()[0])
    with pytest.raises(Unsupported, match="would treat Tanh as linear"):
        run(name, question_of(nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Tanh(), nn.Linear(8, 3))))


def test_deep_lift_knows_its_activations():
    for activation in (nn.Tanh, nn.Sigmoid, nn.Softplus, nn.ELU, nn.LeakyReLU):
        assert run("deep_lift", deep(activation)).shape == (5, *SHAPE)


@pytest.mark.parametrize("name", ["edge_detector", "position_prior", "tile_roughness"])
def test_controls_of_images_need_images(name):
    question = replace(linear()[0], inputs=torch.ones(2, 36))
    with pytest.raises(Unsupported, match="needs images"):
        run(name, question)


class Untouchable(nn.Module):
    """A model that is neither called nor read."""

    def __getattribute__(self, name):
        raise AssertionError(f"a control asked the model for {name}")


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_never_touches_the_model(name):
    question = question_of(nn.Identity(), shape=(1, 24, 12))
    found = run(name, replace(question, model=Untouchable.__new__(Untouchable)))
    assert torch.equal(found, run(name, question))


def test_position_prior_is_one_map_that_falls_from_the_top():
    found = run("position_prior", question_of(nn.Identity(), shape=(2, 6, 4)))
    assert (found == found[0, 0, :, :1]).all()
    assert torch.equal(found[0, 0, :, 0], torch.arange(6, 0, -1).float())


def test_tile_roughness_tells_a_jigsaw_from_a_smooth_picture():
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 12), torch.linspace(0, 1, 12), indexing="ij")
    smooth = torch.sin(3 * rows + 2 * columns)
    tiles = smooth.unfold(0, 4, 4).unfold(1, 4, 4).reshape(9, 4, 4)[torch.tensor([8, 3, 6, 1, 4, 0, 2, 7, 5])]
    jigsaw = tiles.reshape(3, 3, 4, 4).transpose(1, 2).reshape(12, 12)
    images = torch.stack([torch.cat([smooth, jigsaw]), torch.cat([jigsaw, smooth])])[:, None]
    question = replace(question_of(nn.Identity(), count=2, shape=(1, 24, 12)), inputs=images)
    upper = torch.zeros(24, 12)
    upper[:12] = 1
    assert torch.equal(run("tile_roughness", question), torch.stack([upper, 1 - upper])[:, None])
