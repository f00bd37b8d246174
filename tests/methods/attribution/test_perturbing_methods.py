"""Methods that perturb patches, fit patterns or decompose: closed forms, and agreement with Captum."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
from captum.attr import FeatureAblation, GuidedGradCam, KernelShap, LayerAttribution, LayerGradCam, ShapleyValues
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families import attribution as family
from benchmark.families.attribution import AttributionQuestion
from methods.attribution._patches import cut
from tasks.models.shared import nets

SHAPE = (1, 6, 6)
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


def run(name: str, question: AttributionQuestion, **parameters) -> torch.Tensor:
    method = getattr(importlib.import_module(f"methods.attribution.{name}"), name)
    return family.check(method(question, **parameters), question).attributions


def question_of(model: nn.Module, shape: tuple[int, ...] = SHAPE, count: int = 4, seed: int = 0) -> AttributionQuestion:
    generator = torch.Generator().manual_seed(1)
    return AttributionQuestion(
        model=model.eval().requires_grad_(False),
        inputs=torch.randn((count, *shape), generator=generator),
        targets=torch.arange(count) % 3,
        background=torch.randn((60, *shape), generator=generator),
        baseline=torch.full(shape, 0.1),
        seed=seed,
    )


def linear(shape: tuple[int, ...] = SHAPE) -> tuple[AttributionQuestion, torch.Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(math.prod(shape), 3)
    question = question_of(nn.Sequential(nn.Flatten(), layer), shape)
    return question, layer.weight.detach()[question.targets].view(-1, *shape)


def net(shape: tuple[int, ...] = SHAPE, bias: bool = True) -> AttributionQuestion:
    torch.manual_seed(0)
    layers = [nn.Linear(math.prod(shape), 8, bias=bias), nn.ReLU(), nn.Linear(8, 3, bias=bias)]
    return question_of(nn.Sequential(nn.Flatten(), *layers), shape)


def per_patch(question: AttributionQuestion, values: torch.Tensor, across: int) -> torch.Tensor:
    patches = cut(question, across)
    sums = torch.zeros(len(values), patches.count).index_add(1, patches.of.flatten(), values.flatten(1))
    return patches.spread(sums)


def test_patches_are_squares_that_cover_all_channels():
    patches = cut(replace(net(), inputs=torch.zeros(1, 2, 5, 4)), 2)
    rows = torch.tensor([0, 0, 0, 2, 2])
    columns = torch.tensor([0, 0, 0, 1])
    assert torch.equal(patches.of, (rows[:, None] + columns).expand(2, 5, 4))
    assert patches.count == 4
    assert torch.equal(cut(replace(net(), inputs=torch.zeros(1, 7)), 2).of, torch.arange(7))
    values = torch.tensor([[1.0, 2, 3, 4]])
    assert float(patches.spread(values).sum()) == pytest.approx(10)


def test_channels_of_series_are_no_neighbours():
    patches = cut(replace(net(), inputs=torch.zeros(1, 1, 3, 10), series=True), 2)
    pieces = torch.tensor([0] * 5 + [1] * 5)
    assert torch.equal(patches.of[0], torch.stack([pieces, pieces + 2, pieces + 4]))


@pytest.mark.parametrize("name", ["occlusion", "rise"])
def test_of_series_only_the_channel_that_counts_is_marked(name):
    question, _ = linear((1, 3, 12))
    layer = question.model[1]
    nn.init.zeros_(layer.bias)
    layer.weight.data = torch.zeros(3, 3, 12).index_fill(1, torch.tensor([1]), 0.5).flatten(1)
    layer.weight.data[1:] *= -1
    inputs, targets = torch.ones(4, 1, 3, 12), torch.zeros(4, dtype=torch.int64)
    asked = replace(question, inputs=inputs, targets=targets, baseline=torch.zeros(1, 3, 12), series=True)
    found = run(name, asked)
    together = run(name, replace(asked, series=False))
    if name == "occlusion":
        assert bool((found[:, 0, [0, 2]] == 0).all())
        assert bool((found[:, 0, 1] > 0).all())
        assert bool((together[:, 0, 0] > 0).all()), "windows over several channels mark the neighbours, too"
    else:
        spread = found.mean(-1).squeeze(1)
        assert bool((spread[:, 1] > spread[:, 0] + 0.02).all())
        assert bool((spread[:, 1] > spread[:, 2] + 0.02).all())


@pytest.mark.parametrize("name", ["feature_ablation", "lime", "kernel_shap", "shapley_sampling"])
@pytest.mark.parametrize("across", [2, 6])
def test_on_a_linear_model_each_patch_gets_what_it_contributes(name, across):
    question, weights = linear()
    parameters = {"ridge": 0.0} if name == "lime" else {}
    expected = per_patch(question, weights * (question.inputs - question.baseline), across)
    torch.testing.assert_close(run(name, question, across=across, **parameters), expected, **CLOSE)


def test_permuting_the_features_of_a_linear_model():
    question, weights = linear()
    single = replace(question, background=question.background[:1])
    expected = per_patch(question, weights * (question.inputs - single.background[0]), 3)
    torch.testing.assert_close(run("feature_permutation", single, across=3), expected, **CLOSE)


@pytest.mark.parametrize("name", ["kernel_shap", "shapley_sampling"])
def test_shapley_values_are_complete_and_those_of_all_orders(name):
    question = net((5,))
    exact = torch.stack(
        [
            ShapleyValues(question.model).attribute(one[None], baselines=question.baseline[None], target=int(target))[0]
            for one, target in zip(question.inputs, question.targets, strict=True)
        ]
    )
    many = {"samples": 20000} if name == "kernel_shap" else {"orders": 300}
    found = run(name, question, **many)
    assert (found - exact).abs().max() < 0.05 * exact.abs().max()
    outputs = [
        question.model(points).gather(1, question.targets[:, None])[:, 0]
        for points in (question.inputs, question.baseline.expand_as(question.inputs))
    ]
    torch.testing.assert_close(run(name, question).sum(1), outputs[0] - outputs[1], **CLOSE)


def test_kernel_shap_agrees_with_captum():
    question = net((5,))
    one = replace(question, inputs=question.inputs[:1], targets=question.targets[:1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        expected = KernelShap(one.model).attribute(one.inputs, baselines=one.baseline[None], target=0, n_samples=3000)
    assert (run("kernel_shap", one, samples=20000) - expected).norm() < 0.05 * expected.norm()


def test_feature_ablation_agrees_with_captum():
    question = net()
    groups = cut(question, 3).of[None]
    expected = FeatureAblation(question.model).attribute(
        question.inputs, baselines=question.baseline[None], target=question.targets, feature_mask=groups
    )
    torch.testing.assert_close(run("feature_ablation", question, across=3) * 4, expected, **CLOSE)


def test_c_lime_is_smoothgrad_in_expectation():
    question, weights = linear((4,))
    assert (run("c_lime", question, samples=4000) - weights).abs().max() < 0.05
    curved = net((4,))
    one, other = run("c_lime", curved, samples=20000), run("smoothgrad", curved, samples=4000)
    assert (one - other).norm() < 0.06 * other.norm()


def test_expected_gradients_of_a_linear_model_and_with_less_noise_than_pairs():
    question, weights = linear()
    single = replace(question, background=question.baseline[None])
    expected = weights * (question.inputs - question.baseline)
    torch.testing.assert_close(run("expected_gradients", single), expected, **CLOSE)
    curved = replace(net(), background=net().baseline[None])
    exact = run("integrated_gradients", curved, steps=400)
    errors = [(run(name, curved, samples=32) - exact).norm() for name in ("expected_gradients", "gradient_shap")]
    assert errors[0] < errors[1]


def test_vargrad_of_integrated_gradients_of_a_linear_model_is_the_noise_that_came_in():
    question, weights = linear()
    from methods.attribution._gradients import noisy_copies

    copies = torch.stack(list(noisy_copies(question, 16, 0.15)))
    torch.testing.assert_close(run("vargrad_ig", question), weights**2 * copies.var(0, correction=0), **CLOSE)


def test_rise_is_the_mean_mask_where_the_output_is_constant_and_finds_the_patch_that_matters():
    constant = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    nn.init.zeros_(constant[1].weight)
    nn.init.zeros_(constant[1].bias)
    found = run("rise", question_of(constant), samples=4000, cells=3)
    assert (found - 1 / 3).abs().max() < 0.03
    nn.init.zeros_(constant[1].weight)
    constant[1].weight.data[:, :6] = torch.tensor([[0.6], [0], [0]])
    bright = replace(question_of(constant, count=1), inputs=torch.ones(1, *SHAPE), targets=torch.tensor([0]))
    marked = run("rise", bright, cells=6, samples=1000)[0, 0]
    assert marked[0].mean() > 1.03 * marked[2:].mean()


def test_classes_are_needed_where_a_probability_is():
    for name in ("rise", "functional_information"):
        with pytest.raises(Unsupported, match="class"):
            run(name, replace(net(), targets=None))


def test_functional_information_of_a_logistic_model():
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    question = replace(
        question_of(layer, (2,), count=1), inputs=torch.zeros(1, 2), targets=torch.tensor([0]), background=torch.eye(2)
    )
    found = run("functional_information", question, samples=4000, scale=1e-4)
    # p = sigmoid(x_1): (p (1 - p))^2 / p at 0, times the variance 1e-4 / 4; the second entry does nothing
    torch.testing.assert_close(found, torch.tensor([[0.125 * 1e-4 / 4, 0]]), atol=1e-8, rtol=0.02)


def suppressed(count: int = 20000) -> tuple[AttributionQuestion, torch.Tensor]:
    """x_1 = label + noise, x_2 = the noise's twin: the label's Bayes score weighs x_2 to cancel the noise."""
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(2, (count,), generator=generator) * 2.0 - 1
    s1, s2, c = 0.8, 0.5, 0.8
    noise = torch.randn(count, 2, generator=generator)
    x1 = label + s1 * noise[:, 0]
    x2 = s2 * (c * noise[:, 0] + math.sqrt(1 - c * c) * noise[:, 1])
    k = c * s1 / s2
    alpha = (1 + k * k) ** -0.5
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data = torch.tensor([[alpha, -alpha * k]])
    points = torch.stack([x1, x2], 1)
    model = nn.Sequential(nn.Flatten(), layer)
    question = replace(
        question_of(model, (2,)), inputs=points[:50], targets=None, background=points, baseline=torch.zeros(2)
    )
    return question, torch.tensor([alpha, k])


def test_patterns_leave_a_suppressor_blank_and_gradients_do_not():
    question, (alpha, k) = suppressed()
    found = run("pattern", question)
    torch.testing.assert_close(found, torch.tensor([1 / alpha, 0.0]).expand(50, 2), atol=0.02, rtol=0.02)
    torch.testing.assert_close(
        run("pattern_attribution", question), torch.tensor([1.0, 0.0]).expand(50, 2), atol=0.02, rtol=0.02
    )
    assert torch.allclose(run("gradient", question), torch.tensor([alpha, -alpha * k]).expand(50, 2))


def test_conditional_shap_of_a_suppressor_is_what_it_tells_of_the_signal():
    """Wilming et al. 2023: .5 alpha [-k x2 + c^2 (x1 - E)] for Gaussian features, whose E[x1 | x2] is linear."""
    question, (alpha, k) = suppressed()
    found = run("conditional_shap", question, samples=200)
    x, b = question.inputs.double(), question.background.double()
    mean, cov = b.mean(0), torch.cov(b.T)
    w = torch.tensor([alpha, -alpha * k]).double()
    full, empty = x @ w, mean @ w
    alone = [w[i] * x[:, i] + w[1 - i] * (mean[1 - i] + cov[0, 1] / cov[i, i] * (x[:, i] - mean[i])) for i in (0, 1)]
    first = 0.5 * (alone[0] - empty) + 0.5 * (full - alone[1])
    torch.testing.assert_close(found.double(), torch.stack([first, full - empty - first], 1), atol=1e-3, rtol=1e-3)
    assert found[:, 1].abs().mean() > 0.05


def test_conditional_shap_samples_coalitions_of_many_features_and_refuses_images():
    question, weights = linear((12,))
    independent = replace(question, background=torch.randn(4000, 12, generator=torch.Generator().manual_seed(2)))
    found = run("conditional_shap", independent, samples=64)
    expected = weights * (question.inputs - independent.background.mean(0))
    assert (found - expected).norm() < 0.15 * expected.norm()
    with pytest.raises(Unsupported, match="vectors of at most"):
        run("conditional_shap", net())


def test_pattern_attribution_and_decomposition_need_chains():
    branching = question_of(nets.build("cnn", (1, 8, 8), 3, seed=0), (1, 8, 8))
    for name in ("pattern_attribution", "contextual_decomposition", "lrp_epsilon", "lrp_composite"):
        with pytest.raises(Unsupported, match="chain"):
            run(name, branching)


def test_contextual_decomposition_of_everything_is_the_output_and_of_a_linear_model_its_terms():
    question = net(bias=False)
    whole = run("contextual_decomposition", question, across=1)
    outputs = question.model(question.inputs).gather(1, question.targets[:, None])[:, 0]
    torch.testing.assert_close(whole.flatten(1).sum(1), outputs, **CLOSE)
    flat, weights = linear()
    flat.model[1].bias.data.zero_()
    expected = per_patch(flat, weights * flat.inputs, 6)
    torch.testing.assert_close(run("contextual_decomposition", flat, across=6), expected, **CLOSE)


def test_relevance_of_a_net_without_biases_is_input_times_gradient():
    question = net(bias=False)
    expected = run("input_x_gradient", question)
    torch.testing.assert_close(run("lrp_epsilon", question, epsilon=1e-9), expected, atol=1e-4, rtol=1e-3)


def test_relevance_agrees_with_captum_and_is_kept_by_gamma_and_alpha_beta():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3, bias=False))
    question = question_of(model)
    outputs = question.model(question.inputs).gather(1, question.targets[:, None])[:, 0]
    positive = replace(question, inputs=question.inputs.abs())
    total = run("lrp_epsilon", question, epsilon=1e-9).flatten(1).sum(1)
    torch.testing.assert_close(total, outputs, atol=1e-3, rtol=1e-2)
    assert (run("lrp_composite", positive) != run("lrp_epsilon", positive)).any()


def test_grad_cam_agrees_with_captum_and_needs_a_convolution():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3))
    question = question_of(model)
    points = question.inputs.clone().requires_grad_()
    coarse = LayerGradCam(model, model[0]).attribute(points, target=question.targets, relu_attributions=True)
    expected = LayerAttribution.interpolate(coarse, (6, 6), interpolate_mode="bilinear")
    torch.testing.assert_close(run("grad_cam", question), expected.detach())
    both = GuidedGradCam(model, model[0]).attribute(points, target=question.targets, interpolate_mode="bilinear")
    torch.testing.assert_close(run("guided_grad_cam", question), both.detach(), **CLOSE)
    for name in ("grad_cam", "guided_grad_cam"):
        with pytest.raises(Unsupported, match="convolutional"):
            run(name, net())


def test_deep_lift_shap_follows_the_seed_and_declines_poolings_that_are_not_complete():
    assert not torch.equal(run("deep_lift_shap", net()), run("deep_lift_shap", replace(net(), seed=1)))
    torch.manual_seed(0)
    pooled = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    with pytest.raises(Unsupported, match="not complete"):
        run("deep_lift_shap", question_of(pooled))


def test_the_learned_explainer_learns_its_teacher():
    question = net((4,))
    generator = torch.Generator().manual_seed(3)
    large = replace(question, background=torch.randn(500, 4, generator=generator))
    said = question.model(question.inputs).argmax(1)
    large = replace(large, targets=said)
    found, teacher = run("learned_explainer", large), run("kernel_shap", large)
    assert (found - teacher).norm() < 0.3 * teacher.norm()


def test_random_weights_forget_what_was_learned_and_keep_the_shape():
    question = net()
    other = net()
    for parameter in other.model.parameters():
        parameter.data.mul_(3).add_(1)
    assert torch.equal(run("random_weights_gradient", question), run("random_weights_gradient", other))
    assert not torch.equal(run("gradient", question), run("gradient", other))


def test_blurred_noise_is_smooth_and_knows_no_model():
    question = net((1, 16, 16))
    found = run("blurred_random", replace(question, model=nn.Identity()))
    rough = run("blurred_random", question, sigma=0.0)
    jumps = [float(maps.diff(dim=-1).abs().mean() / maps.abs().mean()) for maps in (found, rough)]
    assert jumps[0] < 0.5 * jumps[1]


def test_all_sizes_of_coalitions_are_drawn_with_the_kernels_shares():
    from methods.attribution.kernel_shap import coalitions

    drawn = coalitions(5, 20000, torch.Generator().manual_seed(0)).sum(1)
    shares = torch.bincount(drawn, minlength=6)[1:5] / len(drawn)
    expected = torch.tensor([1 / (k * (5 - k)) for k in range(1, 5)])
    torch.testing.assert_close(shares, expected / expected.sum(), atol=0.01, rtol=0.05)
