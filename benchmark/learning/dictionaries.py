"""Training of sparse autoencoders, many at once: every sparsity, width and seed of a method is one stack of parameters.

    coders = train(activations, sparsities, seeds, size=128, rule=rule)      one coder for each entry of `activations`
    codes = coders[0].encode(test)                                           [n, m], not negative

What a method does (how it encodes, what it penalises, what it changes after a step) is its `rule`
(`benchmark.learning.rules`); here is what all have in common: batches, Adam, unit norms, the learning rate's course,
the log and the errors. Each dictionary draws from its own generators, so it does not depend on which others are trained
beside it (up to rounding).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary import Dictionary, DictionaryQuestion
from benchmark.learning.adam import Adam
from benchmark.learning.dictionary_autograd import AutogradStep
from benchmark.learning.memory import require_memory
from benchmark.learning.rules import Backend, Measured, P, Rule, Step, Units, Workers

LOGGED_EVERY = 50


class DivergedError(TouchstoneError):
    """Training met NaN or infinity."""


@dataclass(frozen=True)
class Coder(Generic[P]):
    """One trained dictionary, in the units of its activations."""

    rule: Rule[P]
    parameters: P
    history: dict[str, list[float]] = field(default_factory=dict)
    """Per logged step: `step`, `error` (share of variance left), `l0`, and what the rule keeps one number of."""
    start: Float[Tensor, "m d"] | None = None
    """The atoms before the first step, for normalised activations."""

    @property
    def atoms(self) -> Float[Tensor, "m d"]:
        """Directions that codes multiply."""
        return self.parameters.atoms

    @property
    def bias(self) -> Float[Tensor, d]:
        """The reconstruction of no codes."""
        return self.parameters.bias

    def encode(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Codes of the activations: not negative, mostly zero."""
        with torch.no_grad():
            return self.rule.encode(self.parameters, activations)


class Training(Generic[P]):
    """The training of a stack of dictionaries, to be advanced step by step; `train` runs one from start to end."""

    def __init__(
        self,
        activations: Sequence[Float[Tensor, "n d"]],
        sparsities: Sequence[int],
        seeds: Sequence[int],
        *,
        size: int,
        rule: Rule[P],
        steps: int,
        batch: int,
        learning_rate: float,
        targets: Sequence[Float[Tensor, "n e"]] | None = None,
        dtype: torch.dtype | None = None,
        starts: Sequence[int | None] | None = None,
    ) -> None:
        device = activations[0].device
        dtype = dtype or best_dtype(device)
        k, d = len(activations), activations[0].shape[1]
        require_memory(k, size, d, batch, device)
        self.sparsities, self.rule, self.steps, self.learning_rate = sparsities, rule, steps, learning_rate
        inputs, self.sources = _normalised(activations)
        outputs, self.aims = (inputs, self.sources) if targets is None else _normalised(targets)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        drawn = [
            own if start is None else torch.Generator().manual_seed(start)
            for own, start in zip(generators, starts or [None] * k, strict=True)
        ]
        first = [
            rule.start(generator, x, size, asked) for generator, x, asked in zip(drawn, inputs, sparsities, strict=True)
        ]
        self.p = first[0].stack(first).map(lambda tensor: tensor.to(device))
        self.first = self.p.atoms.clone()
        self.backend: Backend = rule.backend(self.p, batch, dtype) or AutogradStep(rule, self.p, dtype)
        self.batches = [_Batches(len(x), generator, batch) for x, generator in zip(inputs, generators, strict=True)]
        self.data = [inputs] if targets is None else [inputs, outputs]
        self.buffers = [torch.empty(k, batch, values[0].shape[1], device=device) for values in self.data]
        self.update = self._torch_adam() if self.backend.workers is None else self._own_adam(self.backend.workers)
        self.now = 0
        self.logged: list[tuple[int, Measured, dict[str, Tensor]]] = []

    def advance(self) -> Measured:
        """Take one step: a batch, gradients, Adam, unit norms, and what the rule does after it."""
        with _threads(self.backend.torch_threads):
            return self._advance()

    def _advance(self) -> Measured:
        for index, batches in enumerate(self.batches):
            chosen = batches.next()
            for values, buffer in zip(self.data, self.buffers, strict=True):
                _gather(values[index], chosen, buffer[index], self.backend.workers)
        measured = self.backend.gradients(self.buffers[0], self.buffers[-1])
        self.update(self.learning_rate * _pace(self.now, self.steps))
        self.rule.after(
            self.p, Step(self.now, self.steps, measured, self.backend.codes, self.backend.least, self.buffers[0])
        )
        if self.now % LOGGED_EVERY == 0 or self.now == self.steps - 1:
            _require_finite(self.now, measured, self.sparsities, self.learning_rate)
            numbers = {name: tensor.clone() for name, tensor in self.p.state().items() if tensor.ndim == 1}
            self.logged.append((self.now, measured, numbers))
        self.now += 1
        return measured

    def _own_adam(self, workers: Workers) -> Callable[[float], None]:
        trained = self.p.trained()
        adam = Adam(list(trained.values()), unit=[name in self.rule.unit_rows for name in trained])
        return lambda learning_rate: adam.step(learning_rate, workers.each, len(workers.rows))

    def _torch_adam(self) -> Callable[[float], None]:
        trained = self.p.trained()
        adam = torch.optim.Adam(list(trained.values()), fused=True)

        def update(learning_rate: float) -> None:
            adam.param_groups[0]["lr"] = learning_rate
            adam.step()
            for name in self.rule.unit_rows:
                trained[name].div_(trained[name].norm(dim=-1, keepdim=True).clamp_(min=1e-12))

        return update

    def coders(self) -> list[Coder[P]]:
        """The dictionaries as they are now, in the units of their activations."""
        return [
            Coder(
                rule=self.rule,
                parameters=self.rule.in_units(self.p.one(i).map(torch.clone), source, aim),
                history={
                    "step": [float(at) for at, *_ in self.logged],
                    "error": [float(measured.error[i]) for _, measured, _ in self.logged],
                    "l0": [float(measured.l0[i]) for _, measured, _ in self.logged],
                    **{name: [float(numbers[name][i]) for *_, numbers in self.logged] for name in self.logged[0][2]},
                },
                start=self.first[i],
            )
            for i, (source, aim) in enumerate(zip(self.sources, self.aims, strict=True))
        ]


