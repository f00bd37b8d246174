"""One gradient step of many sparse autoencoders at once, written out by hand.

    f = relu(E (x - b) + c)         codes; with `keep`, only the `keep` largest of a sample survive        [k, B, m]
    r = f D + b - x                 residual                                                               [k, B, d]
    L = mean_x |r|^2 + penalty * mean_x sum_i f_i^power                                                    (one number
    a dictionary)

k dictionaries are stacked: encoders E and atoms D are [k, m, d], encoder biases c are [k, m], biases b are [k, d]. Two
ways compute the same gradients. `dense` uses five batched matrix products (in bfloat16 where the hardware multiplies
bfloat16 faster). `sparse` (`dictionary_sparse`) keeps only the encoder product dense; the other four cost as much as
codes are active. On a CPU that is several times faster once few codes fire, and most of training has few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.dictionary_sparse import EPSILON, TINY, SparseGradients, least_kept

Way = Literal["dense", "sparse"]


@dataclass(frozen=True)
class Stack:
    """Parameters of k dictionaries; the tensors are trained in place."""

    encoder: Float[Tensor, "k m d"]
    atoms: Float[Tensor, "k m d"]
    encoder_bias: Float[Tensor, "k m"]
    bias: Float[Tensor, "k d"]

    def parameters(self) -> list[Tensor]:
        """The four tensors, in the order in which `Step.gradients` fills their `.grad`."""
        return [self.encoder, self.atoms, self.encoder_bias, self.bias]


@dataclass(frozen=True)
class Measured:
    """What one step saw, a number for each dictionary."""

    error: Float[Tensor, k]
    l0: Float[Tensor, k]


class Step:
    """Buffers and formulas of one step. Fresh large buffers would cost more than the products written into them."""

    def __init__(
        self, stack: Stack, batch: int, *, keep: Tensor | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        self.stack, self.batch, self.dtype = stack, batch, dtype
        k, m, d = stack.encoder.shape
        device = stack.encoder.device
        self.plain = device.type == "cpu" and dtype == torch.float32  # numpy and numba can work on the buffers
        self.keep = [None if keep is None else min(int(keep[index]), m) for index in range(k)]
        self.inputs = torch.empty(0, device=device)
        self.centred = self.residual = torch.empty(0, device=device)
        self.codes = self.slope = torch.empty(0, dtype=dtype, device=device)
        self.few = SparseGradients(batch, m, d) if self.plain else None

    def gradients(
        self, inputs: Float[Tensor, "k B d"], penalty: Float[Tensor, "k"], power: float, *, way: Way
    ) -> Measured:
        """Fill `.grad` of the stack's tensors with the objective's gradient at `inputs`."""
        self.inputs = inputs
        if way == "dense":
            return self._dense(penalty, power)
        if self.few is None:
            raise ValueError("the sparse way needs float32 on a CPU")
        return self._sparse(self.few, penalty, power)

    def powers(self, power: float) -> Float[Tensor, "k"]:
        """Mean over the last inputs of the sum of codes^power, a number for each dictionary as it is now."""
        means = []
        for index, inputs in enumerate(self.inputs):
            codes = self._codes(index, inputs - self.stack.bias[index])
            means.append((codes[codes > 0].float() + EPSILON).pow(power).sum() / self.batch)
        return torch.stack(means)

    def _codes(self, index: int, centred: Float[Tensor, "B d"], out: Tensor | None = None) -> Float[Tensor, "B m"]:
        """The codes of dictionary `index`, 0 where they are not active."""
        encoder, bias = self.stack.encoder[index].to(self.dtype), self.stack.encoder_bias[index].to(self.dtype)
        codes = torch.addmm(bias, centred.to(self.dtype), encoder.T, out=out)  # adds the bias in the same pass
        keep = self.keep[index]
        if keep is None or keep >= codes.shape[1]:
            return codes.clamp_(min=0)
        if self.plain:
            return codes.mul_(codes >= torch.from_numpy(least_kept(codes.numpy(), keep))[:, None])
        least = codes.topk(keep, dim=-1).values[:, -1].clamp_(min=TINY)
        return codes.mul_(codes >= least[:, None])

    def _dense(self, penalty: Tensor, power: float) -> Measured:
        stack, batch, dtype = self.stack, self.batch, self.dtype
        if not self.codes.numel():
            self.codes = torch.empty(
                len(self.inputs), batch, stack.atoms.shape[1], dtype=dtype, device=self.codes.device
            )
            self.slope = torch.empty_like(self.codes)
            self.centred, self.residual = torch.empty_like(self.inputs), torch.empty_like(self.inputs)
        torch.sub(self.inputs, stack.bias[:, None], out=self.centred)
        codes = self.codes
        for index in range(len(codes)):
            self._codes(index, self.centred[index], out=codes[index])
        atoms = stack.atoms.to(dtype)
        torch.sub(_products(codes, atoms).float(), self.centred, out=self.residual)
        error = self.residual.square().sum((1, 2)) / batch
        outward = self.residual.mul(2 / batch)
        low = outward.to(dtype)
        slope = _products(low, atoms.transpose(1, 2), out=self.slope)
        weight = (penalty / batch).to(dtype)[:, None, None]
        slope.add_(weight if power == 1 else (codes + EPSILON).pow_(power - 1).mul_(weight * power))
        # zero where a code is, in one pass
        torch.ops.aten.threshold_backward.grad_input(slope, codes, 0, grad_input=slope)
        encoder_bias = slope.sum(1, dtype=torch.float32)
        toward = _products(codes.transpose(1, 2), low).float()
        along = (toward * stack.atoms).sum(
            -1, keepdim=True
        )  # atoms keep unit norm, so they do not move along themselves
        stack.encoder.grad = _products(slope.transpose(1, 2), self.centred.to(dtype)).float()
        stack.atoms.grad = torch.addcmul(toward, along, stack.atoms, value=-1)
        stack.encoder_bias.grad = encoder_bias
        stack.bias.grad = outward.sum(1) - torch.einsum("km,kmd->kd", encoder_bias, stack.encoder)
        return Measured(error, self._active(codes) / batch)

    def _active(self, codes: Float[Tensor, "k B m"]) -> Float[Tensor, "k"]:
        if not self.plain:
            return (codes > 0).sum((1, 2)).float()
        # numpy counts bytes, where torch adds integers
        return torch.tensor([float(np.count_nonzero(part > 0)) for part in codes.numpy()])

    def _sparse(self, few: SparseGradients, penalty: Tensor, power: float) -> Measured:
        parameters = self.stack.parameters()
        gradients = [torch.empty_like(tensor) if tensor.grad is None else tensor.grad for tensor in parameters]
        error, active = torch.empty(len(self.keep)), torch.empty(len(self.keep))
        for index, keep in enumerate(self.keep):
            error[index], active[index] = few.fill(
                self.inputs[index],
                [tensor[index] for tensor in parameters],
                [tensor[index] for tensor in gradients],
                keep=keep,
                penalty=float(penalty[index]),
                power=power,
            )
        for tensor, gradient in zip(parameters, gradients, strict=True):
            tensor.grad = gradient
        return Measured(error / self.batch, active / self.batch)


def _products(left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """`torch.bmm`, except that large matrices on a CPU are multiplied one by one, which is faster there."""
    if left.device.type != "cpu" or left[0].numel() < 2**18:
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
    if out is None:
        out = left.new_empty(left.shape[0], left.shape[1], right.shape[2])
    for index in range(len(left)):
        torch.mm(left[index], right[index], out=out[index])
    return out
