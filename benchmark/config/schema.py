"""What may stand in a profile: its keys, their types and their bounds.

The bounds exclude slips (a seed count of ten million, a memory of 1e30 MB) and nothing that a machine could do.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

Parameters = dict[str, Any]
MOST_SEEDS = 1_000
LARGEST_SEED = 2**32 - 1
"""What every generator of random numbers in use accepts."""
SEALED_SEEDS = 3
MOST_BUDGETS = 8
RESERVED = ("variants", "asks", "methods", "limits", "budgets", "readings")
"""Keys of a task's entry that are settings of the engine; no parameter of a task can have such a name."""

Seconds = Annotated[float, Field(strict=True, gt=0, le=10_000_000, allow_inf_nan=False)]
Megabytes = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Truth = Annotated[bool, Field(strict=True)]


def _count(most: int) -> Any:
    return Field(strict=True, ge=1, le=most)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitDepartures(_Strict):
    """The limits in which a task departs from the profile; None where it does not."""

    seconds: Seconds | None = None
    memory_mb: Megabytes | None = None


class Limits(_Strict):
    """What one cell (one method on one task, all variants and seeds) may use."""

    seconds: Seconds = 300.0
    """Wall-clock time; a cell that runs longer is stopped and its rows say `timeout`."""
    memory_mb: Megabytes = 4000
    """Resident memory; a cell that needs more is stopped and its rows say `failed`."""

    def departing(self, task: LimitDepartures) -> Limits:
        """These limits with those that a task has of its own."""
        return self.model_copy(update=task.model_dump(exclude_none=True))


def _rising(budgets: list[int]) -> list[int]:
    if any(later <= earlier for earlier, later in pairwise(budgets)):
        raise ValueError("expected multiples from the smallest to the largest")
    return budgets


Budgets = Annotated[
    list[Annotated[int, Field(strict=True, ge=1, le=10_000)]],
    Field(min_length=1, max_length=MOST_BUDGETS),
    AfterValidator(_rising),
]


class TaskSettings(_Strict):
    """In what a profile departs from a task's definition.

    In YAML the parameters stand beside the reserved keys, and so they do in what `model_dump` returns:
    `{inputs: 24, variants: [plain], methods: {topk: {steps: 8000}}, limits: {seconds: 60}}`.
    """

    variants: list[str] | None = Field(default=None, min_length=1)
    """The variants to run; None for all, or for the task's small choice."""
    asks: list[str] | None = Field(default=None, min_length=1)
    """The methods that run besides the task's controls, by their names on the board; None for all of the family."""
    methods: dict[str, Parameters] = {}
    """Parameters of methods on this task alone, by the methods' names on the board."""
    limits: LimitDepartures = LimitDepartures()
    budgets: Budgets | None = None
    """The budgets of learned methods on this task; None for the profile's."""
    readings: list[str] = []
    """The methods that also run in the family's other readings, outside of the ranking, by their names on the board."""
    parameters: Parameters = {}

    @model_serializer
    def _as_written(self) -> Parameters:
        limits = self.limits.model_dump(exclude_none=True)
        given: Parameters = {"variants": self.variants, "asks": self.asks, "methods": self.methods}
        given |= {"limits": limits, "budgets": self.budgets, "readings": self.readings}
        return {key: value for key, value in given.items() if value} | self.parameters


