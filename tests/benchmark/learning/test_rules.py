"""What a rule may be: made-up methods of a few lines, trained by autograd, and fast backends against autograd."""

from dataclasses import dataclass, field, replace
from itertools import product

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning import dictionary_entrywise, dictionary_step
from benchmark.learning.dictionaries import Training, train
from benchmark.learning.dictionary_autograd import AutogradStep
from benchmark.learning.dictionary_entrywise import EntrywiseStep
from benchmark.learning.dictionary_pursuit import PursuitStep
from benchmark.learning.dictionary_step import RectifiedStep
from benchmark.learning.rules import STATE, Autoencoder, Rule, tied
from benchmark.learning.steering import ABOVE, GAIN, SHORT, UNTIL, Steered, steer, steered, target
from methods.dictionary.batch_topk import BatchTopK
from methods.dictionary.frozen_decoder import FrozenDecoder
from methods.dictionary.gated import Gated
from methods.dictionary.gated_p_anneal import GatedPAnneal
from methods.dictionary.jump_relu import JumpReLU
from methods.dictionary.matching_pursuit import MatchingPursuit
from methods.dictionary.matryoshka_batch_topk import MatryoshkaBatchTopK
from methods.dictionary.p_anneal import PAnneal
from methods.dictionary.relu_l1 import ReluL1
from methods.dictionary.topk import TopK


def planted(rows=3000, features=16, d=8, active=1.5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(features, d, generator=generator), dim=1)
    on = torch.rand(rows, features, generator=generator) < active / features
    return on.float() @ directions + 0.02 * torch.randn(rows, d, generator=generator) + 0.5


@dataclass(frozen=True)
class Gate(Steered):
    """A made-up method's parameters: a trained threshold of every atom, and a count of its activations."""

    threshold: Float[Tensor, "*k m"]
    fired: Float[Tensor, "*k m"] = field(metadata=STATE)


class Thresholded(Rule[Gate]):
    """Codes are what exceeds a trained threshold; log(1 + f) is penalised; no rows keep unit norm."""

    unit_rows = ()

    def start(self, generator, x, size, asked):
        p = steered(tied(generator, size, x.shape[1], asked))
        return Gate(**vars(p), threshold=torch.full((size,), 0.1), fired=torch.zeros(size))

    def encode(self, p, x):
        return torch.relu((x - p.bias) @ p.encoder.T - p.threshold)

    def penalty(self, p, seen):
        return p.weight * torch.log1p(seen.codes).sum(-1).mean()

    def after(self, p, step):
        steer(p, step)
        p.fired.add_(torch.stack([(codes > 0).sum(0) for codes in step.codes()]))


