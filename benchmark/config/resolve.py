"""What a run uses: the departures of a profile laid over what the plugins declare.

From the weakest to the strongest:

    a subject    defaults < its `small` < `subject.<name>` in the task's `small` < profile.subjects < the variant
    a task       defaults < its `small` < profile.tasks < the variant
    a method     defaults < its `small` < `methods` in the task's `small` < profile.methods < the task's in the profile

`small` counts only where the profile says `small: true`. Where a task's `small` asks something of its subject, that is
a subject of its own with the settings in its name, as it is with a variant: another task may ask for other sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmark.config.names import SUBJECT, variant_base
from benchmark.config.schema import RESERVED, Limits, Parameters, Profile, TaskSettings, seed_list
from benchmark.registry import Plugin, Registry


@dataclass(frozen=True)
class ResolvedTask:
    """The settings of one task in one run; a variant may change the parameters."""

    variants: list[str]
    parameters: Parameters
    limits: Limits
    budgets: list[int]
    asks: list[str] | None
    """Which methods run besides the controls; None for all."""
    readings: list[str]
    """Which of them also run in the family's other readings."""


def subject_parameters(profile: Profile, plugin: Plugin) -> Parameters:
    """The parameters of a subject, before those of a task's `small` and of its variants."""
    return {**plugin.defaults, **_small(profile, plugin), **_departures(profile, plugin)}


def subject_seeds(profile: Profile, plugin: Plugin) -> tuple[int, ...]:
    """The seeds of a subject: the profile's, unless it has its own."""
    return seed_list(profile.subjects.get(plugin.name, {}).get("seeds", profile.seeds))


def small_subject(profile: Profile, task: Plugin, subject: Plugin) -> Parameters:
    """What a task's `small` asks of its subject that neither the subject's own sizes nor the profile decide."""
    asked = {k.removeprefix(SUBJECT): v for k, v in _small(profile, task).items() if k.startswith(SUBJECT)}
    decided, settled = _departures(profile, subject), subject_parameters(profile, subject)
    return {k: v for k, v in asked.items() if k in settled and k not in decided and settled[k] != v}


def task_settings(profile: Profile, plugin: Plugin) -> ResolvedTask:
    """The variants, parameters, limits and budgets of a task."""
    small, given = _small(profile, plugin), _task(profile, plugin)
    own = {key: value for key, value in small.items() if key not in RESERVED and not key.startswith(SUBJECT)}
    variants = given.variants or small.get("variants") or plugin.options["variants"]
    parameters = {**plugin.defaults, **own, **given.parameters}
    limits, budgets = profile.limits.departing(given.limits), given.budgets or profile.budgets
    return ResolvedTask(list(variants), parameters, limits, budgets, given.asks, given.readings)


def method_parameters(profile: Profile, task: Plugin, plugin: Plugin, name: str = "") -> Parameters:
    """The parameters of a method on a task, or of the variant that the profile calls `name`.

    A variant departs from its method as that method is on this task.
    """
    given = _task(profile, task).methods
    parameters = {
        **plugin.defaults,
        **_small(profile, plugin),
        **_small(profile, task).get("methods", {}).get(plugin.name, {}),
        **profile.methods.get(plugin.key, {}),
        **given.get(plugin.name, {}),
    }
    if name not in ("", plugin.name):
        parameters |= {**profile.methods[f"{plugin.family}/{name}"], **given.get(name, {})}
    return {key: value for key, value in parameters.items() if key != "method"}


def method_variants(profile: Profile, family: str, registry: Registry) -> Iterator[tuple[str, Plugin]]:
    """The variants of methods that the profile adds to a family: names, and the methods that they stand for."""
    for name, given in profile.methods.items():
        if base := given.get("method"):
            plugin = registry.find("method", variant_base(name, base))
            if plugin.family == family:
                yield name.rpartition("/")[2], plugin


def _departures(profile: Profile, subject: Plugin) -> Parameters:
    return {key: value for key, value in profile.subjects.get(subject.name, {}).items() if key != "seeds"}


def _task(profile: Profile, plugin: Plugin) -> TaskSettings:
    return profile.tasks.get(plugin.key, TaskSettings())


def _small(profile: Profile, plugin: Plugin) -> dict[str, Any]:
    return plugin.options.get("small") or {} if profile.small else {}
