"""Attribution: which entries of an input did the model use for its answer?

    method:  AttributionQuestion(model, inputs [n, *shape], targets [n], ...)  ->  attributions [n, *shape], signed
    truth:   AttributionTruth(masks [n, *shape])       the entries that carry what was planted; methods never see it

An attribution is one number an entry: how much that entry speaks for the target (for the whole output where there is no
target). Signs are kept as the method gives them; the metrics rank by magnitude, since an entry that speaks against the
target is used, too. Channels are ranked as entries of their own, unless the question is asked `per_pixel`: then the
magnitude of a pixel is the sum over its channels of |attribution|, the truth is [n, 1, h, w], and a method may return
one number a pixel. (A task that hands over colours says so in what it `provides`, for methods that require them.) So
are sequences of tokens asked about: a token is a column of an input [vocabulary, places], and each place is ranked.

A task may ask for more than a map. A method that decides says which entries it takes for used (`selected`), and one
that groups says which belong together (`groups`). Where the question names a `reach`, the truth says what the output
does when an entry is moved up so far: rise, fall, or stay (`behaviours`).

The answer may be "nothing": where a mask is empty on an input, a score is not defined there, and that input is left out
of the metric's mean.

What the model *uses* is known because it was planted: inputs are composed of a part that fixes the label and parts that
cannot (Shah, Jain and Netrapalli 2021, arXiv:2102.12781), and the subject's certificate shows by interventions that the
model follows the first and ignores the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.errors import InvalidExplanation
from benchmark.families.attribution.copies import Copies
from benchmark.families.attribution.ranking import Ranking, ranking
from benchmark.plugins import method_decorator, task_decorator

attribution_method = method_decorator("attribution")
attribution_task = task_decorator("attribution")

FINER = 1e4
"""How much heavier the oracle weighs a finer truth than the coarser one around it."""


@dataclass(frozen=True, eq=False)
class Lessons:
    """Inputs of other seeds and what was planted in them: what can be learned of a task without the model at hand."""

    inputs: Float[Tensor, "m ..."]
    targets: Int[Tensor, " m"] | None
    masks: Bool[Tensor, "m ..."]
    """The primary truth; where two rivals are asked about the same inputs, these are there twice."""


@dataclass(frozen=True, eq=False)
class AttributionQuestion:
    """What a method may see. All tensors lie on one device, values are float32."""

    model: nn.Module
    """In eval mode, `[n, *shape] -> [n, classes]` logits (or `[n]` where there is no target); every activation is a
    module."""
    inputs: Float[Tensor, "n ..."]
    """The inputs to explain."""
    targets: Int[Tensor, " n"] | None
    """The class whose logit is to be explained, for each input; None where the model has a single output."""
    background: Float[Tensor, "m ..."]
    """Inputs from the training distribution, for methods that compare with one."""
    baseline: Float[Tensor, " ..."]
    """The neutral input ("nothing there"), for methods that start from one."""
    seed: int
    """Where a method's own randomness starts, so that it gives the same answer twice."""
    per_pixel: bool = False
    """For inputs [n, c, h, w] or sequences [n, c, t]: whether pixels, or places, are asked for with all their channels:
    [n, 1, h, w] and [n, h, w] will do then, too."""
    series: bool = False
    """Whether inputs are several series [n, 1, channels, time]: channels are no neighbours, steps are."""
    lessons: Lessons | None = None
    """Of other seeds, for methods declared as `taught` alone; None where there are none."""
    symmetries: Int[Tensor, "g d"] | None = None
    """Moves of entries under which inputs are as likely as before and the answer should stay, all or some of a group:
    `inputs.flatten(1)[:, symmetries[k]]` are the inputs moved by the k-th. None where none is known."""
    reach: float | None = None
    """How far up an entry is moved where it is asked what the output does then; None where nothing is asked of it."""

    @property
    def sequential(self) -> bool:
        """Whether it is asked about the places of sequences [n, c, t]."""
        return self.per_pixel and self.inputs.dim() == 3


@dataclass(frozen=True, eq=False)
class Contrast:
    """A part of the inputs that is used in one of two variants and not in the other."""

    region: Bool[Tensor, "n ..."]
    """The same in the truths of both."""
    used: bool
    """Whether it is used in the variant of this truth."""
    pair: str = ""
    """Which two variants belong together, where a task has several pairs."""


@dataclass(frozen=True, eq=False)
class Alteration:
    """A part of the inputs that is shown differently in two variants, to one model that gives both the same answer."""

    region: Bool[Tensor, "n ..."]
    """The same in the truths of both."""
    altered: bool
    """Whether the variant of this truth shows the change."""
    pair: str = ""
    """Which two variants belong together, where a task has several pairs."""


@dataclass(frozen=True, eq=False)
class Behaviours:
    """What the output does when one entry is moved up by the question's reach and the others stay."""

    direction: Int[Tensor, "n ..."]
    """1 where it rises, -1 where it falls; 0 where it does not move on the whole way."""
    asked: Bool[Tensor, "n ..."]
    """The entries that are asked about."""


