"""A net that adds modulo a number, or multiplies in a group of symmetries, and has learnt it from some of the pairs.

It is right on the others as well, so it has found the structure. By its weights (`decomposition`) it does so with a few
key frequencies, circles on which a sum of numbers is a sum of angles. That is verified by intervention on the hidden
layer: with the key frequencies alone it stays right, without them it guesses, and each of them carries a part of the
right logit; and likewise before the squares. What the hidden layer holds besides follows one of the two numbers, or
both in a way that the logits ignore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.modular_addition.decomposition import Decomposition, greatest_overlap, together
from tasks.models.modular_addition.groups import Group, cyclic, dihedral
from tasks.models.modular_addition.network import Adder

RIGHT = 0.99
"""On pairs that it was not trained on."""
KEPT = 0.95
"""With the key frequencies alone: room for one pair in twenty that the rest decided."""
REMOVED = 0.25
"""Without them; guessing gets 1 in 23 or fewer."""
FREQUENCIES = 2
"""With one there would be nothing to tell apart."""
BETWEEN = 0.0025
"""The greatest share of another frequency: a quarter of what makes one key, so that none is so by a hair."""
CARRIED = 0.01
"""The part of the right logit that each key frequency must carry: as for its share."""
ROUND = 0.1
"""Least by greatest extent in its subspace: what is flatter is of fewer dimensions."""
APART = 0.8
"""The greatest cosine between the subspaces of two key frequencies: below the 0.9 at which atoms are near one."""
SPLITS = (0.6, 0.2, 0.2)


@subject(cites="arXiv:2301.02679", small={"steps": 1200})
@dataclass(frozen=True, kw_only=True)
class ModularAddition:
    """An embedding of each number, a layer of squares, and logits; trained with weight decay."""

    modulus: int = 23
    group: Literal["cyclic", "dihedral"] = "cyclic"
    training: Literal["standard", "none"] = "standard"
    embedding: int = 8
    hidden: int = 64
    shown: float = 0.8
    """The share of pairs that the net is trained on."""
    steps: int = 2000
    learning_rate: float = 1e-2
    """Of AdamW: it rises over the first steps and falls to 0 over the last third."""
    weight_decay: float = 1.0

    def made(self) -> Group:
        """The group."""
        return (cyclic if self.group == "cyclic" else dihedral)(self.modulus)

    def net(self, seeds: Run | Saved) -> Adder:
        """The net before its training."""
        return Adder(len(self.made().table), self.embedding, self.hidden, seeds.generator("weights"))

    def rows(self, seeds: Run | Saved) -> dict[str, Int[Tensor, " n"]]:
        """Which pairs are training, validation and test rows of a dictionary."""
        count = len(self.made().pairs)
        order = torch.randperm(count, generator=seeds.generator("rows"))
        sizes = [round(share * count) for share in SPLITS[:2]]
        split = order.split([*sizes, count - sum(sizes)])
        return dict(zip(("train", "validation", "test"), split, strict=True))

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        group, net = self.made(), self.net(run)
        order = torch.randperm(len(group.pairs), generator=run.generator("shown"))
        shown, unseen = order.split([round(self.shown * len(order)), len(order) - round(self.shown * len(order))])
        if self.training == "standard":
            self._fit(net.to(run.device), group, shown, run)
        net.cpu().eval().requires_grad_(False)
        checks, facts = self._certify(Decomposition(net, group), unseen)
        return Trained(
            weights={name: value.detach().clone() for name, value in net.state_dict().items()},
            public={split: group.pairs[index] for split, index in self.rows(run).items()},
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> Adder:
        """Rebuild the trained net from its weights."""
        net = self.net(saved)
        net.load_state_dict(dict(saved.weights))
        return net.to(saved.device).eval().requires_grad_(False)

    def _fit(self, net: Adder, group: Group, shown: Int[Tensor, " n"], run: Run) -> None:
        pairs = group.pairs[shown].to(run.device)
        wanted = group.table.to(run.device)[pairs[:, 0], pairs[:, 1]]
        optimizer = torch.optim.AdamW(
            net.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, betas=(0.9, 0.98)
        )
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / 100, (self.steps - step) / (self.steps / 3))
        )
        for step in range(self.steps):
            loss = F.cross_entropy(net(pairs), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
            if step % 200 == 199:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, parts: Decomposition, unseen: Int[Tensor, " n"]) -> tuple[list[Check], dict[str, float]]:
        hidden, summed = parts.hidden, parts.summed
        right = parts.accuracy(hidden, unseen)
        if self.training == "none":
            return [Check("accuracy on unseen pairs (random weights)", right, REMOVED, at_least=False)], {}
        used, before = [parts.of_product[number] for number in parts.key], parts.of_elements(parts.key)
        followed, followed_before = together(used, hidden), together(before, summed)
        others = [share for number, share in enumerate(parts.shares) if number not in parts.key]
        whole = parts.right_logit(hidden)
        carried = [parts.right_logit(part.content) / whole for part in used]
        without = parts.accuracy(hidden - followed)
        without_before = parts.accuracy((summed - followed_before).square())
        checks = [
            Check("accuracy on unseen pairs", right, RIGHT),
            Check("accuracy with key frequencies alone", parts.accuracy(hidden.mean(0) + followed), KEPT),
            Check("accuracy without key frequencies", without, REMOVED, at_least=False),
            Check(
                "accuracy with key frequencies alone (summed)",
                parts.accuracy((summed.mean(0) + followed_before).square()),
                KEPT,
            ),
            Check("accuracy without key frequencies (summed)", without_before, REMOVED, at_least=False),
            Check("key frequencies", len(used), FREQUENCIES),
            Check("greatest share of another frequency", max(others, default=0.0), BETWEEN, at_least=False),
            Check("least part of the right logit", min(carried, default=0.0), CARRIED),
            Check("least roundness of a key frequency", min((p.roundness for p in used), default=0.0), ROUND),
            Check("greatest overlap of key frequencies", greatest_overlap(used), APART, at_least=False),
        ]
        if self.group == "cyclic":  # in the dihedral group an embedding needs half of the representation's dimensions
            flat = min((p.roundness for p in before), default=0.0)
            checks.append(Check("least roundness of a key frequency (summed)", flat, ROUND))
            overlap = greatest_overlap(before)
            checks.append(Check("greatest overlap of key frequencies (summed)", overlap, APART, at_least=False))
        facts = {
            "share of key frequencies in the logits": sum(parts.shares[number] for number in parts.key),
            "share of key frequencies in the hidden layer": float(
                followed.square().sum() / (hidden - hidden.mean(0)).square().sum()
            ),
        }
        return checks, facts
