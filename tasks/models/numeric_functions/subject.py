"""Black boxes over the reals: functions with a canonical sentence and program, checked to be identifiable within a
query budget.

A function is judged on its domain, in which questions are allowed, and on an extended one, twice as long, in which they
are not. What is true out there is stated for each kind: the rule goes on, an exception does not (it is local), centred
noise is 0 and one-sided noise its mean, and a network was trained on the extended domain, so that it says there too
what it was trained to say.

The task is FIND's numeric part (Schwettmann et al. 2023), built anew: every function is a program of
`benchmark.language`, so its description is exact; what could not be told from the answers is redrawn; noise belongs
to the point, not to the call; a network that stands for a function must fit it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.description import grid, scale_of
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.numeric_functions.boxes import Boxes, standards
from tasks.models.numeric_functions.drawing import draw_functions
from tasks.models.numeric_functions.functions import NumericFunction
from tasks.models.numeric_functions.identifiability import CEILINGS, FLOORS, POINTS
from tasks.models.numeric_functions.networks import fit_networks


@subject(cites="arXiv:2309.03886", small={"functions": 4})
@dataclass(frozen=True, kw_only=True)
class NumericFunctions:
    """Functions of one real number, of one kind: atomic, composed, noisy, biased, corrupted, or a network's
    approximation."""

    kind: Literal["atomic", "composed", "noisy", "biased", "corrupted", "mlp"] = "atomic"
    functions: int = 10
    budget: int = 64
    hidden: int = 384

    def __post_init__(self) -> None:
        for name, least in (("functions", 2), ("budget", 8), ("hidden", 8)):
            if getattr(self, name) < least:
                raise TouchstoneError(f"got {name} = {getattr(self, name)}, expected at least {least}")

    def plant(self, seed: int) -> tuple[NumericFunction, ...]:
        """The functions of a seed, with what is true of them."""
        return draw_functions(self.kind, self.functions, seed, self.budget)

    def train(self, run: Run) -> Trained:
        """Draw the functions; fit the networks where they stand for them; certify."""
        planted = self.plant(run.seed)
        fits = []
        weights: dict[str, Tensor] = {}
        if self.kind == "mlp":
            centre, scale = standards(planted)
            domains = torch.tensor([function.extended for function in planted], dtype=torch.float64)

            def target(x: Tensor) -> Tensor:
                points = (domains[:, :1] + (x + 1) / 2 * (domains[:, 1:] - domains[:, :1])).numpy()
                values = np.stack([f.respond(row) for f, row in zip(planted, points, strict=True)])
                return torch.from_numpy((values - centre[:, None]) / scale[:, None])

            weights = dict(fit_networks(target, self.functions, self.hidden, run.generator("networks")).state_dict())
        boxes = Boxes(planted, weights)
        for index, function in enumerate(planted):
            for domain in (function.domain, function.extended):
                x = grid(*domain, POINTS)
                exact = function.respond(x)
                fits.append(float(np.mean((boxes.respond(index, x) - exact) ** 2)) / scale_of(exact) ** 2)
        public = {"domains": torch.tensor([function.domain for function in planted], dtype=torch.float64)}
        kept = weights or {
            "responses": torch.from_numpy(np.stack([f.respond(grid(*f.domain, POINTS)) for f in planted]))
        }
        return Trained(kept, public, _certificate(planted, fits))

    def load(self, saved: Saved) -> Boxes:
        """The functions as a module: `respond(index, x)` without noise, `answer(index, x)` with it."""
        return Boxes(self.plant(saved.seed), dict(saved.weights) if self.kind == "mlp" else {}).eval()


def _certificate(planted: tuple[NumericFunction, ...], fits: list[float]) -> list[Check]:
    """The worst function's value of every measure, against its bound."""
    names = dict.fromkeys(name for function in planted for name in function.measures)
    checks = [Check("fit", max(fits), CEILINGS["fit"], at_least=False)]
    for name in names:
        found = [function.measures[name] for function in planted if name in function.measures]
        if name in CEILINGS:
            checks.append(Check(name, max(found), CEILINGS[name], at_least=False))
        else:
            checks.append(Check(name, min(found), FLOORS[name]))
    return checks