@dataclass(frozen=True, eq=False)
class AttributionTruth:
    """What was planted: masks over the inputs, True where an entry carries it; the first one, "", is primary."""

    masks: Mapping[str, Bool[Tensor, "n ..."]]
    """Every metric is evaluated for each mask: {"": signal block, "digit": the digit's own pixels}. One may be empty on
    an input, where nothing carries the answer; it may not hold all entries."""
    zero_set: Bool[Tensor, "n ..."] | None = None
    """Entries that carry nothing about the label by construction; None where no such set exists."""
    contrast: Contrast | None = None
    """What is compared between two variants that ask different models about the same inputs."""
    input_contrast: Contrast | None = None
    """What is compared between two variants that ask one model about different inputs."""
    alteration: Alteration | None = None
    """What differs between the inputs of two variants and should not matter."""
    figure: Bool[Tensor, "n ..."] | None = None
    """Where an input shows anything (strokes, objects), be it used or not; the rest is empty ground."""
    references: Mapping[str, Float[Tensor, "n ..."]] | None = None
    """What definitions of an attribution ("derivative") give for the planted rule itself."""
    copies: Copies | None = None
    """Which inputs are copies of others, moved or hardly changed."""
    groups: Int[Tensor, "n ..."] | None = None
    """The number of the planted group to which each entry belongs, from 0, or -1 for none; None where no such groups
    exist."""
    behaviours: Behaviours | None = None
    """What the output does when an entry is moved; None where the question names no reach."""

    def __post_init__(self) -> None:
        if next(iter(self.masks), None) != "":
            raise ValueError(
                f'the first mask is the primary truth and must be named "", got the names {list(self.masks)}'
            )
        shape = self.masks[""].shape
        named = {f"mask {name!r}": mask for name, mask in self.masks.items()}
        if self.zero_set is not None:
            named["zero_set"] = self.zero_set
        compared = {name: getattr(self, name) for name in ("contrast", "input_contrast", "alteration")}
        named |= {name: part.region for name, part in compared.items() if part is not None}
        if self.figure is not None:
            named["figure"] = self.figure
        if self.copies is not None:
            moves = self.copies.moves.shape
            if moves[0] != shape[0] or moves[1] % shape[1:].numel():
                raise ValueError(f"copies: got moves {list(moves)}, expected those of masks {list(shape)}")
        for name, values in (self.references or {}).items():
            if not values.is_floating_point() or values.shape != shape:
                got = f"{values.dtype} {list(values.shape)}"
                raise ValueError(f"reference {name!r}: got {got}, expected floats {list(shape)}")
        if self.groups is not None:
            if self.groups.dtype != torch.int64 or self.groups.shape != shape:
                got = f"{self.groups.dtype} {list(self.groups.shape)}"
                raise ValueError(f"groups: got {got}, expected torch.int64 {list(shape)}")
            if not bool((self.groups >= 0).flatten(1).any(1).all()):
                raise ValueError("groups: each input needs an entry in a group, or no score is defined")
        if self.behaviours is not None:
            named["behaviours.asked"] = self.behaviours.asked
            _check_behaviours(self.behaviours, shape)
        for name, mask in named.items():
            if mask.dtype != torch.bool or mask.shape != shape:
                raise ValueError(f"{name}: got {mask.dtype} {list(mask.shape)}, expected torch.bool {list(shape)}")
            count = mask.flatten(1).sum(1)
            if name.startswith("mask ") and not bool((count < mask[0].numel()).all()):
                raise ValueError(f"{name}: each input needs entries outside of it, or no score is defined")
            if name == "zero_set" and not bool(count.any()):
                raise ValueError("zero_set: got no entry on any input, expected None where no such set exists")
            if name == "figure":
                used = (mask & self.masks[""]).flatten(1).sum(1)
                if not bool(((used > 0) & (used < count)).all()):
                    raise ValueError("figure: each input needs entries of it inside and outside of the primary truth")
            if name in compared and not bool(((count > 0) & (count < mask[0].numel())).all()):
                raise ValueError(f"{name}: each input needs entries inside and outside of it, or no score is defined")


def _check_behaviours(behaviours: Behaviours, shape: torch.Size) -> None:
    """Raise `ValueError` where directions are none, or none that is asked for leads anywhere."""
    direction = behaviours.direction
    if direction.is_floating_point() or direction.dtype == torch.bool or direction.shape != shape:
        got = f"{direction.dtype} {list(direction.shape)}"
        raise ValueError(f"behaviours.direction: got {got}, expected whole numbers {list(shape)}")
    if not set(direction.unique().tolist()) <= {-1, 0, 1}:
        raise ValueError(f"behaviours.direction: got {direction.unique().tolist()}, expected -1, 0 and 1")
    if behaviours.asked.shape == shape and not bool((direction != 0)[behaviours.asked.bool()].any()):
        raise ValueError("behaviours: got no asked entry at which the output rises or falls, or no score is defined")


