"""BEE: path integration over a mixture of baselines, learned by exploration and exploitation (Barkan et al. 2025).

    map(b) = (x - b) * mean over a of  d f_t / d x (b + a (x - b)),        b from one of several distributions (arms)
    score(map) = mean over shares of  f_t(x without its weakest entries) - f_t(x without its strongest)
    A(x) = the map with the best score of all that were drawn for x

Which arm is drawn from is a contextual bandit's choice: Thompson sampling with a Bayesian logistic regression of "this
arm does better than the median arm" on a context, one regression an arm (Chapelle and Li 2011). It learns from
the background first, and goes on learning while the inputs are explained.

Of the paper's choices, some are made for any model and any input: paths run from baseline to input, not through an
inner layer; the context is what the model says, not a trained encoder; of its eight metrics of faithfulness, score is
made of one, the difference of the two perturbation curves. The answer is chosen by that metric: it cannot do worse
there than integrated gradients with as many steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import gradient_at, select

SHARES = (0.1, 0.25, 0.5, 0.75)
"""Of the entries, so many are taken away."""
NEWTON, HALVINGS = 20, 10

Arm = Callable[[AttributionQuestion, torch.Generator], Float[Tensor, "n ..."]]
"""A distribution of baselines: one for each input."""


@attribution_method(cites="arXiv:2412.17512", small={"rounds": 2, "steps": 4})
def baseline_mixture(question: AttributionQuestion, *, rounds: int = 4, steps: int = 8, lessons: int = 32) -> Tensor:
    """The best map of one from each arm and `rounds` from chosen ones, paths of `steps` points; before that, the bandit
    learns from `lessons` inputs of the background."""
    generator = torch.Generator().manual_seed(question.seed)
    with torch.no_grad():
        said = question.model(question.background).view(len(question.background), -1)
    centre, spread = said.mean(0), said.std(0).clamp(min=1e-6) * said.shape[1] ** 0.5
    bandits = [Bandit(1 + said.shape[1]) for _ in ARMS]

    def context(inputs: Float[Tensor, "n ..."]) -> Float[Tensor, "n d"]:
        with torch.no_grad():
            logits = question.model(inputs).view(len(inputs), -1)
        return F.pad((logits - centre) / spread, (1, 0), value=1.0).double().cpu()

    lesson = replace(
        question,
        inputs=question.background[:lessons],
        targets=None if question.targets is None else said[:lessons].argmax(1),
    )
    for one in (lesson, question):
        best = _explored(one, bandits, context(one.inputs), rounds, steps, generator)
    return best


def _explored(
    question: AttributionQuestion,
    bandits: Sequence[Bandit],
    context: Float[Tensor, "n d"],
    rounds: int,
    steps: int,
    generator: torch.Generator,
) -> Float[Tensor, "n ..."]:
    """Pull every arm once and `rounds` chosen ones; teach the bandits, and return the best maps."""
    shape = (-1, *[1] * (question.inputs.dim() - 1))
    maps = [integrated(question, arm(question, generator), steps) for arm in ARMS]
    scores = torch.stack([contrast(question, one) for one in maps]).cpu()
    usual = scores.median(0).values
    for bandit, own in zip(bandits, scores, strict=True):
        bandit.learn(context, own >= usual)
    top, first = scores.max(0)
    best = torch.stack(maps)[first, torch.arange(len(first))]
    for _ in range(rounds):
        chosen = torch.stack([bandit.hope(context, generator) for bandit in bandits]).argmax(0)
        drawn = torch.stack([arm(question, generator) for arm in ARMS])[chosen, torch.arange(len(chosen))]
        found = integrated(question, drawn, steps)
        score = contrast(question, found).cpu()
        for number, bandit in enumerate(bandits):
            bandit.learn(context[chosen == number], (score >= usual)[chosen == number])
        best = torch.where((score > top).to(best.device).view(shape), found, best)
        top = torch.maximum(top, score)
    return best


def integrated(question: AttributionQuestion, baselines: Float[Tensor, "n ..."], steps: int) -> Float[Tensor, "n ..."]:
    """Integrated gradients from a baseline for each input, at the middles of `steps` stretches."""
    difference = question.inputs - baselines
    total = torch.zeros_like(difference)
    for step in range(steps):
        total += gradient_at(question, baselines + (step + 0.5) / steps * difference)
    return difference * total / steps


@torch.no_grad()
def contrast(question: AttributionQuestion, found: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """How much more the output falls without the strongest entries (at the neutral input) than without the weakest."""
    strengths = found.abs()
    if question.per_pixel:
        strengths = strengths.sum(1, keepdim=True)
    places = strengths.flatten(1).argsort(dim=1, descending=True).argsort(dim=1).view(strengths.shape)
    count = strengths[0].numel()

    def without(taken: Bool[Tensor, "n ..."]) -> Float[Tensor, " n"]:
        return select(question.model(torch.where(taken, question.baseline, question.inputs)), question.targets)

    gaps = []
    for share in SHARES:
        many = max(1, round(share * count))
        gaps.append(without(places >= count - many) - without(places < many))
    return torch.stack(gaps).mean(0)


def _neutral(question: AttributionQuestion, _generator: torch.Generator) -> Float[Tensor, "n ..."]:
    return question.baseline.expand_as(question.inputs)


def _normal(question: AttributionQuestion, generator: torch.Generator) -> Float[Tensor, "n ..."]:
    """Each entry with the background's mean and spread."""
    noise = torch.randn(question.inputs.shape, generator=generator).to(question.inputs)
    return question.background.mean(0) + question.background.std(0, correction=0) * noise


