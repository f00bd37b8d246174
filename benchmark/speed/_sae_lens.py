"""The trainer and the autoencoders of the `sae-lens` package 6.54.12, for the rules that they share with us."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.speed._peer import Learn, Learned, Peer, Shape, batches, imported
from benchmark.speed._rules import prefixes_of, rule_of

KINDS = {
    "relu_l1": "Standard",
    "topk": "TopK",
    "batch_topk": "BatchTopK",
    "matryoshka_batch_topk": "MatryoshkaBatchTopK",
    "gated": "Gated",
    "jump_relu": "JumpReLU",
}
"""What the package calls our methods."""


def load(folder: Path) -> Learn:
    """Training by the package's trainer; only models of language need the packages that are absent."""
    package = imported(folder, "sae_lens", absent=("transformer_lens", "transformers", "wandb"))

    def learn(method: str, rows: Float[Tensor, "n d"], shape: Shape) -> Learned:
        torch.manual_seed(shape.seed)
        coder = _coder(package, method, shape)
        trainer = package.SAETrainer(_course(package, shape), coder, data_provider=iter(()))
        for batch in batches(rows, shape):
            trainer.step(batch)
            trainer.n_training_steps += 1
        return Learned(coder.W_dec.detach(), lambda x: _codes(coder, x), coder.decode)

    return learn


def _coder(package: types.ModuleType, method: str, shape: Shape) -> Any:
    given: dict[str, Any] = {"d_in": shape.dimensions, "d_sae": shape.size}
    if method in PEER.penalties:
        kind = "l0" if method == "jump_relu" else "l1"
        given |= {f"{kind}_coefficient": shape.penalty, f"{kind}_warm_up_steps": shape.early}
    else:
        given |= {"k": shape.sparsity}
    if method == "jump_relu":
        given |= {"jumprelu_bandwidth": vars(rule_of(method))["bandwidth"]}
    if method == "matryoshka_batch_topk":
        given |= {"matryoshka_widths": prefixes_of(method, shape.size)}
    name = f"{KINDS[method]}TrainingSAE"
    return getattr(package, name)(getattr(package, f"{name}Config")(**given))


def _course(package: types.ModuleType, shape: Shape) -> Any:
    rate = {} if shape.learning_rate is None else {"lr": shape.learning_rate, "lr_end": shape.learning_rate}
    return package.config.SAETrainerConfig(
        total_training_samples=shape.steps * shape.batch,
        train_batch_size_samples=shape.batch,
        lr_warm_up_steps=shape.early,
        lr_decay_steps=shape.steps - shape.late,
        feature_sampling_window=shape.steps + 1,  # the window's end is reported to a service that is absent
        **rate,
    )


def _codes(coder: Any, rows: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
    """Codes of rows that no batch makes compete: those of a batch are, once trained, cut at a threshold."""
    codes, before = coder.encode_with_hidden_pre(rows)
    found: Tensor = before * (before > coder.topk_threshold) if hasattr(coder, "topk_threshold") else codes
    return found.float()


PEER = Peer(
    name="sae-lens",
    packages=("sae-lens==6.54.12", "einops", "simple-parsing", "docstring-parser"),
    shared=tuple(KINDS),
    penalties={"relu_l1": (0.1, 2.0), "gated": (0.1, 2.0), "jump_relu": (1e-3, 0.3)},
    load=load,
)
