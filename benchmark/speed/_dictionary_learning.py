"""The trainers of the `dictionary-learning` package 0.1.0, for the rules that they share with us.

    trainers = trainers_of(folder)
    trainer = trainer_of(trainers, "topk", shape)      updated step by step; `trainer.ae` is the dictionary

`PEER` is the same as a peer that dictionaries are compared with.
"""

from __future__ import annotations

import importlib
import types
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.speed._peer import Learn, Learned, Peer, Shape, batches, imported
from benchmark.speed._rules import rule_of, source_of


def trainers_of(folder: Path) -> types.ModuleType:
    """Import the trainers; only a buffer that they do not use needs nnsight."""
    return imported(folder, "dictionary_learning.trainers", absent=("nnsight",))


def trainer_of(trainers: types.ModuleType, method: str, shape: Shape) -> Any:
    """The trainer of a shared method; its learning rate rises and falls when ours does."""
    given: dict[str, Any] = {
        "activation_dim": shape.dimensions,
        "dict_size": shape.size,
        "steps": shape.steps,
        "warmup_steps": shape.early,
        "decay_start": shape.late,
        "layer": 0,
        "lm_name": "none",
        "device": "cpu",
        "seed": shape.seed,
    }
    if shape.learning_rate is not None:
        given["lr"] = shape.learning_rate
    penalty: dict[str, Any] = {} if shape.penalty is None else {"l1_penalty": shape.penalty}
    first: dict[str, Any] = {} if shape.penalty is None else {"initial_sparsity_penalty": shape.penalty}
    warm: dict[str, Any] = {"sparsity_warmup_steps": shape.early}
    annealed = warm | {"anneal_start": shape.steps // 4, "sparsity_function": "Lp^p", "p_end": 0.2}
    kept: dict[str, Any] = {"k": shape.sparsity}
    threshold = kept | {"threshold_start_step": shape.steps // 2}
    if method == "matryoshka_batch_topk":
        shares = source_of(method).GROUPS[:-1]
        given |= {"group_fractions": [*shares, 1 - sum(shares)]}
    if method == "jump_relu":
        given |= {"bandwidth": vars(rule_of(method))["bandwidth"], "target_l0": float(shape.sparsity)}
    name, own = {
        "relu_l1": ("standard.StandardTrainer", warm | penalty),
        "p_anneal": ("p_anneal.PAnnealTrainer", annealed | first),
        "gated": ("gdm.GatedSAETrainer", warm | penalty),
        "gated_p_anneal": ("gated_anneal.GatedAnnealTrainer", annealed | first),
        "topk": ("top_k.TopKTrainer", kept),
        "batch_topk": ("batch_top_k.BatchTopKTrainer", threshold),
        "matryoshka_batch_topk": ("matryoshka_batch_top_k.MatryoshkaBatchTopKTrainer", threshold),
        "jump_relu": ("jumprelu.JumpReluTrainer", warm),
    }[method]
    module, _, trainer = name.partition(".")
    return getattr(importlib.import_module(f"{trainers.__name__}.{module}"), trainer)(**given | own)


def load(folder: Path) -> Learn:
    """Training by the package's trainers."""
    trainers = trainers_of(folder)

    def learn(method: str, rows: Float[Tensor, "n d"], shape: Shape) -> Learned:
        torch.manual_seed(shape.seed)  # not every trainer heeds the seed that it is given
        trainer = trainer_of(trainers, method, shape)
        for step, batch in enumerate(batches(rows, shape)):
            trainer.update(step, batch)
        written: Tensor = trainer.ae.W_dec if hasattr(trainer.ae, "W_dec") else trainer.ae.decoder.weight.T
        return Learned(written.detach(), trainer.ae.encode, trainer.ae.decode)

    return learn


PEER = Peer(
    name="dictionary-learning",
    packages=("dictionary-learning==0.1.0", "einops", "tqdm"),
    shared=(
        *("relu_l1", "topk", "p_anneal", "batch_topk", "matryoshka_batch_topk"),
        *("gated", "gated_p_anneal", "jump_relu"),
    ),
    penalties=dict.fromkeys(("relu_l1", "p_anneal", "gated", "gated_p_anneal"), (0.1, 2.0)),
    load=load,
)
