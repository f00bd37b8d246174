"""Decorators that declare plugins. They only attach a `Definition`; finding plugins is the registry's work.

    @attribution_method(cites="arXiv:1706.03825")
    def smoothgrad(question, *, samples: int = 32, noise: float = 0.15): ...

What a decorator was called with is what the plugin declares, computed or written out: the registry asks a guarded
child process for it (`benchmark.declarations`). It must be made of what JSON holds: numbers, texts, booleans, None, and
lists, tuples and dictionaries of them.
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


def subject(
    *, cites: str = "", threads: int = 1, packages: Sequence[str] = (), small: Mapping[str, Any] = {}
) -> Callable[[T], T]:
    """Declare the class below as a subject (see `benchmark.subjects`); its training uses `threads` cores.

    `packages` names what it imports, inside functions, that comes with an optional extra alone: where one of them is
    not installed, tasks on this subject are left out and say why. `small` holds the sizes for the smoke profile and the
    conformance suite.
    """
    return define("subject", None, cites=cites, threads=threads, packages=_listed(packages), small=small)


def metric(
    *,
    range: tuple[float, float],
    direction: Direction,
    cites: str = "",
    name: str | None = None,
    draws: int | None = None,
    needs: Sequence[str] = (),
    scope: Scope = "explanation",
    perfect: float | None = None,
    truth_free: bool = False,
) -> Callable[[T], T]:
    """Declare a metric, a function of those of `explanation`, `truth` and `question` that it names.

    It returns a number, or one for each sub-score; `needs` names the parts of the truth without which it cannot be
    measured ("directions").

    `range` holds its least and greatest value (infinities as 1e999); `direction` says which way is better, "none" for
    a description without better or worse (such numbers get no skill). `name` replaces the file's stem where a name is
    no identifier. An expensive metric says with `draws` how many random explanations are enough for its floor. `scope`
    says what it is called with: one explanation, or all those of the seeds, variants or methods at once. `perfect` is
    what a perfect explanation has whatever the model, where that is known: every task's oracle is held to it.
    One that is `truth_free` asks for no truth, and `direction` is what it says of itself: the planted truth need not
    do well by it.
    """
    return define(
        "metric",
        None,
        cites=cites,
        range=range,
        direction=direction,
        name=name,
        draws=draws,
        needs=_listed(needs),
        scope=scope,
        perfect=perfect,
        truth_free=truth_free,
    )


def reference(*, draws: bool = False, cites: str = "") -> Callable[[T], T]:
    """Declare a reference explanation: a function of those of `question`, `truth` and `generator` that it names.

    With `draws`, it is drawn many times and the mean of its scores is the floor. The function named `oracle` gives
    the ceiling.
    """
    return define("reference", None, cites=cites, draws=draws)


class MethodDecorator(Protocol):
    """The form of `<family>_method`."""

    def __call__(
        self,
        *,
        cites: str = "",
        batched: bool = False,
        supervised: bool = False,
        control: bool = False,
        taught: bool = False,
        requires: Sequence[str] = (),
        budget: str = "",
        small: Mapping[str, Any] = {},
        tunable: Mapping[str, Any] = {},
    ) -> Callable[[T], T]:
        """Declare a method; a `batched` one gets all questions of a group at once, and returns a list in their order.

        A `supervised` one is shown what the family's `blinded` takes away from all others (labels, the model's inputs);
        a `control` never consults what the model learned; a `taught` one is shown the questions and truths of a few
        other seeds, of its variant and the rival (what the family's `taught` makes of them). None of them is a
        contestant: all stand with the references.
        `requires` names what a task must provide ("targets"); where it does not, the method is `unsupported` and does
        not run. `budget` names the parameter that says how much a learned method may spend ("steps"): a profile runs it
        at several multiples. `small` holds parameters for the smoke profile and the conformance suite, `tunable` what
        `touchstone tune` may try (`benchmark.config.spaces`).
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
        rivals: Mapping[str, str] = {},
        dials: Mapping[str, Sequence[str]] = {},
        cites: str = "",
        provides: Sequence[str] = (),
        controls: Sequence[str] = (),
        method_seeds: int = 1,
        ceilings: Mapping[str, str] = {},
        small: Mapping[str, Any] = {},
    ) -> Callable[[T], T]:
        """Declare a task on a subject, or on several by role: `subjects={"object": {"subject": "scene", "size": 8}}`.

        Each variant maps parameters of the subject or of the task to values. `unranked` variants are scored and shown
        but enter no average. `twins` names, for a variant, the one that asks the same of random weights: it is not
        ranked either, and what a method earns beyond it is what the training put there. `rivals` names, for a variant,
        another on the same inputs with another truth: both are scored together, so that whoever does not look at the
        model is at chance on the pair (`benchmark.marks`). `dials` lists variants in which one thing grows step by
        step; the board says where each method falls to the null. `provides` names what methods may require; `controls`
        the methods that mark what can be had without the model; `method_seeds` is how many seeds of a method run on one
        subject; `ceilings` says why the truth is short of a metric's `perfect`.

        `small` says what a quick look is, for profiles with `small: true` and for `touchstone check`: parameters of the
        task, parameters of its subject as `"subject.<name>"`, `variants` to run, and `methods` with parameters by the
        method's name. What several tasks share stands beside the subject or the method itself.
        """


def method_decorator(family: str) -> MethodDecorator:
    """Make the decorator with which a family's methods are declared."""

    def decorator(
        *,
        cites: str = "",
        batched: bool = False,
        supervised: bool = False,
        control: bool = False,
        taught: bool = False,
        requires: Sequence[str] = (),
        budget: str = "",
        small: Mapping[str, Any] = {},
        tunable: Mapping[str, Any] = {},
    ) -> Callable[[T], T]:
        return define(
            "method",
            family,
            cites=cites,
            batched=batched,
            supervised=supervised,
            control=control,
            taught=taught,
            requires=_listed(requires),
            budget=budget,
            small=small,
            tunable=tunable,
        )

    decorator.__qualname__ = decorator.__name__ = f"{family}_method"  # the name that Python's own errors give
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
        rivals: Mapping[str, str] = {},
        dials: Mapping[str, Sequence[str]] = {},
        cites: str = "",
        provides: Sequence[str] = (),
        controls: Sequence[str] = (),
        method_seeds: int = 1,
        ceilings: Mapping[str, str] = {},
        small: Mapping[str, Any] = {},
    ) -> Callable[[T], T]:
        asked = {"subject": subject, "subjects": subjects}
        return define(
            "task",
            family,
            cites=cites,
            **{key: value for key, value in asked.items() if value is not None},
            primary=primary,
            metrics=_listed(metrics),
            variants=variants,
            unranked=_listed(unranked),
            twins=twins,
            rivals=rivals,
            dials={name: _listed(steps) for name, steps in dials.items()} if isinstance(dials, Mapping) else dials,
            provides=_listed(provides),
            controls=_listed(controls),
            method_seeds=method_seeds,
            ceilings=ceilings,
            small=small,
        )

    decorator.__qualname__ = decorator.__name__ = f"{family}_task"
    return decorator


def _listed(names: Sequence[str]) -> Any:
    """The names as a tuple; anything but a list or tuple stays as it is, for the check that will complain about it."""
    return tuple(names) if isinstance(names, list | tuple) else names
