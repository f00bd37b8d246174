"""`touchstone new-method FAMILY NAME`: a method file that runs as it is, its test, and what to do next."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Iterator
from pathlib import Path

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.registry import PROJECT, plugins
from benchmark.stages.instances import family_of

METHOD = '''"""{title}: say in one sentence what the method does (authors, year)."""

{imports}


@{family}_method(cites="")
def {name}(subject: {subject}, *, {parameter}) -> {returns}:
    """Say what is returned, with its formula and its source."""
{body}
'''

TEST = '''"""{title}: its conformance, and what is known of its answer in closed form."""

from benchmark.conformance import find_plugin, findings


def test_{name}_conforms() -> None:
    assert not [finding for finding in findings(find_plugin("{family}/{name}")) if not finding.passed]
'''


def write_method(family: str, name: str, root: Path = PROJECT) -> Iterator[str]:
    """Write `methods/<family>/<name>.py` and its test; yield lines for the user. Nothing is overwritten."""
    registry = plugins()
    if family not in registry.families:
        raise UnknownNameError("family", family, registry.families)
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower() or name.startswith("_"):
        raise TouchstoneError(f"a method's name must be a lower-case identifier such as 'my_method', got {name!r}")
    if any(p.name == name for kind in ("method", "reference") for p in registry.of(kind, family)):
        raise TouchstoneError(f"{family} has a method {name!r} already")
    template = dataclasses.asdict(family_of(family).template)
    values = {"family": family, "name": name, "title": name.replace("_", " ").capitalize(), **template}
    files = {
        root / "methods" / family / f"{name}.py": METHOD.format(**values),
        root / "tests" / "methods" / family / f"test_{name}.py": TEST.format(**values),
    }
    for path in files:
        if path.exists():
            raise TouchstoneError(f"{path} exists already; nothing was written")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield f"wrote {path.relative_to(root)}"
    example = next((task.key for task in registry.of("task", family)), f"{family}/<task>")
    yield "It runs as it is. Next:"
    yield f"  touchstone check {family}/{name}"
    yield f"  touchstone run --task {example} --method {name} --profile smoke"
    yield "  make leaderboard            computes this method's cells alone"
