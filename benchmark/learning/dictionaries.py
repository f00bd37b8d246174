"""Training of sparse autoencoders, many at once: every sparsity, width and seed of a method is one stack of parameters.

    coders = train(activations, sparsities, seeds, size=128, rule=L1())          one coder for each entry of
    `activations` codes = coders[0].encode(test)                                              [n, m], not negative

Three rules say how codes become sparse. `TopK` keeps the largest codes of a sample (Gao et al. 2024,
arXiv:2406.04093). `L1` penalises their sum (Bricken et al. 2023) and `Anneal` the sum of their powers, the power
falling in steps from 1 towards 0 (Karvonen et al. 2024, arXiv:2408.00113). For the penalties, the asked number of
active codes is met by a controller: after every step the penalty is multiplied by (measured L0 / asked L0)^gain, with
a gain that falls in the last tenth of training, so that dictionaries are compared at equal L0.

Each dictionary draws from its own generators, so it does not depend on which others are trained beside it (up to
rounding).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psutil
import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary import Dictionary, DictionarySubject
from benchmark.learning.adam import Adam
from benchmark.learning.dictionary_sparse import SparseGradients, parts_of
from benchmark.learning.dictionary_step import Measured, Stack, Step, Way

SPARSE_BELOW = 0.08  # share of active codes under which the sparse way is the faster one, as measured
SPARSE_FROM = 2**16  # codes of a batch under which its gain does not pay for a second of compiling

LOGGED_EVERY = 50


class DivergedError(TouchstoneError):
    """Training met NaN or infinity."""


class TooLargeError(TouchstoneError):
    """The memory at hand cannot hold what is asked for."""


@dataclass(frozen=True)
class TopK:
    """Keep the asked number of codes in every sample."""


@dataclass(frozen=True)
class L1:
    """Penalise the sum of codes."""

    penalty: float = 0.03
    """Where the controller starts."""


@dataclass(frozen=True)
class Anneal:
    """Penalise the sum of codes^power; the power falls in `updates` steps from 1 to `power`, each held equally long."""

    penalty: float = 0.03
    power: float = 0.2
    updates: int = 10
    start: float = 0.3
    """Share of the steps trained at power 1 before the first update."""
    window: int = 10
    """Batches over which the penalty before and after an update is set equal."""

    def schedule(self, steps: int) -> list[tuple[int, float]]:
        """(step, power) of every update. The last one leaves as many steps as lie between two updates, so the final
        power is trained.
        """
        first = round(self.start * steps)
        length = (steps - first) / self.updates
        fall = (1 - self.power) / self.updates
        return [(first + round(i * length), 1 - fall * (i + 1)) for i in range(self.updates)]


Rule = TopK | L1 | Anneal


@dataclass(frozen=True)
class Coder:
    """One trained dictionary, in the units of its activations."""

    encoder: Float[Tensor, "m d"]
    atoms: Float[Tensor, "m d"]
    encoder_bias: Float[Tensor, m]
    bias: Float[Tensor, d]
    keep: int | None
    """How many codes of a sample survive, or None where a penalty made them sparse."""
    history: dict[str, list[float]] = field(default_factory=dict)
    """Per logged step: `step`, `error` (share of variance left), `l0`, `penalty`, `power`."""

    def encode(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Codes of the activations: not negative, mostly zero."""
        codes = torch.addmm(self.encoder_bias, activations - self.bias, self.encoder.T).relu_()
        if self.keep is None or self.keep >= codes.shape[1]:
            return codes
        kept = codes.topk(self.keep, dim=-1)
        return torch.zeros_like(codes).scatter_(1, kept.indices, kept.values)


