"""A fast backend for rules of rectified codes: the gradients of many autoencoders at once, written out by hand.

    f = relu(E (x - b) + c)                          codes; with `keep`, the `keep` largest of a sample    [k, B, m]
    r = f D + b - x                                  residual                                              [k, B, d]
    L = mean_x |r|^2 + weight * mean_x sum_i f_i^power                                                     [k]

With `together`, the largest of the whole batch survive instead, as many on average. With `prefixes`, |r|^2 is the mean
over prefixes of the dictionary, each of which rebuilds by itself.

k dictionaries are stacked: encoders E and atoms D are [k, m, d], encoder biases c are [k, m], biases b are [k, d]. Two
ways compute the same gradients. `dense` uses five batched matrix products (in bfloat16 where the hardware multiplies
bfloat16 faster). `sparse` (`dictionary_sparse`) keeps only the encoder product dense; the other four cost as much as
codes are active. On a CPU that is several times faster once few codes fire, and most of training has few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.learning.dictionary_sparse import EPSILON, TINY, Cut, SparseGradients, least_kept, least_of_all
from benchmark.learning.rules import Autoencoder, Measured

SPARSE_BELOW = 0.08  # share of active codes under which the sparse way is the faster one, as measured
SPARSE_FROM = 2**16  # codes of a batch under which its gain does not pay for a second of compiling

Way = Literal["dense", "sparse"]


Penalty = Callable[[], tuple[Float[Tensor, "k"], float]]
"""Weight for each dictionary, and power, as they are now."""


class RectifiedStep:
    """Buffers and formulas of one step. Fresh large buffers would cost more than the products written into them.

    A rule offers it in `Rule.backend` if its codes are rectified and, with `keep` [k], cut to the largest of a sample,
    and if its objective is L above, rows of the atoms keeping unit norm.
    """

    def __init__(
        self,
        p: Autoencoder,
        batch: int,
        *,
        keep: Tensor | None = None,
        together: bool = False,
        prefixes: Sequence[int] = (),
        penalty: Penalty | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.p, self.batch, self.dtype = p, batch, dtype
        k, m, d = p.encoder.shape
        device = p.encoder.device
        self.plain = device.type == "cpu" and dtype == torch.float32  # numpy and numba can work on the buffers
        self.keep = [None if keep is None else min(int(keep[index]), m) for index in range(k)]
        self.together, self.ends = together, [*prefixes] or [m]
        self.cut_at = torch.zeros(k)
        """The least active codes of the last step, where it was sparse or cut the whole batch."""
        no_penalty = torch.zeros(k, device=device)
        self.penalty = penalty or (lambda: (no_penalty, 1.0))
        self.inputs = torch.empty(0, device=device)
        self.centred = self.residual = torch.empty(0, device=device)
        self.buffer = self.slope = torch.empty(0, dtype=dtype, device=device)
        self.workers = SparseGradients(batch, m, d) if self.plain and batch * m >= SPARSE_FROM else None
        self.was_sparse = False
        self.share = 1.0
        """Of the codes that were active in the last step."""

    @property
    def way(self) -> Way:
        """That of the next step."""
        return "sparse" if self.workers is not None and self.share < SPARSE_BELOW else "dense"

    @property
    def torch_threads(self) -> int:
        """1 for the sparse way, which has its own threads; torch's would spin on their cores long after a product."""
        return 1 if self.way == "sparse" else torch.get_num_threads()

    def gradients(self, inputs: Float[Tensor, "k B d"], targets: Float[Tensor, "k B d"]) -> Measured:
        """Fill `.grad` of the four trained tensors with the gradient of L at `inputs`, which are the targets too."""
        if targets is not inputs:
            raise ValueError("got targets other than the inputs, expected an autoencoder: offer no backend for others")
        self.inputs = inputs
        weight, power = self.penalty()
        self.was_sparse = self.way == "sparse"
        if self.was_sparse and self.workers is not None:
            measured = self._sparse(self.workers, weight, power)
        else:
            measured = self._dense(weight, power)
        self.share = float(measured.l0.mean()) / self.p.atoms.shape[1]
        return measured

    def codes(self) -> Iterator[Float[Tensor, "B m"]]:
        """Codes of the last inputs, one dictionary after the other, with the parameters as they are now."""
        for index, inputs in enumerate(self.inputs):
            yield self._codes(index, inputs - self.p.bias[index])

    def least(self) -> Float[Tensor, " k"]:
        """The least code that was active in the last step, 0 where none was."""
        if not (self.together or self.was_sparse):
            self.cut_at = self.buffer.where(self.buffer > 0, torch.inf).amin((1, 2)).float()
        return self.cut_at.where(self.cut_at.isfinite() & (self.cut_at > TINY), 0.0).to(self.p.bias.device)

    def _codes(self, index: int, centred: Float[Tensor, "B d"], out: Tensor | None = None) -> Float[Tensor, "B m"]:
        """The codes of dictionary `index`, 0 where they are not active."""
        encoder, bias = self.p.encoder[index].to(self.dtype), self.p.encoder_bias[index].to(self.dtype)
        codes = torch.addmm(bias, centred.to(self.dtype), encoder.T, out=out)  # adds the bias in the same pass
        keep = self.keep[index]
        if keep is None or keep >= codes.shape[1]:
            return codes.clamp_(min=0)
        if self.together:
            self.cut_at[index] = self._least_of_all(codes, keep, float(self.cut_at[index]))
            return codes.mul_(codes >= self.cut_at[index])
        if self.plain:
            return codes.mul_(codes >= torch.from_numpy(least_kept(codes.numpy(), keep))[:, None])
        least = codes.topk(keep, dim=-1).values[:, -1].clamp_(min=TINY)
        return codes.mul_(codes >= least[:, None])

    def _least_of_all(self, codes: Float[Tensor, "B m"], keep: int, guess: float) -> float:
        count = keep * len(codes)
        if self.plain:
            return least_of_all(codes.numpy(), count, guess=guess)
        largest = codes.flatten().topk(min(count, codes.numel())).values
        return float(largest[largest > 0].min()) if bool(largest[0] > 0) else TINY

    def _dense(self, penalty: Tensor, power: float) -> Measured:
        p, batch, dtype = self.p, self.batch, self.dtype
        if not self.buffer.numel():
            self.buffer = torch.empty(len(self.inputs), batch, p.atoms.shape[1], dtype=dtype, device=self.buffer.device)
            self.slope = torch.empty_like(self.buffer)
            self.centred, self.residual = torch.empty_like(self.inputs), torch.empty_like(self.inputs)
        torch.sub(self.inputs, p.bias[:, None], out=self.centred)
        codes = self.buffer
        for index in range(len(codes)):
            self._codes(index, self.centred[index], out=codes[index])
        atoms, groups = p.atoms.to(dtype), [slice(*pair) for pair in pairwise((0, *self.ends))]
        torch.neg(self.centred, out=self.residual)
        error, residuals = torch.zeros(len(codes), device=codes.device), []
        for group in groups:
            self.residual.add_(_products(codes[..., group], atoms[:, group]).float())
            error += self.residual.square().sum((1, 2)) / batch / len(groups)
            residuals.append(self.residual.mul(2 / batch / len(groups)))
        slope, toward, outward = self.slope, [], torch.zeros_like(self.residual)
        for group, residual in zip(reversed(groups), reversed(residuals), strict=True):
            outward += residual
            low = outward.to(dtype)
            _products(low, atoms[:, group].transpose(1, 2), out=slope[..., group])
            toward.append(_products(codes[..., group].transpose(1, 2), low).float())
        weight = (penalty / batch).to(dtype)[:, None, None]
        slope.add_(weight if power == 1 else (codes + EPSILON).pow_(power - 1).mul_(weight * power))
        # zero where a code is, in one pass
        torch.ops.aten.threshold_backward.grad_input(slope, codes, 0, grad_input=slope)
        encoder_bias = slope.sum(1, dtype=torch.float32)
        pulled = torch.cat(toward[::-1], 1)
        along = (pulled * p.atoms).sum(-1, keepdim=True)  # atoms keep unit norm, so they do not move along themselves
        p.encoder.grad = _products(slope.transpose(1, 2), self.centred.to(dtype)).float()
        p.atoms.grad = torch.addcmul(pulled, along, p.atoms, value=-1)
        p.encoder_bias.grad = encoder_bias
        p.bias.grad = outward.sum(1) - torch.einsum("km,kmd->kd", encoder_bias, p.encoder)
        return Measured(error, self._active(codes) / batch)

    def _active(self, codes: Float[Tensor, "k B m"]) -> Float[Tensor, "k"]:
        if not self.plain:
            return (codes > 0).sum((1, 2)).float()
        # numpy counts bytes, where torch adds integers
        return torch.tensor([float(np.count_nonzero(part > 0)) for part in codes.numpy()])

    def _sparse(self, workers: SparseGradients, penalty: Tensor, power: float) -> Measured:
        parameters = [self.p.encoder, self.p.atoms, self.p.encoder_bias, self.p.bias]
        gradients = [torch.empty_like(tensor) if tensor.grad is None else tensor.grad for tensor in parameters]
        error, active = torch.empty(len(self.keep)), torch.empty(len(self.keep))
        for index, keep in enumerate(self.keep):
            filled = workers.fill(
                self.inputs[index],
                [tensor[index] for tensor in parameters],
                [tensor[index] for tensor in gradients],
                cut=Cut(keep, self.together, float(self.cut_at[index])),
                ends=self.ends,
                penalty=float(penalty[index]),
                power=power,
            )
            error[index], active[index], self.cut_at[index] = filled.error, filled.active, filled.least
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
