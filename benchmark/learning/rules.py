"""What a method of dictionary learning is made of, as an object that the trainer is given: a rule.

    @dataclass(frozen=True)
    class TiedRule(Rule[Autoencoder]):                                   a made-up method, complete
        def start(self, generator, x, size, asked):
            return tied(generator, size, x.shape[1], asked)

        def encode(self, p, x):
            return torch.relu((x - p.bias) @ p.atoms.T)

    train(activations, sparsities, seeds, size=128, rule=TiedRule())     in `benchmark.learning.dictionaries`

The formulas (`start`, `encode`, `decode`, `error`, `penalty`) are written for one dictionary. The trainer minimises
`error + penalty` by Adam, with gradients by autograd unless the rule offers a faster `backend`. `after` does the
bookkeeping of a step for all dictionaries at once: there every tensor has one more axis in front, k. What a rule must
remember from step to step is a field of its parameters that is marked as `STATE`: it is not trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar, Final, Generic, Protocol, Self, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

STATE: Final = {"trained": False}
"""Metadata of a field of parameters that only `Rule.after` changes."""


@dataclass(frozen=True)
class Autoencoder:
    """Parameters of a dictionary, or of k dictionaries with one more axis in front; tensors are changed in place."""

    encoder: Float[Tensor, "*k m d"]
    atoms: Float[Tensor, "*k m d"]
    encoder_bias: Float[Tensor, "*k m"]
    bias: Float[Tensor, "*k d"]
    asked: Float[Tensor, "*k"] = field(metadata=STATE)
    """The mean number of active codes that is asked for (L0)."""

    @classmethod
    def stack(cls, many: Sequence[Self]) -> Self:
        """Several dictionaries as one stack."""
        return cls(**{name: torch.stack([getattr(one, name) for one in many]) for name in vars(many[0])})

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The parameters, each changed."""
        return type(self)(**{name: change(tensor) for name, tensor in vars(self).items()})

    def one(self, index: int) -> Self:
        """Dictionary `index` of a stack, sharing its memory."""
        return self.map(lambda tensor: tensor[index])

    def trained(self) -> dict[str, Tensor]:
        """The tensors that gradients change."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get("trained", True)}

    def state(self) -> dict[str, Tensor]:
        """The tensors that only `Rule.after` changes."""
        return {name: tensor for name, tensor in vars(self).items() if name not in self.trained()}


P = TypeVar("P", bound=Autoencoder)


@dataclass(frozen=True)
class Units:
    """How activations were brought to mean 0 and mean squared length 1: `(x - mean) / scale`."""

    mean: Float[Tensor, " d"]
    scale: Float[Tensor, ""]


@dataclass(frozen=True)
class Seen:
    """A batch as one dictionary sees it in training."""

    inputs: Float[Tensor, "B d"]
    targets: Float[Tensor, "B e"]
    """What is to be rebuilt: the inputs themselves, unless the training was given other targets."""
    codes: Float[Tensor, "B m"]


@dataclass(frozen=True)
class Measured:
    """What one step saw, a number for each dictionary."""

    error: Float[Tensor, " k"]
    l0: Float[Tensor, " k"]


@dataclass(frozen=True)
class Step:
    """A step that was just taken, for `Rule.after`."""

    number: int
    """From 0."""
    steps: int
    """How many there will be."""
    measured: Measured
    """Before the step changed the parameters."""
    codes: Callable[[], Iterator[Float[Tensor, "B m"]]]
    """Codes of the step's inputs, one dictionary after the other, with the parameters as they are now."""
    least: Callable[[], Float[Tensor, " k"]]
    """The least code that was active in the step, 0 where none was."""
    inputs: Float[Tensor, "k B d"]


class Workers(Protocol):
    """Threads that share the rows of a batch."""

    @property
    def rows(self) -> list[slice]:
        """The parts of a batch."""

    def each(self, work: Callable[[int], object], count: int) -> object:
        """`work` of 0 to `count` - 1, shared among the threads."""


class Backend(Protocol):
    """A way to compute the gradients of a rule for all dictionaries of a stack."""

    @property
    def workers(self) -> Workers | None:
        """Threads of its own, which the trainer then uses for batches and for Adam as well."""

    @property
    def torch_threads(self) -> int:
        """How many threads torch should use in the next step."""

    def gradients(self, inputs: Float[Tensor, "k B d"], targets: Float[Tensor, "k B e"]) -> Measured:
        """Fill `.grad` of every trained tensor; rows of unit norm get no gradient along themselves."""

    def codes(self) -> Iterator[Float[Tensor, "B m"]]:
        """Codes of the last inputs, one dictionary after the other, with the parameters as they are now."""

    def least(self) -> Float[Tensor, " k"]:
        """The least code that was active in the last step, 0 where none was."""


class Rule(Generic[P]):
    """What one method does; `start` and `encode` must be given, everything else has the plain autoencoder's form."""

    unit_rows: ClassVar[tuple[str, ...]] = ("atoms",)
    """Names of the parameters whose rows keep norm 1."""

    def start(self, generator: torch.Generator, x: Float[Tensor, "n d"], size: int, asked: int) -> P:
        """Parameters of a dictionary of `size` atoms before the first step; `x` has mean 0 and mean square norm 1."""
        raise NotImplementedError(f"{type(self).__name__} has no start(generator, x, size, asked)")

    def encode(self, p: P, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Codes: not negative, mostly zero, those of a row depending on that row alone."""
        raise NotImplementedError(f"{type(self).__name__} has no encode(p, x)")

    def encode_batch(self, p: P, x: Float[Tensor, "B d"]) -> Float[Tensor, "B m"]:
        """Codes in training, where a rule may look at the whole batch."""
        return self.encode(p, x)

    def decode(self, p: P, codes: Float[Tensor, "n m"]) -> Float[Tensor, "n e"]:
        """The reconstruction."""
        return codes @ p.atoms + p.bias

    def error(self, p: P, seen: Seen) -> Float[Tensor, ""]:
        """The part of the objective that says how well the targets are rebuilt: mean squared distance."""
        return (self.decode(p, seen.codes) - seen.targets).square().sum(-1).mean()

    def penalty(self, p: P, seen: Seen) -> Float[Tensor, ""]:  # noqa: ARG002
        """The rest of the objective: nothing."""
        return seen.codes.new_zeros(())

    def after(self, p: P, step: Step) -> None:
        """Bookkeeping for the whole stack after a step; changes `p` in place."""

    def in_units(self, p: P, source: Units, target: Units) -> P:  # noqa: ARG002
        """Parameters for activations that are not normalised, with the same codes: here where both units are one."""
        return replace(
            p, encoder=p.encoder / source.scale, atoms=p.atoms * source.scale, bias=p.bias * source.scale + source.mean
        )

    def backend(self, p: P, batch: int, dtype: torch.dtype) -> Backend | None:  # noqa: ARG002
        """A faster way to the same gradients for the stack `p`, or None for autograd.

        A rule that inherits formulas from another and changes one gives up the other's offer: `backend = Rule.backend`.
        """
        return None


def tied(generator: torch.Generator, size: int, d: int, asked: int) -> Autoencoder:
    """Random unit atoms, the encoder being their copy, biases zero."""
    atoms = torch.randn(size, d, generator=generator)
    atoms = atoms / atoms.norm(dim=-1, keepdim=True)
    return Autoencoder(atoms.clone(), atoms, torch.zeros(size), torch.zeros(d), torch.tensor(float(asked)))