class Profile(_Strict):
    """The settings of a run."""

    name: str = Field(pattern=r"^\w[\w.-]*$", max_length=100)
    """The name of its folders; the file's stem if not given."""
    title: str = ""
    """One line for the head of the page."""
    small: Truth = False
    """Whether the small sizes that plugins declare beside their definitions are the base of all that follows."""
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    """Each seed trains its own subjects on its own data; a number n stands for the seeds 0 .. n-1."""
    sealed: Truth = False
    """Whether `seeds` are only labels of secret ones: written `seeds: sealed` (three) or `seeds: {sealed: 5}`."""
    newcomers: Truth = False
    """Whether a method that no task of its family lists in `asks`, and that is not excluded, is asked by all of them.

    Profiles that are published with the project say so: they cannot know a method that somebody adds.
    """
    device: Literal["auto", "cpu", "cuda"] = "auto"
    draws: Annotated[int, _count(100_000)] = 100
    """How many random explanations make the floor."""
    batches: Annotated[int, _count(10_000)] = 1
    """Into how many jobs the methods of a task are divided: 1 on a laptop, more on a cluster."""
    workers: Annotated[int, _count(10_000)] = 4
    """How many methods of a task run at a time in one job, each on one core; never more than the cores there are."""
    limits: Limits = Limits()
    budgets: Budgets = [1]
    """At which multiples of its own budget a learned method runs; it is ranked at the largest."""
    only: list[str] = []
    """If given, only these tasks (`family/task`, or a family) run."""
    exclude: list[str] = []
    """Tasks (`family/task`) and methods (`method:family/name`) that do not run."""
    subjects: dict[str, Parameters] = {}
    """Parameters of subjects, by name; `seeds` in it gives a subject other seeds."""
    tasks: dict[str, TaskSettings] = {}
    """By `family/task`: parameters, and under reserved names `variants`, `asks`, `methods`, `limits`, `budgets` and
    `readings`."""
    methods: dict[str, Parameters] = {}
    """Parameters of methods, by `family/name`. A new name with `method: <existing>` adds a variant of that method."""
    left_out: list[str] = []
    """Sentences for the page: what this profile leaves to a larger one."""

    @model_validator(mode="before")
    @classmethod
    def _sealed_seeds(cls, value: Any) -> Any:
        seeds = value.get("seeds") if isinstance(value, dict) else None
        if seeds == "sealed":
            return value | {"seeds": SEALED_SEEDS, "sealed": True}
        if isinstance(seeds, dict) and list(seeds) == ["sealed"] and _is_count(seeds["sealed"]):
            return value | {"seeds": seeds["sealed"], "sealed": True}
        return value

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds(cls, value: Any) -> Any:
        try:
            return list(seed_list(value))
        except ValueError as error:
            raise ValueError(f"{error}, or `sealed`, or `{{sealed: <number>}}`") from None

    @field_validator("subjects", "tasks", "methods", mode="before")
    @classmethod
    def _nothing_given(cls, value: Any) -> Any:
        return nothing_as_empty(value)

    @field_validator("tasks", mode="before")
    @classmethod
    def _parameters_apart(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: _apart(given) if isinstance(given, dict) else given for name, given in value.items()}


def _apart(given: Parameters) -> Parameters:
    """A task's entry with its parameters apart from the reserved keys."""
    settings = {key: given[key] for key in RESERVED if key in given}
    if "methods" in settings:
        settings["methods"] = nothing_as_empty(settings["methods"])
    return settings | {"parameters": {key: value for key, value in given.items() if key not in RESERVED}}


def nothing_as_empty(value: Any) -> Any:
    """A mapping in which a name without settings (`name:` in YAML) has none."""
    return {k: {} if v is None else v for k, v in value.items()} if isinstance(value, dict) else value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def seed_list(value: Any) -> tuple[int, ...]:
    """The seeds that a profile's value stands for: a number n for 0 .. n-1, a list for itself.

    Raises:
        ValueError: saying what was expected.
    """
    if _is_count(value) and 1 <= value <= MOST_SEEDS:
        return tuple(range(value))
    if isinstance(value, list) and 1 <= len(value) <= MOST_SEEDS:
        proper = all(_is_count(seed) and 0 <= seed <= LARGEST_SEED for seed in value)
        if proper and len(set(value)) == len(value):
            return tuple(value)
    raise ValueError(
        f"expected a number from 1 to {MOST_SEEDS}, or a list of at most {MOST_SEEDS} distinct numbers from 0 to "
        f"{LARGEST_SEED}"
    )
