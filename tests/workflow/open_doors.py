"""Which ways of the cheats work where nothing stops them: run in a tree, prints a list of names as JSON.

Everything is within reach here: the caller holds the task and the trained subject, the secret is in the environment and
in a file in memory, results lie open, and nothing is confined.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import numpy as np
import torch

from benchmark.families.description import BlackBox, DescriptionQuestion, Reals
from benchmark.stages.instances import Concrete
from benchmark.subjects import Run, Saved
from tasks.attribution.blockmnist import BlockMnistTask
from tasks.models.blockmnist.subject import BlockMnist

SEED = 3


def cheat(family: str, name: str) -> Any:
    """A cheat's module."""
    return importlib.import_module(f"methods.{family}.{name}")


class Boxes:
    """A task of two boxes."""

    def pose(self, _saved: Saved) -> DescriptionQuestion:
        """The boxes, of which nothing has been asked."""
        return DescriptionQuestion(tuple(BlackBox(np.zeros_like, Reals(-1.0, 1.0), 64) for _ in range(2)), 0, 64)


def opened() -> list[str]:
    """The names of the ways that brought something."""
    found = []
    builder = BlockMnist(training="none")
    made = builder.train(Run(SEED))
    saved = Saved(builder, SEED, torch.device("cpu"), made.weights, made.public)
    concrete = Concrete(None, BlockMnistTask(inputs=5), {"": saved})  # type: ignore[arg-type]
    question, truth = concrete.pose(), concrete.truth().masks[""].float()
    tried = cheat("attribution", "_spoils").tried
    for name in ("frames", "collector"):
        if all(torch.equal(mask.float(), truth) for mask in tried(cheat("attribution", name).WAYS).values()):
            found += tried(cheat("attribution", name).WAYS)
    if torch.equal(cheat("attribution", "replant").replant(question), truth):
        found.append("replant")
    descriptor = os.memfd_create("secret", 0)
    os.write(descriptor, os.environ["TOUCHSTONE_SECRET"].encode())
    os.environ["TOUCHSTONE_SECRET_DESCRIPTOR"] = str(descriptor)
    for name in ("secret", "reader", "network", "vandal"):
        found += tried(cheat("attribution", name).WAYS)
    described = Concrete(None, Boxes(), {"": saved})  # type: ignore[arg-type]
    for name in ("overdrawn", "second_pose"):
        module = cheat("description", name)
        if getattr(module, name)(described.pose())[0] == module.LOOT:
            found.append(name)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(opened()))
