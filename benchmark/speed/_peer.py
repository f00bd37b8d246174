"""The trainers of the `dictionary-learning` package 0.1.0, for the rules that they share with us.

with installed() as folder:                     a throw-away folder; torch stays the one that is installed
    trainers = trainers_of(folder)
    trainer = trained(trainers, "topk", shape)  updated step by step; `trainer.ae` is the dictionary
"""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.registry import plugins

PEER = ("dictionary-learning==0.1.0", "einops", "tqdm")
SHARED = (
    *("relu_l1", "topk", "p_anneal", "batch_topk", "matryoshka_batch_topk"),
    *("gated", "gated_p_anneal", "jump_relu"),
)
"""Methods of ours whose rule the peer trains as well."""
PENALISED = ("relu_l1", "p_anneal", "gated", "gated_p_anneal")
"""Of these, the ones whose number of codes follows from a penalty."""


@dataclass(frozen=True)
class Shape:
    """What is trained, and how."""

    dimensions: int
    size: int
    sparsity: int
    steps: int
    learning_rate: float | None = None
    """None: the peer's own."""
    penalty: float | None = None
    """Of penalised rules; None: the peer's own."""
    seed: int = 0


@contextlib.contextmanager
def installed() -> Iterator[Path]:
    """Install the peer into a folder of its own, without its hundred dependencies, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="touchstone-peer-") as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *PEER]
        subprocess.run(command, check=True)
        yield Path(folder)


def trainers_of(folder: Path) -> types.ModuleType:
    """Import the peer's trainers. An empty module stands in for nnsight, which only its unused buffer needs."""
    sys.path.insert(0, str(folder))
    try:
        if "nnsight" not in sys.modules:
            stand_in = types.ModuleType("nnsight")
            stand_in.LanguageModel = object  # type: ignore[attr-defined]
            sys.modules["nnsight"] = stand_in
        return importlib.import_module("dictionary_learning.trainers")
    finally:
        sys.path.remove(str(folder))


def trainer_of(trainers: types.ModuleType, method: str, shape: Shape) -> Any:
    """The peer's trainer of a method of `SHARED`; schedules start within the first twentieth of the steps."""
    early = max(1, shape.steps // 20)
    given: dict[str, Any] = {
        "activation_dim": shape.dimensions,
        "dict_size": shape.size,
        "steps": shape.steps,
        "warmup_steps": early,
        "layer": 0,
        "lm_name": "none",
        "device": "cpu",
        "seed": shape.seed,
    }
    if shape.learning_rate is not None:
        given["lr"] = shape.learning_rate
    penalty: dict[str, Any] = {} if shape.penalty is None else {"l1_penalty": shape.penalty}
    first: dict[str, Any] = {} if shape.penalty is None else {"initial_sparsity_penalty": shape.penalty}
    warm: dict[str, Any] = {"sparsity_warmup_steps": early}
    annealed = warm | {"anneal_start": shape.steps // 4, "sparsity_function": "Lp^p", "p_end": 0.2}
    kept: dict[str, Any] = {"k": shape.sparsity}
    threshold = kept | {"threshold_start_step": shape.steps // 2}
    if method == "matryoshka_batch_topk":
        module = plugins().find("method", method, "dictionary").load().__module__
        shares = vars(sys.modules[module])["GROUPS"][:-1]
        given |= {"group_fractions": [*shares, 1 - sum(shares)]}
    name, own = {
        "relu_l1": ("standard.StandardTrainer", warm | penalty),
        "p_anneal": ("p_anneal.PAnnealTrainer", annealed | first),
        "gated": ("gdm.GatedSAETrainer", warm | penalty),
        "gated_p_anneal": ("gated_anneal.GatedAnnealTrainer", annealed | first),
        "topk": ("top_k.TopKTrainer", kept),
        "batch_topk": ("batch_top_k.BatchTopKTrainer", threshold),
        "matryoshka_batch_topk": ("matryoshka_batch_top_k.MatryoshkaBatchTopKTrainer", threshold),
        "jump_relu": ("jumprelu.JumpReluTrainer", warm | {"target_l0": float(shape.sparsity)}),
    }[method]
    module, _, trainer = name.partition(".")
    return getattr(importlib.import_module(f"{trainers.__name__}.{module}"), trainer)(**given | own)
