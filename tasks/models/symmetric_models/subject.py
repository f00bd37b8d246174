"""Two classifiers of the same inputs: the first names the kind of the first pattern, the second that of the second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.families.attribution import AttributionQuestion
from benchmark.families.attribution.copies import Copies
from benchmark.families.attribution.near import near_inputs
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.symmetric_models.certificate import Reading
from tasks.models.symmetric_models.groups import Group, Name, group
from tasks.models.symmetric_models.net import Pair, net, ties
from tasks.models.symmetric_models.plant import Drawn, Plant

Reads = Literal["first", "second"]
PATTERN: dict[Reads, int] = {"first": 0, "second": 1}
ENOUGH = 0.9
"""Of the certificate's shares: one input in ten is room for patterns that the noise hides."""
CELL = 0.1
"""What each of four cells has, at least, of what they do to the answer one by one: an even share is a quarter."""
GUESS = 0.75
"""The most that random weights may have: of two classes they favour one."""
EXACT = 1e-4
"""The most that a move may change an answer, in standard deviations: rounding, in another order of the sums."""
BACKGROUND = 400


@subject(cites="arXiv:2304.06715", threads=1, small={"steps": 200, "explained": 12})
@dataclass(frozen=True, kw_only=True)
class SymmetricModels:
    """Two nets with two logits each."""

    group: Name = "dihedral"
    training: Literal["standard", "none"] = "standard"
    tied: bool = True
    """Whether weights are tied so that the group cannot change an answer; else the nets learn that from the inputs."""
    strength: float = 3.0
    """Of a pattern's entries, in standard deviations of the noise."""
    channels: int = 12
    width: int = 32
    steps: int = 400
    batch: int = 128
    learning_rate: float = 0.02
    """The greatest of one cycle of Adam."""
    tests: int = 1000
    explained: int = 30
    """So many test inputs are prepared for questions, the first ones whose patterns are of one class and on which both
    nets are confirmed (others where these are too few); each with its copies."""
    moved: int = 2
    near: int = 2
    """Copies of each."""

    def plant(self, seeds: Run | Saved) -> Plant:
        """The patterns of a seed."""
        return Plant.draw(self.domain, self.strength, seeds.generator("patterns"))

    @property
    def domain(self) -> Group:
        """The group, with what it moves."""
        return group(self.group)

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        plant = self.plant(run)
        pair = Pair(ties(plant.group, self.channels, self.width, tied=self.tied), run.generator("weights"))
        pair.to(run.device)
        if self.training != "none":
            self._fit(pair, plant, run)
        nets = {reader: self._net(pair.weights(which)).to(run.device) for reader, which in PATTERN.items()}
        tests = plant.inputs(self.tests, run.generator("tests"))
        checks, facts, confirmed = self._certify(nets, tests, run)
        return Trained(
            weights={
                f"{reader}.{name}": weight.cpu()
                for reader, one in nets.items()
                for name, weight in one.state_dict().items()
            },
            public=self._public(nets, tests, confirmed, run),
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild both trained nets, by reader."""
        nets = nn.ModuleDict({reader: net(self.domain, self.channels, self.width) for reader in PATTERN})
        nets.load_state_dict(dict(saved.weights))
        return nets.to(saved.device).eval().requires_grad_(False)

    def copies(self, seeds: Run | Saved, originals: int) -> Copies:
        """Which of the prepared inputs are copies of which."""
        moves = self.domain.draw(originals * self.moved, seeds.generator("moves"))
        return Copies.laid_out(moves.view(originals, self.moved, moves.shape[1]), self.near)

    def places(self, saved: Saved) -> Bool[Tensor, "originals 2 ..."]:
        """Where each pattern stands in the prepared inputs that are no copies, drawn again."""
        tests = self.plant(saved).inputs(self.tests, saved.generator("tests"))
        return tests.truth[saved.public["chosen"].cpu()]

    def _net(self, weights: dict[str, Tensor]) -> nn.Module:
        made = net(self.domain, self.channels, self.width)
        made.load_state_dict(weights)
        return made.eval().requires_grad_(False)

    def _fit(self, pair: Pair, plant: Plant, run: Run) -> None:
        optimizer = torch.optim.Adam(pair.free.values(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            drawn = plant.inputs(self.batch, generator)
            logits = pair.logits(drawn.inputs.to(run.device))
            loss = F.cross_entropy(logits.flatten(0, 1), drawn.classes.T.flatten().to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(
        self, nets: dict[Reads, nn.Module], tests: Drawn, run: Run
    ) -> tuple[list[Check], dict[str, float], Bool[Tensor, " n"]]:
        generator = run.generator("certificate")
        found = [
            Reading.of(partial(_margin, nets[reader], run), tests, PATTERN[reader], generator) for reader in PATTERN
        ]
        change = torch.stack([one.moved for one in found])
        facts = {"answer's variance that moves leave": float(1 - change.square().mean() / 2)}
        exact = [Check("answer changed by a move", float(change.abs().max()), EXACT, at_least=False)]
        right = [_share(one.right) for one in found]
        if self.training == "none":
            guessed = Check("accuracy (random weights)", max(right), GUESS, at_least=False)
            return [guessed, *(exact if self.tied else [])], facts, torch.ones_like(found[0].right)
        checks = [
            Check("accuracy", min(right), ENOUGH),
            Check("other pattern ignored", min(_share(one.kept) for one in found), ENOUGH),
            Check("own pattern followed", min(_share(one.followed) for one in found), ENOUGH),
            Check("least share of a cell", min(one.least_cell for one in found), CELL),
            *(exact if self.tied else []),
        ]
        confirmed = found[0].confirmed & found[1].confirmed
        facts["inputs confirmed"] = _share(confirmed)
        facts["effect of the other pattern's cells beside the own"] = max(one.beside for one in found)
        return checks, facts, confirmed

    def _public(
        self, nets: dict[Reads, nn.Module], tests: Drawn, confirmed: Bool[Tensor, " n"], run: Run
    ) -> dict[str, Tensor]:
        """The inputs of questions, with their copies. Near ones turn the gradients of both nets."""
        alike = (tests.classes[:, 0] == tests.classes[:, 1]).nonzero()[:, 0]
        chosen = alike[(~confirmed[alike]).int().argsort(stable=True)][: self.explained]
        inputs, classes = tests.inputs[chosen], tests.classes[chosen, 0]
        background = tests.plant.inputs(BACKGROUND, run.generator("background")).inputs
        asked = AttributionQuestion(
            model=nets["first"],
            inputs=inputs.to(run.device),
            targets=classes.to(run.device),
            background=background.to(run.device),
            baseline=torch.zeros_like(background[0]).to(run.device),
            seed=0,
        )
        questions = [replace(asked, model=one) for one in nets.values()]
        copies = self.copies(run, len(chosen))
        carried = copies.carried(inputs)
        carried[copies.near] = near_inputs(questions, self.near, run.generator("near")).flatten(0, 1).cpu()
        return {
            "inputs": carried,
            "classes": classes[copies.of],
            "chosen": chosen,
            "background": background,
            "symmetries": tests.plant.group.told(run.generator("symmetries")),
        }


def _margin(model: nn.Module, run: Run, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """By how much class 0 is ahead."""
    logits: Tensor = model(inputs.to(run.device)).cpu()
    return logits[:, 0] - logits[:, 1]


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
