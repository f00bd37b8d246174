"""Runs of all stages in a copy of the project, by a process that has imported everything and knows no source yet.

    with Engine(tree) as engine:
        engine.run()    -> {"subjects": {"computed": 2, ...}, "explanations": ..., "values": ..., "pictures": ...}

Each run is a fork of that process: it reads sources and results from the disk, as the processes of a new run would, and
saves the seconds that importing torch takes. It runs the code that the process began with; what an edit changes is
which results are still true.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

from tests.support.libraries import pretended
from tests.support.tree import Tree

Counts = dict[str, dict[str, int]]
SERVER = """
import gc, json, os, sys, traceback
import matplotlib.figure, pandas, PIL.Image, torch
from benchmark.planning import make_plan
from benchmark.stages import explain, pictures, score, train
from benchmark.store import Store, read_entry

def run(request):
    os.environ["TOUCHSTONE_RUN"] = request["run"]
    sys.path[:0] = request["libraries"]
    plan = make_plan("small.yaml", overrides=request["overrides"])
    store, layout = Store(plan.layout.results), plan.layout
    kinds = ("subjects", "explanations", "values", "pictures")
    found = {kind: {"computed": 0, "reused": 0, "failed": 0} for kind in kinds}
    def add(kind, counts):
        for name in found[kind]:
            found[kind][name] += counts[name]
    for name in plan.subjects:
        add("subjects", train.train(plan, store, name))
    for name in plan.tasks:
        add("explanations", explain.explain(plan, store, name, workers=2))
        score.score(plan, store, name, workers=2)
        add("values", read_entry(layout.score_index(name)).content["counts"])
        add("pictures", pictures.draw(plan, store, name))
    return found

gc.freeze()
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            answer = run(json.loads(line))
        except BaseException:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
"""


class Engine:
    """The process, and the way to ask it for runs."""

    def __init__(self, tree: Tree) -> None:
        self.runs = 0
        self.folder = tree.folder.with_name(f"{tree.folder.name}-libraries")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], cwd=tree.folder, env=tree.environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._line()

    def run(self, *, versions: dict[str, str] | None = None, **overrides: Any) -> Counts:
        """All stages of the small profile; how many things of each kind were computed, reused and failed."""
        self.runs += 1
        place = self.folder / str(self.runs)
        libraries = [str(pretended(place, name, version)) for name, version in (versions or {}).items()]
        request = {"run": f"run-{self.runs}", "overrides": overrides, "libraries": libraries}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self._line())
        assert "error" not in answer, answer["error"]
        found: Counts = answer
        return found

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        return line

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
