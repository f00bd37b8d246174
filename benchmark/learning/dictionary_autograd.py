"""Gradients of any rule by autograd, one dictionary of the stack after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Generic

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.rules import Measured, P, Rule, Seen


class AutogradStep(Generic[P]):
    """The backend of rules that offer none; with a `dtype` below float32 products run under autocast."""

    workers = None

    def __init__(self, rule: Rule[P], p: P, dtype: torch.dtype = torch.float32) -> None:
        self.rule, self.p, self.dtype = rule, p, dtype
        self.inputs = torch.empty(0)
        self.seen: list[Tensor] = []

    @property
    def torch_threads(self) -> int:
        """As many as it has."""
        return torch.get_num_threads()

    def gradients(self, inputs: Float[Tensor, "k B d"], targets: Float[Tensor, "k B e"]) -> Measured:
        """Fill `.grad` of the trained tensors with the gradient of `error + penalty`."""
        self.inputs = inputs
        trained = self.p.trained()
        for tensor in trained.values():
            tensor.grad = torch.empty_like(tensor) if tensor.grad is None else tensor.grad
        errors, active = [], []
        self.seen = []
        for index in range(len(inputs)):
            leaves = {name: tensor[index].detach().requires_grad_() for name, tensor in trained.items()}
            p = replace(self.p.one(index), **leaves)
            with self._autocast():
                seen = Seen(inputs[index], targets[index], self.rule.encode_batch(p, inputs[index]))
                error = self.rule.error(p, seen)
                objective = error + self.rule.penalty(p, seen)
            gradients = torch.autograd.grad(objective, list(leaves.values()), materialize_grads=True)
            for name, gradient in zip(leaves, gradients, strict=True):
                if name in self.rule.unit_rows:
                    rows = leaves[name].detach()
                    gradient = gradient - (gradient * rows).sum(-1, keepdim=True) * rows
                total = trained[name].grad
                assert total is not None
                total[index] = gradient
            errors.append(error.detach().float())
            active.append((seen.codes > 0).sum().float() / len(inputs[index]))
            self.seen.append(seen.codes.detach())
        return Measured(torch.stack(errors), torch.stack(active))

    def codes(self) -> Iterator[Float[Tensor, "B m"]]:
        """Codes of the last inputs with the parameters as they are now."""
        for index, inputs in enumerate(self.inputs):
            with torch.no_grad(), self._autocast():
                yield self.rule.encode_batch(self.p.one(index), inputs)

    def least(self) -> Float[Tensor, " k"]:
        """The least code that was active in the last step, 0 where none was."""
        found = [codes[codes > 0].min() if bool((codes > 0).any()) else codes.new_zeros(()) for codes in self.seen]
        return torch.stack(found).float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.p.atoms.device.type, self.dtype, enabled=self.dtype != torch.float32)
