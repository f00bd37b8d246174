"""Whether a call of Snakemake only looks: a dry run, a picture of the graph, a list.

    only_looks(called_with()) -> bool

A Snakefile is read before Snakemake tells a workflow what will become of it, and the words of the command line say
little by themselves: `-np` and `--summ` only look, and a profile can ask for a dry run. So the settings are those that
Snakemake itself has parsed.
"""

from __future__ import annotations

import inspect
from argparse import Namespace

LOOKS = (
    "dryrun", "lint", "list_rules", "list_target_rules", "print_compilation", "containerize", "dag", "rulegraph",
    "filegraph", "d3dag", "summary", "detailed_summary", "list_changes", "list_input_changes", "list_params_changes",
    "list_untracked", "list_conda_envs", "unlock",
)  # fmt: skip
"""Settings of Snakemake with which it runs no job and changes none of the workflow's files."""


def called_with() -> Namespace | None:
    """The settings of the Snakemake call that reads this Snakefile; None where a program called its Python interface.

    Snakemake offers them nowhere, so they are taken from the function of its command line that is waiting for us.
    """
    from snakemake.cli import args_to_api

    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not args_to_api.__code__:
        frame = frame.f_back
    return None if frame is None else frame.f_locals["args"]


def only_looks(settings: Namespace | None) -> bool:
    """Whether Snakemake leaves the workflow's files as they are; False, which is the careful answer, if not known."""
    if settings is None:
        return False
    reports = bool(settings.reporter or settings.report)
    return (
        any(getattr(settings, name, None) for name in LOOKS)
        or settings.executor == "dryrun"
        or (reports and not settings.report_after_run)
    )
