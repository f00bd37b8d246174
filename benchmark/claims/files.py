"""Claims on disk: what a file may say, and reading it with all its mistakes reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from benchmark.errors import TouchstoneError, unknown
from benchmark.yaml_files import read_yaml

Expectation = Literal["above", "below", "within"]


class ClaimError(TouchstoneError):
    """Files of claims that cannot be used; the message lists everything that is wrong in all of them."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Selector(_Data):
    """Scores of one method, or of several with `pick`: at each seed the greatest, least or mean score among them."""

    family: str
    task: str
    variant: str
    method: str | tuple[str, ...]
    metric: str
    pick: Literal["max", "min", "mean"] | None = None

    @model_validator(mode="after")
    def _several_need_pick(self) -> Selector:
        if (self.pick is None) != isinstance(self.method, str):
            raise ValueError("a list of methods needs pick: max, min or mean; a single method has none")
        if not self.method:
            raise ValueError("an empty list of methods selects nothing")
        return self

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods as a tuple, also where there is one."""
        return (self.method,) if isinstance(self.method, str) else self.method


class Calibration(_Data):
    """The floor or the ceiling of the other side's instances."""

    reference: Literal["floor", "ceiling"]


class Published(_Data):
    """The figures in print, for comparison only: they enter no verdict. They are on the scale of the metric here; where
    print has another, `note` says which."""

    left: float | None = None
    right: float | None = None
    note: str = ""


def _form(side: Any) -> str:
    if isinstance(side, Calibration) or (isinstance(side, dict) and "reference" in side):
        return "reference"
    return "scores" if isinstance(side, (dict, Selector)) else "number"


Side = Annotated[
    Annotated[Selector, Tag("scores")] | Annotated[Calibration, Tag("reference")] | Annotated[float, Tag("number")],
    Discriminator(_form),
]


class Claim(_Data):
    """A finding as a statement about scores; see the package's text for the fields."""

    name: str = Field(min_length=1)
    statement: str = Field(min_length=1)
    source: str = Field(min_length=1)
    left: Side
    right: Side
    margin: float = Field(allow_inf_nan=False)
    margin_from: str = Field(min_length=1)
    """Why this margin: a reason that does not depend on the scores."""
    expect: Expectation = "above"
    """Where the effect should lie: above the margin, below it, or within (-margin, margin)."""
    score: Literal["value", "skill"] = "value"
    published: Published = Published()
    out_of_regime: str = ""
    """How the conditions here differ from those that the statement is about, where that decides the effect."""
    not_testable: str = ""
    """What is missing here to test the statement at all, where the effect stands for something else."""
    fails_because: str = ""
    """What was found out about why it does not reproduce here; it is shown with that verdict and no other."""
    finding: bool = False
    """Whether it is no paper's but what a board of this suite showed; its margin was then set after a first sight."""

    @model_validator(mode="after")
    def _has_scores(self) -> Claim:
        if self.out_of_regime and self.not_testable:
            raise ValueError("a claim is out of its regime or not testable here, not both")
        if not self.selectors:
            raise ValueError("one side at least must select scores")
        if self.expect == "within" and self.margin <= 0:
            raise ValueError("expect: within needs a margin above 0")
        return self

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The sides that select scores."""
        return tuple(side for side in (self.left, self.right) if isinstance(side, Selector))


def load(folders: Iterable[Path]) -> tuple[Claim, ...]:
    """All claims of the files `*.yaml` in the folders, by file name and order in the file.

    Raises:
        ClaimError: naming every problem of every file: syntax, unknown or missing keys (with the nearest), names used
        twice.
    """
    claims: list[Claim] = []
    origin: dict[str, Path] = {}
    problems: list[str] = []
    for path in sorted((path for folder in folders for path in folder.glob("*.yaml")), key=lambda path: path.name):
        try:
            entries = read_yaml(path)
        except yaml.YAMLError as error:
            problems.append(f"{path}: not YAML: {error}")
            continue
        if not isinstance(entries, list):
            problems.append(f"{path}: expected a list of claims, got {type(entries).__name__}")
            continue
        for number, entry in enumerate(entries, start=1):
            try:
                claim = Claim.model_validate(entry)
            except ValidationError as error:
                name = entry.get("name") if isinstance(entry, dict) else None
                problems += [f"{path}: claim {name or number}: {text}" for text in _explain(error)]
                continue
            if claim.name in origin:
                problems.append(f"{path}: claim {claim.name}: the name is taken by {origin[claim.name]}")
            origin.setdefault(claim.name, path)
            claims.append(claim)
    if problems:
        raise ClaimError("\n".join(problems))
    return tuple(claims)


def _explain(error: ValidationError) -> list[str]:
    """One sentence for each problem, with the nearest name for a key or value that does not exist."""
    forms: dict[str, type[BaseModel]] = {"scores": Selector, "reference": Calibration, "published": Published}
    sentences = []
    for problem in error.errors(include_url=False):
        place = [str(part) for part in problem["loc"]]
        model = forms.get(place[-2], Claim) if len(place) > 1 else Claim
        path = [place[0], *place[2:]] if place[:1] in (["left"], ["right"]) else place  # without the form of the side
        where = ".".join(path)
        if problem["type"] == "extra_forbidden":
            sentences.append(unknown("key", path[-1], model.model_fields, where=".".join(path[:-1])))
        elif problem["type"] == "literal_error":
            choices = [part.strip(" '") for part in problem["ctx"]["expected"].replace(" or ", ",").split(",")]
            sentences.append(unknown(f"value of {where}", str(problem["input"]), choices))
        else:
            got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r:.80}"
            sentences.append(f"{where + ': ' if where else ''}{problem['msg'].removeprefix('Value error, ')}{got}")
    return sentences