def _uniform(question: AttributionQuestion, generator: torch.Generator) -> Float[Tensor, "n ..."]:
    """Each entry anywhere between the background's least and greatest."""
    share = torch.rand(question.inputs.shape, generator=generator).to(question.inputs)
    return torch.lerp(question.background.amin(0), question.background.amax(0), share)


def _blurred(question: AttributionQuestion, generator: torch.Generator) -> Float[Tensor, "n ..."]:
    """The inputs, averaged over windows of about a quarter of their length; vectors, over all entries."""
    inputs = question.inputs
    if inputs.dim() == 2:
        return inputs.mean(1, keepdim=True).expand_as(inputs)
    sides = [side // 8 * 2 + 1 for side in inputs.shape[2:]]
    pool = {3: F.avg_pool1d, 4: F.avg_pool2d}.get(inputs.dim())
    if pool is None:
        return _neutral(question, generator)
    return pool(inputs, sides, stride=1, padding=[side // 2 for side in sides], count_include_pad=False)


def _seen(question: AttributionQuestion, generator: torch.Generator) -> Float[Tensor, "n ..."]:
    """Other inputs of the distribution."""
    chosen = torch.randint(len(question.background), (len(question.inputs),), generator=generator)
    return question.background[chosen.to(question.background.device)]


ARMS: tuple[Arm, ...] = (_neutral, _normal, _uniform, _blurred, _seen)


class Bandit:
    """What is known of one arm: a normal posterior, without correlations, of the weights of a logistic regression.

    Chapelle and Li 2011, algorithm 3: with prior N(m, 1/q), the mode of the posterior and the curvature there.
    """

    def __init__(self, size: int) -> None:
        self.mean = torch.zeros(size, dtype=torch.float64)
        self.precision = torch.ones(size, dtype=torch.float64)

    def hope(self, context: Float[Tensor, "n d"], generator: torch.Generator) -> Float[Tensor, " n"]:
        """How promising the arm is for each context, by weights drawn from the posterior."""
        noise = torch.randn(context.shape, generator=generator, dtype=torch.float64)
        return ((self.mean + noise / self.precision.sqrt()) * context).sum(1)

    def learn(self, context: Float[Tensor, "n d"], won: Bool[Tensor, " n"]) -> None:
        """Update the posterior by the outcomes of some pulls."""
        sign = 2 * won.double() - 1

        def loss(weights: Float[Tensor, " d"]) -> Tensor:
            prior = (self.precision * (weights - self.mean) ** 2).sum() / 2
            return prior + F.softplus(-sign * (context @ weights)).sum()

        weights = self.mean
        for _ in range(NEWTON):
            chance = torch.sigmoid(context @ weights)
            slope = self.precision * (weights - self.mean) + context.T @ (chance - won.double())
            curvature = torch.diag(self.precision) + context.T @ ((chance * (1 - chance))[:, None] * context)
            step = torch.linalg.solve(curvature, slope)
            for _ in range(HALVINGS):
                if loss(weights - step) <= loss(weights):
                    break
                step = step / 2
            weights = weights - step
        chance = torch.sigmoid(context @ weights)
        self.mean = weights
        self.precision = self.precision + ((chance * (1 - chance))[:, None] * context**2).sum(0)
