"""Profiles: typed YAML files of sizes, seeds and limits (`config/<profile>.yaml`).

    read_profile("smoke", registry) -> Profile
    subject_parameters(profile, subject), task_settings(profile, task), method_parameters(profile, task, method)

A profile holds departures only. `schema` says what may stand in one, `names` and `values` compare it with the plugins,
`reading` reports every problem at once with the nearest valid name, and `resolve` lays the departures over what the
plugins declare: their defaults or, where the profile says `small: true`, the small sizes that stand beside them.
Nothing here imports torch: the Snakefile reads profiles.
"""

from benchmark.config.names import declaration_problems, variant_base
from benchmark.config.reading import check_profile, profile_path, read_profile
from benchmark.config.resolve import (
    ResolvedTask,
    method_parameters,
    method_variants,
    small_subject,
    subject_parameters,
    subject_seeds,
    task_settings,
)
from benchmark.config.schema import Limits, Parameters, Profile, TaskSettings, seed_list

__all__ = [
    "Limits",
    "Parameters",
    "Profile",
    "ResolvedTask",
    "TaskSettings",
    "check_profile",
    "declaration_problems",
    "method_parameters",
    "method_variants",
    "profile_path",
    "read_profile",
    "seed_list",
    "small_subject",
    "subject_parameters",
    "subject_seeds",
    "task_settings",
    "variant_base",
]
