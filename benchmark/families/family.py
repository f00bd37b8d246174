"""What makes a family: one object that names all the engine needs to know of it.

    benchmark/families/<family>/
        __init__.py      what is handed over, what is returned, what is planted: frozen dataclasses `<Family>Subject`,
                         `<Family>Explanation` and `<Family>Truth`, and the decorators
        family.py        FAMILY = Family(...), the object described here
        references.py    random, oracle, ...: functions marked `@reference`
        trivial.py       a problem with an answer in closed form, for the conformance suite
        pictures.py      what the page shows of its explanations
        adapters.py      what a notebook may hand over besides a function of the question (see `families.asking`)
        readings.py      choices that are no part of a method, and a method with one of them made otherwise
        tables.py        its questions and truths as tables, for `touchstone export`
        metrics/         one file each

Nothing in the stages, the workflow or the page knows a family. An installed package brings one by an entry point of the
group `touchstone.families` that names its `FAMILY`, in a package of the same form.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Template:
    """What `touchstone new-method` and `new-metric` write for a family: a method and a metric that run as they are."""

    returns: str
    parameter: str
    """One keyword-only parameter with its default."""
    imports: str
    body: str
    metric_imports: str
    metric_body: str
    """What a metric of `explanation` and `truth` returns: a number from 0 to 1, the higher the better."""


@dataclass(frozen=True)
class Case:
    """One explanation with all that a picture needs: the instance, the method, the truth and the scores."""

    task: str
    variant: str
    seed: int
    method: str
    question: Any
    truth: Any
    explanation: Any
    scores: Mapping[str, float]
    """Metric to value; the primary metric comes first."""


@dataclass(frozen=True)
class Labelled:
    """One explanation among several that a metric looks at together, with all that belongs to it."""

    method: str
    variant: str
    seed: int
    explanation: Any
    truth: Any
    question: Any


DATA = "data"
"""The name of the picture, one a task, that shows the data and what is planted in them, and no method."""


@dataclass(frozen=True)
class Picture:
    """A picture for the page. `name` becomes part of a file name; `caption` is a sentence of plain text."""

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]
    """Called only where what the picture shows has changed."""
    shows: Sequence[Case] = ()
    """The cases that it is drawn from; empty for all."""


@dataclass(frozen=True)
class Table:
    """Rows of a question or of a truth, as `touchstone export` writes them."""

    name: str
    about: str
    """A sentence that says what a row is and what each column holds."""
    columns: Mapping[str, Any]
    """Of one length: tensors or arrays [n, ...], or lists of n texts."""


def drawn_by(module: str) -> Callable[[Sequence[Case]], Sequence[Picture]]:
    """The function `pictures` of a module that only whoever draws imports: drawing libraries are large."""

    def pictures(cases: Sequence[Case]) -> Sequence[Picture]:
        found: Sequence[Picture] = importlib.import_module(module).pictures(cases)
        return found

    return pictures


def _as_it_is(question: Any) -> Any:
    return question


def _only_way(method: Callable[..., Any], _axis: str, _way: str) -> Callable[..., Any]:
    return method


def _untaught(question: Any, _lessons: Sequence[tuple[Any, Any]]) -> Any:
    return question


def _uncounted(_posed: Sequence[Any]) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Family:
    """The parts of a family that the engine calls."""

    name: str
    explanation: type[Any]
    """The frozen dataclass that is stored: its fields are tensors, mappings of tensors, or what JSON holds."""
    check: Callable[[Any, Any], Any]
    """`check(raw, question) -> Explanation`: validates what a method returned; an explanation passes as it is."""
    trivial: Callable[[int], tuple[Any, Any]]
    """`trivial(seed) -> (question, truth)`: the problem of the conformance suite."""
    judge: str
    """The metric by which an answer to the trivial problem is judged."""
    template: Template
    pictures: Callable[[Sequence[Case]], Sequence[Picture]]
    blinded: Callable[[Any], Any] = _as_it_is
    """What a method that is not supervised sees of a posed question."""
    taught: Callable[[Any, Sequence[tuple[Any, Any]]], Any] = _untaught
    """`taught(question, lessons)`: what a taught method sees of a question, beside those of other seeds with their
    truths."""
    readings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What is no part of a method and differs from paper to paper: the choices, each with its other ways in words.
    {"target": {"probability": "the class's probability instead of its logit"}}"""
    read: Callable[[Callable[..., Any], str, str], Callable[..., Any]] = _only_way
    """`read(method, axis, way)`: the method, asked or read in that way."""
    question_tables: Callable[[Any], Sequence[Table]] | None = None
    """`question_tables(question)`: what a method sees, as tables, the chief one first. None where it is no table."""
    truth_tables: Callable[[Any], Sequence[Table]] | None = None
    """`truth_tables(truth)`: what was planted, likewise."""
    count_calls: Callable[[Sequence[Any]], Callable[[], int] | None] = _uncounted
    """`count_calls(questions)`: from now on count how often these are asked; call the result for the count. None where
    nothing can be asked."""