def train(
    activations: Sequence[Float[Tensor, "n d"]],
    sparsities: Sequence[int],
    seeds: Sequence[int],
    *,
    size: int,
    rule: Rule[P],
    steps: int = 2000,
    batch: int = 512,
    learning_rate: float = 2e-3,
    targets: Sequence[Float[Tensor, "n e"]] | None = None,
    dtype: torch.dtype | None = None,
    starts: Sequence[int | None] | None = None,
    progress: Callable[..., None] | None = None,
) -> list[Coder[P]]:
    """Train a dictionary of `size` atoms on each of `activations` for the asked L0 (`sparsities`).

    `targets` are what is rebuilt where that is not the activations themselves (a transcoder's output activations).
    `dtype` is that of the matrix products (None: bfloat16 where the hardware multiplies it natively, else float32);
    parameters and optimiser states are always float32. `starts` are seeds of the first parameters alone, where they are
    not to come from the same generator as the batches. Raises `TooLargeError` before anything is allocated and
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
        targets=targets,
        dtype=dtype,
        starts=starts,
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
    questions: Sequence[DictionaryQuestion], rule: Rule[P], *, steps: int, batch: int, learning_rate: float
) -> list[Dictionary]:
    """Train one dictionary for each question; those of equal size and width are one stack."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, question in enumerate(questions):
        groups.setdefault((question.size, question.train.shape[1]), []).append(index)
    found: dict[int, Dictionary] = {}
    for (size, _), members in groups.items():
        chosen = [questions[index] for index in members]
        coders = train(
            [question.train for question in chosen],
            [question.sparsity for question in chosen],
            [question.seed for question in chosen],
            size=size,
            rule=rule,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            starts=[question.start_seed for question in chosen],
        )
        for index, question, coder in zip(members, chosen, coders, strict=True):
            codes = coder.encode(question.validation), coder.encode(question.test)
            start = None if question.start_seed is None else coder.start
            found[index] = Dictionary(coder.atoms, coder.bias, *codes, start=start)
    return [found[index] for index in range(len(questions))]


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _normalised(activations: Sequence[Tensor]) -> tuple[list[Tensor], list[Units]]:
    """Each with mean 0 and mean squared length 1, and how it got there."""
    values, units = [], []
    for x in activations:
        mean = x.mean(0)
        centred = x - mean
        scale = centred.square().sum(1).mean().sqrt().clamp(min=1e-12)
        values.append(centred / scale)
        units.append(Units(mean, scale))
    return values, units


class _Batches:
    """Rows of the batches of one dictionary: every epoch in a new order; what is left over begins the next one."""

    def __init__(self, rows: int, generator: torch.Generator, batch: int) -> None:
        self.rows, self.generator, self.batch = rows, generator, batch
        self.order = torch.empty(0, dtype=torch.int64)
        self.at = 0

    def next(self) -> Tensor:
        """Numbers of the rows of the next batch."""
        while len(self.order) - self.at < self.batch:
            fresh = torch.randperm(self.rows, generator=self.generator)
            self.order, self.at = torch.cat([self.order[self.at :], fresh]), 0
        self.at += self.batch
        return self.order[self.at - self.batch : self.at]


def _gather(values: Tensor, chosen: Tensor, out: Tensor, workers: Workers | None) -> None:
    """Write the rows `chosen` of `values` to `out`, with the workers' threads if there are any."""
    chosen = chosen.to(values.device)
    if workers is None:
        torch.index_select(values, 0, chosen, out=out)
        return
    parts = workers.rows

    def gather(part: int) -> None:
        rows = parts[part]
        torch.index_select(values, 0, chosen[rows], out=out[rows])

    workers.each(gather, len(parts))


def _pace(now: int, steps: int) -> float:
    """Learning-rate factor: up over the first twentieth, down to a hundredth over the last third."""
    up = min(1.0, (now + 1) / max(1, steps // 20))
    down = min(1.0, max(0.01, (steps - now) / max(1, steps / 3)))
    return up * down


def _require_finite(now: int, measured: Measured, sparsities: Sequence[int], learning_rate: float) -> None:
    bad = (~torch.isfinite(measured.error)).nonzero().flatten().tolist()
    if bad:
        raise DivergedError(
            f"training met NaN or infinity by step {now} in {len(bad)} of {len(measured.error)} dictionaries (asked L0 "
            f"{sorted({sparsities[i] for i in bad})}); got a reconstruction error of {float(measured.error[bad[0]])}, "
            f"expected a finite one: check the activations for NaN, or lower learning_rate={learning_rate}"
        )