class Training:
    """The training of a stack of dictionaries, to be advanced step by step; `train` runs one from start to end."""

    def __init__(
        self,
        activations: Sequence[Float[Tensor, "n d"]],
        sparsities: Sequence[int],
        seeds: Sequence[int],
        *,
        size: int,
        rule: Rule,
        steps: int,
        batch: int,
        learning_rate: float,
        dtype: torch.dtype | None = None,
    ) -> None:
        device = activations[0].device
        dtype = dtype or best_dtype(device)
        k, d = len(activations), activations[0].shape[1]
        _require_memory(k, size, d, batch, device)
        self.sparsities, self.rule, self.steps, self.learning_rate = sparsities, rule, steps, learning_rate
        self.means = torch.stack([values.mean(0) for values in activations])
        centred = [values - mean for values, mean in zip(activations, self.means, strict=True)]
        self.scales = torch.stack([v.square().sum(1).mean().sqrt().clamp(min=1e-12) for v in centred])
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.stack = _start(generators, size, d, device)
        target = torch.tensor(sparsities, dtype=torch.float32, device=device)
        keep = torch.tensor(sparsities) if isinstance(rule, TopK) else None
        self.step = Step(self.stack, batch, keep=keep, dtype=dtype)
        self.control = _Controller(rule, target, steps)
        self.batches = [
            _Batches(values / scale, generator, batch)
            for values, scale, generator in zip(centred, self.scales, generators, strict=True)
        ]
        self.inputs = torch.empty(k, batch, d, device=device)
        self.few = self.step.few if batch * size >= SPARSE_FROM else None
        self.update = self._own_adam(self.few) if self.few else self._torch_adam()
        self.share = 1.0
        self.now = 0
        self.logged: list[tuple[int, Measured, Tensor, float]] = []

    def advance(self) -> Measured:
        """Take one step: a batch, gradients, Adam, unit norms, the controller."""
        way: Way = "sparse" if self.few is not None and self.share < SPARSE_BELOW else "dense"
        # the sparse way brings its own threads; torch's would spin on their cores long after every operation
        with _threads(1 if way == "sparse" else torch.get_num_threads()):
            return self._advance(way)

    def _advance(self, way: Way) -> Measured:
        for index, source in enumerate(self.batches):
            source.next(self.inputs[index], self.few)
        measured = self.step.gradients(self.inputs, self.control.penalty, self.control.power, way=way)
        self.share = float(measured.l0.mean()) / self.stack.atoms.shape[1]
        self.update(self.learning_rate * _pace(self.now, self.steps))
        self.control.after(self.now, measured, self.step)
        if self.now % LOGGED_EVERY == 0 or self.now == self.steps - 1:
            _require_finite(self.now, measured, self.sparsities, self.learning_rate)
            self.logged.append((self.now, measured, self.control.penalty.clone(), self.control.power))
        self.now += 1
        return measured

    def _own_adam(self, threads: SparseGradients) -> Callable[[float], None]:
        adam = Adam(self.stack.parameters(), unit=self.stack.atoms)
        return lambda learning_rate: adam.step(learning_rate, threads.each, len(threads.rows))

    def _torch_adam(self) -> Callable[[float], None]:
        adam = torch.optim.Adam(self.stack.parameters(), fused=True)

        def update(learning_rate: float) -> None:
            adam.param_groups[0]["lr"] = learning_rate
            adam.step()
            self.stack.atoms.div_(self.stack.atoms.norm(dim=-1, keepdim=True).clamp_(min=1e-12))

        return update

    def coders(self) -> list[Coder]:
        """The dictionaries as they are now, in the units of their activations."""
        stack, scales = self.stack, self.scales
        return [
            Coder(
                encoder=stack.encoder[i] / scales[i],
                atoms=stack.atoms[i] * scales[i],
                encoder_bias=stack.encoder_bias[i].clone(),
                bias=stack.bias[i] * scales[i] + self.means[i],
                keep=self.sparsities[i] if isinstance(self.rule, TopK) else None,
                history={
                    "step": [float(at) for at, *_ in self.logged],
                    "error": [float(measured.error[i]) for _, measured, _, _ in self.logged],
                    "l0": [float(measured.l0[i]) for _, measured, _, _ in self.logged],
                    "penalty": [float(penalty[i]) for _, _, penalty, _ in self.logged],
                    "power": [power for *_, power in self.logged],
                },
            )
            for i in range(len(scales))
        ]


def train(
    activations: Sequence[Float[Tensor, "n d"]],
    sparsities: Sequence[int],
    seeds: Sequence[int],
    *,
    size: int,
    rule: Rule,
    steps: int = 2000,
    batch: int = 512,
    learning_rate: float = 2e-3,
    dtype: torch.dtype | None = None,
    progress: Callable[..., None] | None = None,
) -> list[Coder]:
    """Train a dictionary of `size` atoms on each of `activations` for the asked L0 (`sparsities`).

    `dtype` is that of the matrix products (None: bfloat16 where the hardware multiplies it natively, else float32);
    parameters and optimiser states are always float32. Raises `TooLargeError` before anything is allocated and
    `DivergedError` at the first NaN.
    """
    training = Training(
        activations,
        sparsities,
        seeds,
        size=size,
        rule=rule,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        dtype=dtype,
    )
    for now in range(steps):
        measured = training.advance()
        if progress is not None and (now % LOGGED_EVERY == 0 or now == steps - 1):
            progress(now, steps, error=float(measured.error.mean()), l0=float(measured.l0.mean()))
    return training.coders()


def best_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where matrix products in it are native (CUDA from Ampere, CPUs with AMX or AVX512-BF16), else float32.

    Elsewhere a bfloat16 product is emulated: five times slower than float32 on the AVX512 machine where this was
    measured.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    native = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return torch.bfloat16 if device.type == "cpu" and native is not None and native() else torch.float32