@dataclass(frozen=True, eq=False)
class AttributionExplanation:
    """What a method returns, validated."""

    attributions: Float[Tensor, "n ..."]
    """Signed, float32, finite, on the CPU; [n, 1, h, w] where only pixels are told apart."""
    per_pixel: bool = False
    """Whether channels are summed before anything is ranked."""
    selected: Bool[Tensor, "n ..."] | None = None
    """The entries of which the method says that they are used, where it decides."""
    groups: Int[Tensor, "n ..."] | None = None
    """The number of the group in which each entry is, from 0, or -1 for none, where the method returns groups."""

    @cached_property
    def magnitudes(self) -> Float[Tensor, "n d"]:
        """How strongly each entry, or each pixel, is marked, one row an input."""
        magnitudes = self.attributions.abs()
        return (magnitudes.sum(1) if self.per_pixel else magnitudes).flatten(1)

    @cached_property
    def ranking(self) -> Ranking:
        """The magnitudes of each input, sorted."""
        return ranking(self.magnitudes)


def check(raw: object, question: AttributionQuestion) -> AttributionExplanation:
    """Validate what a method returned: a tensor or array of floats in the shape of the inputs, without NaN or infinity.

    A method that decides which entries are used, or that finds groups of them, returns an `AttributionExplanation` with
    `selected` or `groups` in the shape of its attributions.

    Raises:
        InvalidExplanation: saying what was got and what was expected.
    """
    selected, groups = None, None
    if isinstance(raw, AttributionExplanation):
        selected, groups, raw = raw.selected, raw.groups, raw.attributions
    if isinstance(raw, np.ndarray):
        if raw.dtype.kind not in "fiub":
            raise InvalidExplanation(f"attributions: got a numpy array of {raw.dtype}, expected floating point numbers")
        raw = torch.from_numpy(np.ascontiguousarray(raw))
    if not isinstance(raw, Tensor):
        raise InvalidExplanation(f"attributions: got {type(raw).__name__}, expected a torch.Tensor or numpy.ndarray")
    expected = list(question.inputs.shape)
    if question.per_pixel and list(raw.shape) == [expected[0], *expected[2:]]:
        raw = raw[:, None]
    pixels = [expected[0], 1, *expected[2:]]
    if list(raw.shape) != expected and not (question.per_pixel and list(raw.shape) == pixels):
        raise InvalidExplanation(
            f"attributions: got shape {list(raw.shape)}, expected {expected}, the shape of the inputs"
            + (f", or {pixels}, a number for each pixel" if question.per_pixel else "")
        )
    if not raw.is_floating_point():
        raise InvalidExplanation(f"attributions: got {raw.dtype}, expected floating point numbers (float32)")
    values = raw.detach().to(device="cpu", dtype=torch.float32)
    bad = ~torch.isfinite(values)
    if bool(bad.any()):
        nan = int(values.isnan().sum())
        raise InvalidExplanation(
            f"attributions: got {nan} NaN and {int(bad.sum()) - nan} infinite values out of {values.numel()}"
            f" (in {int(bad.flatten(1).any(1).sum())} of {len(values)} inputs), expected finite numbers"
        )
    return AttributionExplanation(
        values.contiguous(),
        question.per_pixel,
        selected=_beside("selected", selected, values, {torch.bool}),
        groups=_beside("groups", groups, values, {torch.int16, torch.int32, torch.int64}),
    )


def _beside(name: str, given: object, values: Tensor, types: set[torch.dtype]) -> Tensor | None:
    """What stands beside each attribution, validated."""
    if given is None:
        return None
    if not isinstance(given, Tensor) or given.shape != values.shape or given.dtype not in types:
        got = f"{given.dtype} {list(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
        kinds = " or ".join(sorted(str(kind) for kind in types))
        raise InvalidExplanation(f"{name}: got {got}, expected {kinds} {list(values.shape)}, as the attributions")
    return given.detach().cpu().contiguous()


def taught(
    question: AttributionQuestion, lessons: Sequence[tuple[AttributionQuestion, AttributionTruth]]
) -> AttributionQuestion:
    """The question beside the inputs of other seeds with their truths."""
    if not lessons:
        return question
    asked = [each for each, _ in lessons]
    named = [each.targets.cpu() for each in asked if each.targets is not None]
    found = Lessons(
        inputs=torch.cat([each.inputs.cpu() for each in asked]),
        targets=torch.cat(named) if named else None,
        masks=torch.cat([truth.masks[""].cpu() for _, truth in lessons]),
    )
    return replace(question, lessons=found)


def count_calls(questions: Sequence[AttributionQuestion]) -> Callable[[], int]:
    """Count the inputs that pass through the models from now on; the returned function says how many there were."""
    counted = 0

    def count(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        nonlocal counted
        counted += len(arguments[0])

    for question in questions:
        question.model.register_forward_pre_hook(count)
    return lambda: counted
