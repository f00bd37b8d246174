"""One gradient step of many sparse autoencoders at once, written out by hand.

    f = relu(E (x - b) + c)         codes; with `keep`, only the `keep` largest of a sample survive        [k, B, m]
    r = f D + b - x                 residual                                                               [k, B, d]
    L = mean_x |r|^2 + penalty * mean_x sum_i f_i^power                                                    (one number
    a dictionary)

k dictionaries are stacked: encoders E and atoms D are [k, m, d], encoder biases c are [k, m], biases b are [k, d]. Two
ways compute the same gradients. `dense` uses five batched matrix products (in bfloat16 where the hardware multiplies
bfloat16 faster). `sparse` treats the codes as one block-diagonal sparse matrix [kB, km]: only the encoder product
stays dense, the other four cost as much as codes are active. On a CPU that is several times faster once few codes
fire, and most of training has few.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Float, Int64
from torch import Tensor

Way = Literal["dense", "sparse"]
BLOCK = 2**19  # codes that are made and searched at once: as floats they fit into a core's cache
EPSILON = 1e-3  # keeps the slope of f^power finite where a code is just above zero and power < 1


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


def sparse_supported(device: torch.device) -> bool:
    """Whether the sparse way can run: a CPU build of torch with MKL, whose kernels it uses."""
    return device.type == "cpu" and torch.backends.mkl.is_available()


class Step:
    """Buffers and formulas of one step. Fresh large buffers would cost more than the products written into them."""

    def __init__(
        self, stack: Stack, batch: int, *, keep: Tensor | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        self.stack, self.batch, self.dtype = stack, batch, dtype
        self.plain = stack.encoder.device.type == "cpu" and dtype == torch.float32  # numpy can work on the buffers
        k, m, d = stack.encoder.shape
        device = stack.encoder.device
        self.keep = None if keep is None else [min(int(count), m) for count in keep]
        self.codes = self.slope = torch.empty(0, dtype=dtype, device=device)
        self.mask = torch.empty(0, dtype=torch.bool, device=device)
        rows = min(batch, max(1, BLOCK // m))
        self.block, self.order = torch.empty(rows, m), torch.empty(rows, m)
        self.values = torch.empty(0)
        self.counts = torch.zeros(k)
        self.residual = torch.empty(k, batch, d, device=device)
        self.centred = torch.empty(k, batch, d, device=device)

    def gradients(
        self, inputs: Float[Tensor, "k B d"], penalty: Float[Tensor, "k"], power: float, *, way: Way
    ) -> Measured:
        """Fill `.grad` of the stack's tensors with the objective's gradient at `inputs`."""
        torch.sub(inputs, self.stack.bias[:, None], out=self.centred)
        return self._sparse(penalty, power) if way == "sparse" else self._dense(penalty, power)

    def powers(self, power: float) -> Float[Tensor, "k"]:
        """Mean over the last inputs of the sum of codes^power, a number for each dictionary."""
        if not len(self.values):
            raised = (self.codes.float() + EPSILON).pow(power).mul_(self.codes > 0)
            return raised.sum((1, 2)) / self.batch
        owner = torch.repeat_interleave(torch.arange(len(self.counts)), self.counts.long())
        sums = torch.zeros(len(self.counts)).index_add_(0, owner, (self.values + EPSILON).pow(power))
        return sums / self.batch

    def _encode(self) -> None:
        """Fill `codes`, those that are not active being 0, and count the active ones."""
        stack = self.stack
        shape = (*self.centred.shape[:2], stack.encoder.shape[1])
        if not self.codes.numel():
            self.codes = torch.empty(shape, dtype=self.dtype, device=self.centred.device)
            self.slope = torch.empty_like(self.codes)
            self.mask = torch.empty(shape, dtype=torch.bool, device=self.centred.device)
        encoder, bias = stack.encoder.to(self.dtype), stack.encoder_bias.to(self.dtype)
        for index in range(len(encoder)):  # addmm fuses the bias, and its output buffer stays where it is
            torch.addmm(bias[index], self.centred[index].to(self.dtype), encoder[index].T, out=self.codes[index])
        if self.keep is not None:
            for index, count in enumerate(self.keep):
                codes = self.codes[index]
                least = self._least_kept(codes, count).clamp_(min=torch.finfo(self.dtype).tiny)
                torch.ge(codes, least[:, None], out=self.mask[index])
            if self.plain:
                np.multiply(self.codes.numpy(), self.mask.numpy(), out=self.codes.numpy())
            else:
                self.codes.mul_(self.mask)
        elif self.plain:
            np.greater(self.codes.numpy(), 0, out=self.mask.numpy())
            self.codes.clamp_(min=0)
        else:
            torch.gt(self.codes, 0, out=self.mask)
            self.codes.clamp_(min=0)
        if self.plain:  # numpy counts bytes, where torch adds integers
            self.counts = torch.tensor([float(np.count_nonzero(part)) for part in self.mask.numpy()])
        else:
            self.counts = self.mask.sum((1, 2)).float()
        self.values = self.values[:0]

    def _least_kept(self, codes: Float[Tensor, "n m"], count: int) -> Float[Tensor, "n"]:
        """The value of the `count`-th largest code of every row."""
        if not self.plain:
            return codes.topk(count, dim=-1).values[:, -1]
        # numpy selects with vector instructions, several times faster than torch.topk on a CPU
        m = codes.shape[1]
        least = torch.empty(len(codes))
        for start in range(0, len(codes), len(self.order)):
            part = codes[start : start + len(self.order)]
            order = self.order[: len(part)]
            np.copyto(order.numpy(), part.numpy())
            order.numpy().partition(m - count, axis=-1)
            least[start : start + len(part)] = order[:, m - count]
        return least

    def _active(self) -> tuple[Int64[np.ndarray, " nnz"], Tensor]:
        """Flat positions in [k, B, m] and values of the active codes, made in blocks that stay in cache."""
        stack, (k, batch, _) = self.stack, self.centred.shape
        m = stack.encoder.shape[1]
        found, values = [], []
        for index in range(k):
            encoder, bias = stack.encoder[index].T.contiguous(), stack.encoder_bias[index]
            least_product = -bias.numpy()
            for start in range(0, batch, len(self.block)):
                inputs = self.centred[index, start : start + len(self.block)]
                block = self.block[: len(inputs)]
                torch.mm(inputs, encoder, out=block)
                if self.keep is None:  # the bias is added to the few active codes alone
                    on = np.flatnonzero(block.numpy() > least_product)
                    place = torch.from_numpy(on)
                    values.append((block.view(-1)[place] + bias[place % m]).clamp_(min=0))
                else:
                    block.add_(bias)
                    least = self._least_kept(block, self.keep[index]).clamp_(min=torch.finfo(torch.float32).tiny)
                    on = np.flatnonzero(block.numpy() >= least[:, None].numpy())
                    values.append(block.view(-1)[torch.from_numpy(on)])
                found.append(on + (index * batch + start) * m)
        return np.concatenate(found), torch.cat(values)

    def _dense(self, penalty: Tensor, power: float) -> Measured:
        stack, batch, dtype = self.stack, self.batch, self.dtype
        self._encode()
        codes = self.codes
        atoms = stack.atoms.to(dtype)
        torch.sub(_products(codes, atoms).float(), self.centred, out=self.residual)
        error = self.residual.square().sum((1, 2)) / batch
        outward = self.residual.mul(2 / batch)
        low = outward.to(dtype)
        slope = _products(low, atoms.transpose(1, 2), out=self.slope)
        weight = (penalty / batch).to(dtype)[:, None, None]
        slope.add_(weight if power == 1 else (codes + EPSILON).pow_(power - 1).mul_(weight * power))
        torch.ops.aten.threshold_backward.grad_input(
            slope, codes, 0, grad_input=slope
        )  # zero where a code is, in one pass
        centred = self.centred.to(dtype)
        self._write(
            _products(slope.transpose(1, 2), centred).float(),
            _products(codes.transpose(1, 2), low).float(),
            slope.sum(1, dtype=torch.float32),
            outward,
        )
        return Measured(error, self.counts / batch)

    def _sparse(self, penalty: Tensor, power: float) -> Measured:
        stack, batch = self.stack, self.batch
        k, m, d = stack.encoder.shape
        atoms = stack.atoms.view(k * m, d)
        flat, values = self._active()
        row = flat // m
        column = (flat - row * m) + (row // batch) * m
        pointer = np.zeros(k * batch + 1, dtype=np.int32)
        np.cumsum(np.bincount(row, minlength=k * batch), out=pointer[1:])
        codes = _csr(pointer, column.astype(np.int32), values, (k * batch, k * m))
        residual = self.residual.view(k * batch, d)
        torch.sub(codes @ atoms, self.centred.view(k * batch, d), out=residual)
        error = self.residual.square().sum((1, 2)) / batch
        outward = self.residual.mul(2 / batch)
        slope = torch.sparse.sampled_addmm(codes, outward.view(k * batch, d), atoms.T, beta=0.0).values()
        counts = torch.from_numpy(pointer[batch::batch] - pointer[:-1:batch])
        self.values, self.counts = values, counts.float()
        weight = torch.repeat_interleave(penalty / batch, counts)
        slope = slope + (weight if power == 1 else weight * power * (values + EPSILON).pow(power - 1))
        turned = scipy.sparse.csr_array(
            (np.arange(len(flat), dtype=np.int32), column.astype(np.int32), pointer), shape=(k * batch, k * m)
        ).tocsc()
        order = torch.from_numpy(turned.data)
        codes_turned = _csr(turned.indptr, turned.indices, values[order], (k * m, k * batch))
        slope_turned = _csr(turned.indptr, turned.indices, slope[order], (k * m, k * batch))
        sums = np.bincount(column, weights=slope.numpy(), minlength=k * m).astype(np.float32)
        self._write(
            (slope_turned @ self.centred.view(k * batch, d)).view(k, m, d),
            (codes_turned @ outward.view(k * batch, d)).view(k, m, d),
            torch.from_numpy(sums).view(k, m),
            outward,
        )
        return Measured(error, counts / batch)

    def _write(self, encoder: Tensor, atoms: Tensor, encoder_bias: Tensor, outward: Tensor) -> None:
        """Set the gradients; that of the atoms loses its part along each atom, because atoms keep unit norm."""
        stack = self.stack
        along = (atoms * stack.atoms).sum(-1, keepdim=True)
        stack.encoder.grad = encoder
        stack.atoms.grad = torch.addcmul(atoms, along, stack.atoms, value=-1)
        stack.encoder_bias.grad = encoder_bias
        stack.bias.grad = outward.sum(1) - torch.einsum("km,kmd->kd", encoder_bias, stack.encoder)


def _products(left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """`torch.bmm`, except that large matrices on a CPU are multiplied one by one, which is faster there."""
    if left.device.type != "cpu" or left[0].numel() < 2**18:
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
    if out is None:
        out = left.new_empty(left.shape[0], left.shape[1], right.shape[2])
    for index in range(len(left)):
        torch.mm(left[index], right[index], out=out[index])
    return out


def _csr(pointer: np.ndarray, column: np.ndarray, values: Tensor, size: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(pointer), torch.from_numpy(column), values, size, check_invariants=False
        )
