"""Checks of subjects, at the small sizes that they declare and hardly trained.

Trainings that differ, differ from their first steps on; that a subject passes its certificate is seen with its tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from benchmark.conformance.checks import Suite, expect, same
from benchmark.registry import Plugin
from benchmark.runtime import make_deterministic
from benchmark.subjects import Run, Saved, Trained

CHECKS = Suite()
HARDLY = {"epochs": 1, "steps": 2}
"""How far a subject is trained that has such a parameter."""


def hardly(plugin: Plugin) -> dict[str, int]:
    """The parameters with which a subject is hardly trained."""
    return {name: value for name, value in HARDLY.items() if name in plugin.defaults}


@dataclass
class Case:
    """A subject, trained twice."""

    plugin: Plugin

    @cached_property
    def builder(self) -> Any:
        """The subject with its small parameters, but for those that say how long it trains."""
        small = self.plugin.options.get("small", {})
        return self.plugin.load()(**{**self.plugin.defaults, **small, **hardly(self.plugin)})

    def train(self, state: int) -> Trained:
        """Train seed 0 from a state of the global generators."""
        make_deterministic(state, int(self.plugin.options.get("threads", 1)))
        trained: Trained = self.builder.train(Run(0))
        return trained

    @cached_property
    def trained(self) -> Trained:
        """The first training."""
        return self.train(0)


@CHECKS("it is certified by something", "nothing may be scored that was not measured", gate=True)
def _certificate(case: Case) -> str:
    expect(bool(case.trained.checks), "its certificate has no line")
    return f"{len(case.trained.checks)} lines"


@CHECKS("its public arrays are finite numbers on the CPU", "methods get them as they are")
def _public(case: Case) -> str:
    for name, tensor in case.trained.public.items():
        expect(tensor.device.type == "cpu", f"{name} is on {tensor.device}")
        expect(not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()), f"{name} has NaN or infinity")
    return ", ".join(case.trained.public)


@CHECKS("its training gives the same bytes twice", "another machine must find the same model")
def _steady(case: Case) -> str:
    again = case.train(0)
    expect(same([again.weights, again.public], [case.trained.weights, case.trained.public]), "other weights or arrays")
    return ""


@CHECKS("the model that is read back is the one that was trained", "questions are posed about what was kept")
def _loaded(case: Case) -> str:
    saved = Saved(case.builder, 0, torch.device("cpu"), case.trained.weights, case.trained.public)
    model = case.builder.load(saved)
    if not isinstance(model, torch.nn.Module):
        return f"it is a {type(model).__name__}"
    state = model.state_dict()
    changed = [name for name, value in state.items() if name in saved.weights and not same(value, saved.weights[name])]
    expect(not changed, f"{', '.join(changed)} differ")
    expect(not model.training, "the model is in training mode")
    return ""
