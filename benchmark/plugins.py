"""Decorators that declare plugins. They only attach a `Definition`; finding plugins is the registry's work.

The registry reads decorator arguments and parameter defaults from the source text, so that listing never imports
torch. Both must therefore be Python literals (numbers, strings, tuples, dictionaries of them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
Kind = Literal["subject", "task", "method", "metric", "reference"]
Direction = Literal["higher", "lower", "none"]
Scope = Literal["explanation", "seeds", "variants", "methods"]


@dataclass(frozen=True)
class Definition:
    """What a decorator said about the function or class below it."""

    kind: Kind
    family: str | None
    cites: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def define(kind: Kind, family: str | None, *, cites: str, **options: Any) -> Callable[[T], T]:
    """Attach a `Definition` to the decorated object and return the object unchanged."""

    def attach(target: T) -> T:
        target.__touchstone__ = Definition(kind, family, cites, options)  # type: ignore[attr-defined]
        return target

    return attach


def subject(*, cites: str = "", threads: int = 1, small: Mapping[str, Any] = {}) -> Callable[[T], T]:
    """Declare the class below as a subject (see `benchmark.subjects`); its training uses `threads` cores.

    `small` holds the parameters of a quick look, for profiles that say `small: true` and for `touchstone check`.
    """
    return define("subject", None, cites=cites, threads=threads, small=small)


def metric(
    *,
    range: tuple[float, float],
    direction: Direction,
    cites: str = "",
    name: str | None = None,
    draws: int | None = None,
    needs: Sequence[str] = (),
    scope: Scope = "explanation",
) -> Callable[[T], T]:
    """Declare a metric, a function of those of `explanation`, `truth` and `posed` that it names.

    It returns a number, or one for each sub-score; `needs` names the parts of the truth without which it cannot be
    measured ("directions").

    `range` holds its least and greatest value (infinities as 1e999); `direction` says which way is better, "none" for
    a description without better or worse (such numbers get no skill). `name` replaces the file's stem where a name is
    no identifier. An expensive metric says with `draws` how many random explanations are enough for its floor. `scope`
    says what it is called with: one explanation, or all those of the seeds, variants or methods at once (see
    `benchmark.stages.groups`).
    """
    return define(
        "metric",
        None,
        cites=cites,
        range=range,
        direction=direction,
        name=name,
        draws=draws,
        needs=tuple(needs),
        scope=scope,
    )


def reference(*, draws: bool = False, cites: str = "") -> Callable[[T], T]:
    """Declare a reference explanation of a family, a function of those of `posed`, `truth`, `generator` that it names.

    With `draws`, it is drawn many times and the mean of its scores is the floor. The function named `oracle` gives
    the ceiling.
    """
    return define("reference", None, cites=cites, draws=draws)


class MethodDecorator(Protocol):
    """The form of `<family>_method`."""

    def __call__(
        self, *, cites: str = "", batched: bool = False, supervised: bool = False, small: Mapping[str, Any] = {}
    ) -> Callable[[T], T]:
        """Declare a method; a `batched` one gets all subjects of a cell at once, and returns a list in their order.

        A `supervised` one is shown the labels that the family's `blinded` takes away from all others. It is no
        contestant: it stands with the references. `small` holds the parameters of a quick look.
        """


class TaskDecorator(Protocol):
    """The form of `<family>_task`."""

    def __call__(
        self,
        *,
        primary: str,
        metrics: Sequence[str],
        variants: Mapping[str, Mapping[str, Any]],
        subject: str | None = None,
        subjects: Mapping[str, Mapping[str, Any]] | None = None,
        unranked: Sequence[str] = (),
        twins: Mapping[str, str] = {},
        provides: Sequence[str] = (),
        method_seeds: int = 1,
        small: Mapping[str, Any] = {},
        cites: str = "",
    ) -> Callable[[T], T]:
        """Declare a task on a subject, or on several by role: `subjects={"object": {"subject": "scene", "size": 8}}`.

        Each variant maps parameters of the subject or of the task to values. `unranked` variants are scored and shown
        but enter no average. `twins` names, for a variant, the one that asks the same of random weights: it is not
        ranked either, and what a method earns beyond it is what the training put there. `provides` names what methods
        may require; `method_seeds` is how many seeds of a method run on one subject.

        `small` says what a quick look is, for profiles with `small: true` and for `touchstone check`: parameters of the
        task, parameters of its subject as `"subject.<name>"`, `variants` to run, and `methods` with parameters by the
        method's name. What several tasks share stands beside the subject or the method itself.
        """


def method_decorator(family: str) -> MethodDecorator:
    """Make the decorator with which a family's methods are declared."""

    def decorator(
        *, cites: str = "", batched: bool = False, supervised: bool = False, small: Mapping[str, Any] = {}
    ) -> Callable[[T], T]:
        return define("method", family, cites=cites, batched=batched, supervised=supervised, small=small)

    return decorator


def task_decorator(family: str) -> TaskDecorator:
    """Make the decorator with which a family's tasks are declared."""

    def decorator(
        *,
        primary: str,
        metrics: Sequence[str],
        variants: Mapping[str, Mapping[str, Any]],
        subject: str | None = None,
        subjects: Mapping[str, Mapping[str, Any]] | None = None,
        unranked: Sequence[str] = (),
        twins: Mapping[str, str] = {},
        provides: Sequence[str] = (),
        method_seeds: int = 1,
        small: Mapping[str, Any] = {},
        cites: str = "",
    ) -> Callable[[T], T]:
        return define(
            "task",
            family,
            cites=cites,
            subject=subject,
            subjects=subjects,
            primary=primary,
            metrics=tuple(metrics),
            variants=variants,
            unranked=tuple(unranked),
            twins=twins,
            provides=tuple(provides),
            method_seeds=method_seeds,
            small=small,
        )

    return decorator