class Nested(TopK):
    """Prefixes of the dictionary have to rebuild on their own."""

    def error(self, p, seen):
        cuts = (len(p.atoms) // 4, len(p.atoms))
        rebuilt = [seen.codes[:, :cut] @ p.atoms[:cut] + p.bias for cut in cuts]
        return torch.stack([(r - seen.targets).square().sum(-1).mean() for r in rebuilt]).mean()

    backend = Rule.backend


class WholeBatch(TopK):
    """In training the largest codes of the whole batch survive."""

    def encode_batch(self, p, x):
        codes = torch.relu((x - p.bias) @ p.encoder.T + p.encoder_bias)
        least = codes.flatten().topk(int(p.asked) * len(x)).values[-1]
        return codes * (codes >= least)

    backend = Rule.backend


class Transcoder(Rule[Autoencoder]):
    """Rebuilds other activations than it reads, so that encoder and decoder have shapes and units of their own."""

    def start(self, generator, x, size, asked):
        p = tied(generator, size, 5, asked)
        encoder = torch.randn(size, x.shape[1], generator=generator) / x.shape[1] ** 0.5
        return replace(p, encoder=encoder)

    def encode(self, p, x):
        return torch.relu(x @ p.encoder.T + p.encoder_bias)

    def in_units(self, p, source, target):
        encoder = p.encoder / source.scale
        return replace(
            p,
            encoder=encoder,
            encoder_bias=p.encoder_bias - encoder @ source.mean,
            atoms=p.atoms * target.scale,
            bias=p.bias * target.scale + target.mean,
        )


def unexplained(coder, x, y=None):
    y = x if y is None else y
    left = coder.encode(x) @ coder.atoms + coder.bias - y
    return float(left.square().sum() / (y - y.mean(0)).square().sum())


def test_a_made_up_rule_with_own_parameters_state_and_penalty_trains():
    activations = planted()
    start, end = (
        train([activations], [2], [0], size=24, rule=Thresholded(), steps=steps, batch=64)[0] for steps in (1, 600)
    )
    assert unexplained(end, activations) < 0.5 * unexplained(start, activations)
    assert not torch.allclose(end.parameters.threshold, start.parameters.threshold), "it is trained"
    assert float((end.encode(activations) > 0).float().sum(1).mean()) == pytest.approx(2, rel=0.3)
    assert end.parameters.fired.sum() > 600 * 64, "it is counted, one step after the other"
    assert len(end.history["weight"]) == len(end.history["step"])
    assert len(set(end.history["weight"])) > 5, "the log has what the rule keeps one number of"


def test_gradients_of_a_made_up_rule_are_the_slopes_of_its_objective():
    rule, generator = Thresholded(), torch.Generator().manual_seed(0)
    x = torch.randn(2, 40, 6, generator=generator, dtype=torch.float64)
    p = Gate.stack([rule.start(generator, x[0], 9, 2) for _ in range(2)]).map(lambda tensor: tensor.double())
    step = AutogradStep(rule, p)
    step.gradients(x, x)

    def objective(index):
        codes = rule.encode(p.one(index), x[index])
        error = (codes @ p.atoms[index] + p.bias[index] - x[index]).square().sum(-1).mean()
        return float(error + p.weight[index] * torch.log1p(codes).sum(-1).mean())

    for tensor in p.trained().values():
        at = (1, *(size // 2 for size in tensor.shape[1:]))
        value, slopes = float(tensor[at]), []
        for move in (1e-6, -1e-6):
            tensor[at] = value + move
            slopes.append(objective(1) / move / 2)
        tensor[at] = value
        assert float(tensor.grad[at]) == pytest.approx(sum(slopes), rel=1e-4, abs=1e-6)


def test_a_rule_may_sum_losses_over_prefixes():
    activations = planted()
    nested, plain = (
        train([activations], [3], [0], size=24, rule=rule, steps=500, batch=64)[0] for rule in (Nested(), TopK())
    )

    def by_prefix(coder):
        rebuilt = coder.encode(activations)[:, :6] @ coder.atoms[:6] + coder.bias
        return float((rebuilt - activations).square().sum())

    assert by_prefix(nested) < 0.9 * by_prefix(plain)


def test_a_rule_may_look_at_the_whole_batch_in_training():
    training = Training([planted()], [2], [0], size=24, rule=WholeBatch(), steps=9, batch=50, learning_rate=1e-3)
    measured = training.advance()
    assert float(measured.l0) == pytest.approx(2, abs=0.05)
    (codes,) = training.backend.codes()
    assert len((codes > 0).sum(1).unique()) > 1, "rows differ"


def test_targets_other_than_the_inputs_are_rebuilt_in_their_units():
    inputs = planted()
    targets = 7 * inputs.relu() @ torch.randn(8, 5, generator=torch.Generator().manual_seed(1)) - 3
    (coder,) = train([inputs], [8], [0], size=32, rule=Transcoder(), steps=600, batch=64, targets=[targets])
    assert coder.atoms.shape == (32, 5)
    torch.testing.assert_close(coder.history["error"][-1], unexplained(coder, inputs, targets), rtol=0.5, atol=0.02)
    assert unexplained(coder, inputs, targets) < 0.1


def by_autograd(rule):
    """The same rule without its offer."""
    return type("Slow", (type(rule),), {"backend": Rule.backend})(**vars(rule))


RECTIFIED = (TopK(), FrozenDecoder(), ReluL1(), PAnneal(updates=2), BatchTopK(), MatryoshkaBatchTopK())
ENTRYWISE = (Gated(), GatedPAnneal(updates=2), JumpReLU(bandwidth=0.2))
FAST = (*product((*RECTIFIED, *ENTRYWISE), (False, True)), (MatchingPursuit(), False))


def offered(rule):
    """The backend that the rule offers."""
    if isinstance(rule, MatchingPursuit):
        return PursuitStep
    return EntrywiseStep if rule in ENTRYWISE else RectifiedStep


def list_everything(monkeypatch):
    """Take the sparse ways however many codes are active."""
    for module in (dictionary_step, dictionary_entrywise):
        monkeypatch.setattr(module, "SPARSE_BELOW", 1.1)
        monkeypatch.setattr(module, "SPARSE_FROM", 0)


@pytest.mark.parametrize(("rule", "sparse"), FAST)
def test_a_fast_backend_and_autograd_train_the_same_dictionary(rule, sparse, monkeypatch):
    if sparse:
        list_everything(monkeypatch)
    activations, settings = [planted(), planted(seed=1)], {"size": 16, "steps": 60, "batch": 64, "learning_rate": 2e-3}
    fast, slow = (Training(activations, [2, 4], [5, 6], rule=r, **settings) for r in (rule, by_autograd(rule)))
    assert isinstance(fast.backend, offered(rule))
    assert isinstance(slow.backend, AutogradStep)
    for _ in range(60):
        one, other = fast.advance(), slow.advance()
        torch.testing.assert_close(one.error, other.error, rtol=1e-3, atol=1e-4)
    for one, other in zip(fast.coders(), slow.coders(), strict=True):
        torch.testing.assert_close(one.atoms, other.atoms, rtol=1e-2, atol=1e-3)
        assert one.history.keys() == other.history.keys()
        assert one.history.get("power") == other.history.get("power")


@pytest.mark.parametrize(("rule", "sparse"), FAST)
def test_gradients_of_a_fast_backend_are_those_of_autograd(rule, sparse, monkeypatch):
    if sparse:
        list_everything(monkeypatch)
        monkeypatch.setattr(dictionary_entrywise, "TILE", 24)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 64, 8, generator=generator)
    grads = []
    for r in (rule, by_autograd(rule)):
        starts = [r.start(torch.Generator().manual_seed(seed), x[0], 24, 3) for seed in (1, 2)]
        p = starts[0].stack(starts)
        if isinstance(rule, PAnneal | GatedPAnneal):
            p.power.fill_(0.4)
        if rule in ENTRYWISE:
            drawn = torch.Generator().manual_seed(7)
            for name in ("encoder_bias", "stretch", "magnitude_bias", "bias"):
                if name in p.trained():
                    p.trained()[name].normal_(0, 0.3, generator=drawn)
        backend = r.backend(p, 64, torch.float32) or AutogradStep(r, p)
        measured = backend.gradients(x, x)
        grads.append(
            {name: tensor.grad for name, tensor in p.trained().items()} | vars(measured) | {"least": backend.least()}
        )
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", ENTRYWISE)
def test_entries_are_listed_once_few_are_active_and_nan_is_seen(rule, monkeypatch):
    monkeypatch.setattr(dictionary_entrywise, "SPARSE_FROM", 0)
    p = rule.start(torch.Generator().manual_seed(0), torch.randn(9, 8), 24, 3)
    p = p.stack([p])
    backend = rule.backend(p, 64, torch.float32)
    x = torch.randn(1, 64, 8, generator=torch.Generator().manual_seed(1))
    assert not backend.sparse
    assert backend.gradients(x, x).error.isfinite().all()
    p.encoder_bias.fill_(-1.5)
    before = backend.gradients(x, x)
    assert backend.sparse
    torch.testing.assert_close(vars(backend.gradients(x, x)), vars(before))
    p.encoder[0, 3, 2] = torch.nan
    assert backend.gradients(x, x).error.isnan().all()
    assert not rule.backend(p, 64, torch.bfloat16).workers
    with pytest.raises(ValueError, match="expected an autoencoder"):
        backend.gradients(x, x.clone())


@pytest.mark.parametrize(("size", "toward"), [(3, 1), (3, -1), (1, 1)])
def test_pursuit_takes_an_atom_again_or_none(size, toward):
    """With fewer atoms than rounds codes add up; where no atom lies along the rest, nothing is taken."""
    x = torch.rand(1, 20, 8, generator=torch.Generator().manual_seed(1))
    atoms = torch.nn.functional.normalize(toward * torch.rand(size, 8, generator=torch.Generator().manual_seed(2)))
    found = []
    for rule in (MatchingPursuit(), by_autograd(MatchingPursuit())):
        p = rule.start(torch.Generator().manual_seed(0), x[0], size, 5)
        p = p.stack([p])
        p.atoms.copy_(atoms)
        backend = rule.backend(p, 20, torch.float32) or AutogradStep(rule, p)
        measured = backend.gradients(x, x)
        found.append(vars(measured) | {"atoms": p.atoms.grad, "bias": p.bias.grad, "least": backend.least()})
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
    assert float(found[0]["l0"]) == (0 if toward < 0 else found[1]["l0"])


def test_pursuit_sees_what_is_nan_and_refuses_other_targets():
    rule = MatchingPursuit()
    p = rule.start(torch.Generator().manual_seed(0), torch.randn(9, 8), 24, 3)
    p = p.stack([p])
    x = torch.randn(1, 64, 8, generator=torch.Generator().manual_seed(1))
    backend = rule.backend(p, 64, torch.float32)
    assert backend.gradients(x, x).error.isfinite().all()
    p.atoms[0, 3, 2] = torch.nan
    assert backend.gradients(x, x).error.isnan().all()
    assert rule.backend(p, 64, torch.bfloat16) is None
    with pytest.raises(ValueError, match="expected an autoencoder"):
        backend.gradients(x, x.clone())


def test_what_is_zero_does_not_move_a_threshold():
    """An entry that is not positive is off at every threshold, however close to it the threshold lies."""
    rule = JumpReLU(bandwidth=1.0)
    p = rule.start(torch.Generator().manual_seed(0), torch.randn(9, 8), 24, 3)
    p = p.stack([p])
    p.encoder_bias.fill_(-100.0)
    x = torch.randn(1, 64, 8)
    AutogradStep(rule, p).gradients(x, x)
    assert p.threshold.grad.count_nonzero() == 0


def test_the_weight_is_steered_towards_the_asked_sparsity():
    for steps, gain in ((SHORT, GAIN), (4 * SHORT, GAIN), (SHORT // 4, 4 * GAIN)):
        training = Training([planted()], [2], [0], size=24, rule=ReluL1(), steps=steps, batch=64, learning_rate=1e-9)
        before = training.p.weight.clone()
        l0 = float(training.advance().l0)
        assert float(training.p.weight / before) == pytest.approx((l0 / (2 * ABOVE)) ** gain, rel=1e-5)


def test_an_incomplete_rule_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match="Rule has no start"):
        train([planted()], [2], [0], size=8, rule=Rule(), steps=1)


def test_the_asked_l0_is_approached_from_above():
    asked = torch.tensor([4.0, 16.0])
    course = torch.stack([target(asked, number, 1000) for number in range(1000)])
    torch.testing.assert_close(course[0], ABOVE * asked)
    torch.testing.assert_close(course[round(UNTIL * 500)], ABOVE**0.5 * asked)
    assert (course.diff(dim=0) <= 0).all()
    assert torch.equal(course[round(UNTIL * 1000) :], asked.expand(1000 - round(UNTIL * 1000), 2))
