"""A copy of the project in a temporary folder, the real Snakefile run on it, and a profile small enough for tests."""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tests.support.project import SUBJECT, TASK
from tests.support.zygote import zygote

ROOT = Path(__file__).parents[2]
KEPT = ("gradient", "input_magnitude", "occlusion")
"""The methods of the small profile; the test's own `gated` is added."""
METHODS = ["gated", *KEPT]
SEEDS = 2
ZYGOTE = {
    "PYTHON = sys.executable\n": (
        'PYTHON = os.environ.get("TEST_PYTHON", sys.executable)\nREAL = PYTHON == sys.executable\n'
    ),
    '{shlex.quote(str(LAUNCHER))}"': '{shlex.quote(str(LAUNCHER))}" if REAL else f"{PYTHON} -m benchmark"',
    "and workflow.local_exec": "and workflow.local_exec and REAL",
}
"""What of the Snakefile is otherwise where the zygote stands for Python: it forks the jobs as well."""
ALL = {"computed": 0, "reused": SEEDS * len(METHODS), "failed": 0}
"""What a second run of the small profile counts of explanations."""
GATED = '''
"""Gated: waits while a file is there, then answers with the inputs."""
import os
import time
from pathlib import Path
import torch
from benchmark.families.attribution import attribution_method

@attribution_method(cites="a test")
def gated(question, *, scale: float = 1.0):
    while Path(os.environ.get("TEST_GATE", "/absent")).exists():
        time.sleep(0.05)
    generator = torch.Generator().manual_seed(question.seed)
    return question.inputs * scale + torch.randn(question.inputs.shape, generator=generator)
'''


@dataclass
class Tree:
    """A copy of the project; everything a run writes lands in it, for it is where the run is started."""

    folder: Path

    @classmethod
    def copied(cls, folder: Path) -> Tree:
        """Copy what a run needs, and nothing that a run has made."""
        folder.mkdir(parents=True)
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        for name in ("benchmark", "tasks", "methods", "config", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in ("Snakefile", "pyproject.toml"):
            shutil.copy2(ROOT / name, folder / name)
        (folder / "tests").mkdir()
        shutil.copy2(ROOT / "tests" / "__init__.py", folder / "tests" / "__init__.py")
        snakefile = folder / "Snakefile"
        text = snakefile.read_text()
        for real, chosen in ZYGOTE.items():
            assert text.count(real) == 1
            text = text.replace(real, chosen)
        snakefile.write_text(text)
        # Compiled once, and used as long as a file holds what it held, whatever its time says: tests edit files.
        compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        return cls(folder)

    def environment(self, **extra: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
        return (
            inherited | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"} | extra
        )

    def command(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """`python -m <arguments>` in the tree, in a fork that has imported the libraries (`zygote`)."""
        own = arguments[0] in ("benchmark", "snakemake")
        restarts = "TOUCHSTONE_SECRET" in extra  # whoever hides a secret replaces its own process
        python = zygote() if own and not restarts else sys.executable
        return subprocess.run(
            [python, "-m", *arguments], env=self.environment(**{"TEST_PYTHON": python, **extra}),
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def touchstone(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.command("benchmark", *arguments, **extra)

    def snakemake(self, *arguments: str, profile: str = "small.yaml", cores: int = 2, **extra: str) -> str:
        """Run the workflow; its output, if it ended well."""
        answer = self.command(*self.workflow(*arguments, profile=profile, cores=cores), **extra)
        assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-8000:]
        return answer.stdout + answer.stderr

    @staticmethod
    def workflow(*arguments: str, profile: str = "small.yaml", cores: int = 2) -> list[str]:
        return [
            "snakemake",
            "--cores",
            str(cores),
            "--quiet",
            "host",
            "--config",
            f"profile={profile}",
            *(arguments or ()),
        ]

    def scores(self, profile: str = "small", *, costs: bool = False) -> pd.DataFrame:
        """The published rows, without what differs between two runs of the same thing."""
        table = pd.read_parquet(self.folder / "leaderboard" / profile / "scores.parquet")
        return table if costs else table.drop(columns=["seconds", "peak_memory_mb"])

    def methods_of(self, table: pd.DataFrame) -> list[str]:
        """The methods of the small profile, controls included."""
        return sorted(set(table.method) - {"random", "oracle", "inverted"})

    def toys(self) -> None:
        """Add the toy project's subject and task, which train and run in no time."""
        package = self.folder / "tasks" / "models" / "toy"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text('"""A toy."""\n')
        (package / "subject.py").write_text(SUBJECT)
        (self.folder / "tasks" / "attribution" / "toytask.py").write_text(TASK)

    def method(self, name: str, text: str) -> Path:
        path = self.folder / "methods" / "attribution" / f"{name}.py"
        path.write_text(text)
        return path

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a piece of a file, which must be there."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))

    def cell(self, method: str, profile: str = "small", task: str = "attribution.toytask") -> Path:
        return self.folder / "results" / profile / "explanations" / task / method


def counts(output: str, kind: str = "explanations") -> dict[str, int]:
    """The summary's counts of a kind: subjects, explanations, values or pictures."""
    (line,) = [line for line in output.splitlines() if line.startswith(f"{kind}: ")]
    numbers = (part.split() for part in line.removeprefix(f"{kind}: ").split(", "))
    return {name: int(number) for number, name in numbers}


def stages(output: str) -> list[str]:
    """The rules that ran, in order."""
    starts = (line.split() for line in output.splitlines() if line.startswith(("rule ", "localrule ")))
    return [words[1].rstrip(":") for words in starts]


def write_profile(tree: Tree, name: str = "small", **settings: Any) -> None:
    """Write a profile of four methods on the toy task, which is added, unless `settings` say otherwise."""
    tree.toys()
    others = {path.stem for path in (tree.folder / "methods" / "attribution").glob("[!_]*.py")} - {*KEPT, "gated"}
    content = {
        "title": "For tests",
        "seeds": 2,
        "draws": 10,
        "device": "cpu",
        "limits": {"seconds": 60, "memory_mb": 3000},
        "exclude": [f"method:attribution/{other}" for other in sorted(others)],
        "tasks": {"attribution/toytask": {"variants": ["plain"]}},
        "only": ["attribution/toytask"],
    }
    (tree.folder / f"{name}.yaml").write_text(yaml.safe_dump(content | settings))


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True), check_exact=True)


def read_exclusions(tree: Tree) -> list[str]:
    """What the small profile excludes: taken before a test adds its own methods."""
    return list(yaml.safe_load((tree.folder / "small.yaml").read_text())["exclude"])


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())
