"""Which libraries a process imports before it forks others that need them; plugins themselves stay unimported.

warm_up(closure(task.plugin.path))                 in a process whose children load plugins
imported_by(sources) -> ["captum.attr", "torch"]   the names alone
imported_in(plan) -> ["torch", ...], [...]         what the first jobs of a run import, and later ones
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmark.log import log
from benchmark.plan import Plan
from benchmark.registry import ENGINE
from benchmark.sources import closure, libraries

KNOWN = {
    *("captum", "gplearn", "jaxtyping", "matplotlib", "numba", "numpy", "ot", "pandas", "PIL", "scipy", "sklearn"),
    "torch",
    *sys.stdlib_module_names,
}
"""What is imported where nothing is confined. Another library may be anybody's: its code runs with its plugin."""
BEHIND_OPTIMISERS = "torch._dynamo"
"""What torch imports when the first optimiser is made, for two seconds."""


def imported_by(sources: Iterable[Path], *, trains: bool = False) -> list[str]:
    """The `KNOWN` modules that these files import; with `trains`, also what optimisers need, if the files name them."""
    files = list(sources)
    known = [name for name in libraries(files) if name.partition(".")[0] in KNOWN]
    if trains and any("torch.optim" in path.read_text(encoding="utf-8", errors="replace") for path in files):
        known.append(BEHIND_OPTIMISERS)
    return known


def imported_in(plan: Plan) -> tuple[list[str], list[str]]:
    """What the first jobs of a run import, which train, and what else is imported, roughly in the order of its use."""
    first = libraries(closure(ENGINE / "stages" / "train.py"))
    engine = libraries(closure(ENGINE / "__main__.py", *(ENGINE / "stages").glob("*.py")))
    own = {path for subject in plan.subjects.values() for path in subject.train_sources}
    for task in plan.tasks.values():
        own.update(path for batch in range(task.batches) for path in task.explain_sources(batch))
        own.update(task.score_sources)
    plugins = sorted(imported_by(own, trains=True), key=lambda name: name != BEHIND_OPTIMISERS)
    later = [name for name in dict.fromkeys([*plugins, *engine]) if name not in first]
    return _foreign(first), _foreign(later)


def _foreign(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]


def warm_up(sources: Iterable[Path], *, trains: bool = False) -> None:
    """Import what `imported_by` names, for children that are forked afterwards."""
    for name in imported_by(sources, trains=trains):
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # a missing or broken library is the plugin's own affair
            log.debug("not warmed up: %s (%s)", name, error)