def learn(
    subjects: Sequence[DictionarySubject], rule: Rule, *, steps: int, batch: int, learning_rate: float
) -> list[Dictionary]:
    """Train one dictionary for each subject; those of equal size and width are one stack."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, subject in enumerate(subjects):
        groups.setdefault((subject.size, subject.train.shape[1]), []).append(index)
    found: dict[int, Dictionary] = {}
    for (size, _), members in groups.items():
        chosen = [subjects[index] for index in members]
        coders = train(
            [subject.train for subject in chosen],
            [subject.sparsity for subject in chosen],
            [subject.seed for subject in chosen],
            size=size,
            rule=rule,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
        )
        for index, subject, coder in zip(members, chosen, coders, strict=True):
            codes = coder.encode(subject.validation), coder.encode(subject.test)
            found[index] = Dictionary(coder.atoms, coder.bias, *codes)
    return [found[index] for index in range(len(subjects))]


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Batches:
    """Batches of one dictionary: every epoch in a new order, a last incomplete batch being left out."""

    def __init__(self, values: Tensor, generator: torch.Generator, batch: int) -> None:
        self.values, self.generator, self.batch = values, generator, batch
        self.order = torch.empty(0, dtype=torch.int64)
        self.at = 0

    def next(self, out: Tensor, threads: SparseGradients | None = None) -> None:
        while len(self.order) - self.at < self.batch:
            fresh = torch.randperm(len(self.values), generator=self.generator)
            self.order, self.at = torch.cat([self.order[self.at :], fresh]), 0
        chosen = self.order[self.at : self.at + self.batch].to(self.values.device)
        if threads is None:
            torch.index_select(self.values, 0, chosen, out=out)
        else:

            def gather(part: int) -> None:
                rows = threads.rows[part]
                torch.index_select(self.values, 0, chosen[rows], out=out[rows])

            threads.each(gather, len(threads.rows))
        self.at += self.batch


class _Controller:
    """Penalty and power of every dictionary, step by step."""

    def __init__(self, rule: Rule, target: Tensor, steps: int) -> None:
        self.rule, self.target, self.steps = rule, target, steps
        start = 0.0 if isinstance(rule, TopK) else rule.penalty
        self.penalty = torch.full_like(target, start)
        self.power = 1.0
        self.average = torch.zeros_like(target)
        self.updates = rule.schedule(steps) if isinstance(rule, Anneal) else []
        self.before, self.later = torch.zeros_like(target), torch.zeros_like(target)

    def after(self, now: int, measured: Measured, step: Step) -> None:
        """Correct the penalty by the L0 just measured, and lower the power where the schedule says so."""
        if isinstance(self.rule, TopK):
            return
        self.average = measured.l0.float() if now == 0 else self.average.lerp(measured.l0.float(), 0.1)
        gain = 0.01 * min(1.0, max(0.1, 10 * (1 - now / self.steps)))
        ratio = (self.average / self.target).clamp(1e-2, 1e2)
        self.penalty = (self.penalty * ratio.pow(gain)).clamp(1e-6, 1e3)
        if isinstance(self.rule, Anneal) and self.updates:
            at, power = self.updates[0]
            if at - self.rule.window <= now + 1:
                self.before += step.powers(self.power)
                self.later += step.powers(power)
            if now + 1 >= at:
                self.penalty = self.penalty * self.before / self.later.clamp(min=1e-12)
                self.power = power
                self.updates.pop(0)
                self.before, self.later = torch.zeros_like(self.before), torch.zeros_like(self.later)


def _start(generators: Sequence[torch.Generator], size: int, d: int, device: torch.device) -> Stack:
    """Random unit atoms, the encoder being their copy, biases zero."""
    atoms = torch.stack([torch.randn(size, d, generator=generator) for generator in generators])
    atoms = (atoms / atoms.norm(dim=-1, keepdim=True)).to(device)
    zeros = torch.zeros(len(generators), size, device=device)
    return Stack(atoms.clone(), atoms, zeros, torch.zeros(len(generators), d, device=device))


def _pace(now: int, steps: int) -> float:
    """Learning-rate factor: up over the first twentieth, down to a hundredth over the last third."""
    up = min(1.0, (now + 1) / max(1, steps // 20))
    down = min(1.0, max(0.01, (steps - now) / max(1, steps / 3)))
    return up * down


def memory_needed(k: int, size: int, d: int, batch: int) -> int:
    """Bytes that training k dictionaries of `size` atoms in d dimensions takes at its peak, data left out."""
    each = 10 * size * (d + 1) + 3 * batch * size + 5 * batch * d
    return 4 * (k * each + parts_of(batch) * 2 * size * (d + 1) + batch * size)


def _require_memory(k: int, size: int, d: int, batch: int, device: torch.device) -> None:
    needed = memory_needed(k, size, d, batch)
    there = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if needed > 0.9 * there:
        raise TooLargeError(
            f"training {k} dictionaries of {size:,} atoms in {d} dimensions at batch {batch} needs "
            f"{needed / 1e9:.1f} GB of memory, and {there / 1e9:.1f} GB are free; ask for fewer atoms, "
            "fewer seeds or sparsities at once, or a smaller batch"
        )


def _require_finite(now: int, measured: Measured, sparsities: Sequence[int], learning_rate: float) -> None:
    bad = (~torch.isfinite(measured.error)).nonzero().flatten().tolist()
    if bad:
        raise DivergedError(
            f"training met NaN or infinity by step {now} in {len(bad)} of {len(measured.error)} dictionaries (asked L0 "
            f"{sorted({sparsities[i] for i in bad})}); got a reconstruction error of {float(measured.error[bad[0]])}, "
            f"expected a finite one: check the activations for NaN, or lower learning_rate={learning_rate}"
        )
