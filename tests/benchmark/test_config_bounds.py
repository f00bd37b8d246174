"""Files that are no profiles: each is refused plainly within a second of processor time and 200 MB of memory.

One child imports the engine and forks for each file; the kernel enforces the bounds on the fork.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.config import check_profile, read_profile
from benchmark.config.values import value_problem
from benchmark.errors import TouchstoneError
from benchmark.registry import PROJECT, plugins
from benchmark.yaml_files import BYTES, VALUES, read_yaml

READER = """
import json, os, resource, sys, traceback
from benchmark.config import read_profile
from benchmark.errors import TouchstoneError
from benchmark.registry import plugins

registry = plugins()
for path in json.loads(sys.argv[1]):
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (200 * 2**20, 200 * 2**20))
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        try:
            answer = "accepted: " + read_profile(path, registry).name
        except TouchstoneError as error:
            answer = "refused: " + str(error)
        except BaseException:
            answer = "broken: " + traceback.format_exc()[-2000:]
        os.write(writing, answer.encode()[:60000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    print(json.dumps([path, answer if status == 0 else f"killed: {status}"]))
"""

SUPERPOSITION = "subjects: {superposition: {%s}}"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {k0: x}\n" + "".join(f"a{i}: &a{i} {{<<: [*a, *a], k{i}: [*a, *a]}}\n" for i in range(1500))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 3000))

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "ten million seeds": ("seeds: 10000000", "seeds: expected a number from 1 to 1000"),
    "a seed too many": (f"seeds: [{', '.join(map(str, range(1001)))}]", "a list of at most 1000 distinct numbers"),
    "a seed too large": ("seeds: [4294967296]", "distinct numbers from 0 to 4294967295"),
    "a subject's seeds": ("subjects: {othello: {seeds: 10000000}}", "subjects.othello.seeds: expected a number from 1"),
    "sealed seeds": ("seeds: {sealed: 10000000}", "seeds: expected a number from 1 to 1000"),
    "alias bomb": (BOMB, f"the file stands for more than {VALUES} values"),
    "merged aliases": (MERGES, f"the file stands for more than {VALUES} values"),
    "chain of aliases": (CHAIN, f"the file stands for more than {VALUES} values"),
    "alias of itself": ("only: &a [*a]", "*a stands inside of what it stands for"),
    "unknown alias": ("only: *a", "found undefined alias"),
    "open brackets": ("only: " + "[" * 3000, "nested more than 20 deep"),
    "brackets": ("only: " + "[" * 3000 + "]" * 3000, "nested more than 20 deep"),
    "braces": ("subjects: " + "{a: " * 3000 + "}" * 3000, "nested more than 20 deep"),
    "nested keys": ("? " * 3000 + "a", "nested more than 20 deep"),
    "nested lists": ("- " * 3000 + "a", "nested more than 20 deep"),
    "integer of 5,000 digits": ("seeds: " + "9" * 5000, "got a number of 5000 characters"),
    "float of 5,000 digits": ("limits: {seconds: 0." + "9" * 5000 + "}", "got a number of 5002 characters"),
    "hexadecimal of 5,000 digits": ("draws: 0x" + "f" * 5000, "got a number of 5002 characters"),
    "sexagesimal of 5,000 digits": ("draws: 1" + ":59" * 2000, "got a number of 6001 characters"),
    "no digits": ("draws: 0b_", "a number that cannot be read"),
    "many values": ("only: [" + "a," * VALUES + "]", f"stands for more than {VALUES} values"),
    "many unknown keys": ("".join(f"key{i}: 1\n" for i in range(2000)), "has more than 50 problem(s)"),
    "many unknown methods": (
        "methods:\n" + "".join(f" attribution/key{i}: {{method: gradeint}}\n" for i in range(1000)),
        "has more than 50 problem(s)",
    ),
    "a long key": ("k" * 1000 + ": 1", "unknown profile key 'kkk"),
    "a long text": ("only: [" + "x" * 50000 + "]", "unknown task 'xxx"),
    "negative draws": ("draws: -1", "draws: Input should be greater than or equal to 1, got -1"),
    "many workers": ("workers: 100000000", "workers: Input should be less than or equal to 10000, got 100000000"),
    "many batches": ("batches: 100000000", "batches: Input should be less than"),
    "counted truth": ("draws: true", "draws: Input should be a valid integer, got True"),
    "absurd memory": ("limits: {memory_mb: 1e30}", "limits.memory_mb: Input should be a valid integer, got 1e+30"),
    "large memory": ("limits: {memory_mb: 100000000}", "limits.memory_mb: Input should be less than"),
    "infinite time": ("limits: {seconds: .inf}", "limits.seconds: Input should be"),
    "no time": ("limits: {seconds: .nan}", "limits.seconds: Input should be"),
    "negative time": ("limits: {seconds: -1}", "limits.seconds: Input should be greater than 0"),
    "a task's time": (
        "tasks: {superposition: {limits: {seconds: .inf}}}",
        "limits.seconds: Input should be",
    ),
    "negative size": (SUPERPOSITION % "rows: -1", "superposition.rows: expected int (finite, not negative, "),
    "infinite size": (SUPERPOSITION % "active: .inf", "superposition.active: expected float (finite, not negative, "),
    "no size": (SUPERPOSITION % "active: .nan", "superposition.active: expected float (finite, not negative, "),
    "absurd size": (
        SUPERPOSITION % "rows: 1000000000001",
        "rows: expected int (finite, not negative, integers of at",
    ),
    "absurd whole float": (SUPERPOSITION % "active: 1000000000001", "active: expected float"),
    "a method's size": ("methods: {dictionary/topk: {steps: -5}}", "methods.dictionary/topk.steps: expected int (fin"),
    "a task's size": (
        "tasks: {dictionary/othello_board: {atoms: -5}}",
        "dictionary/othello_board.atoms: expected",
    ),
    "large file": ("title: x\n" + "# comment\n" * 110000, f"it has 1100009 bytes, expected at most {BYTES}"),
    "number as key": ("3: 4", "got the key '3', expected text"),
    "nothing as key": ("subjects: {~: {}}", "got the key '~', expected text"),
    "truth as key": ("on: 4", "got the key 'on', expected text"),
    "list as key": ("? [a]\n: 4", "got the key a sequence, expected text"),
    "date": ("title: 2024-01-01", "'2024-01-01' is read as a date; put it in quotes"),
    "date as key": ("2024-01-01: 3", "got the key '2024-01-01', expected text"),
    "object": ("title: !!python/object:os.system {}", "got the tag 'tag:yaml.org,2002:python/object:os.system'"),
    "call": ("title: !!python/object/apply:os.system ['true']", "got the tag"),
    "set": ("only: !!set {a}", "got the tag 'tag:yaml.org,2002:set'"),
    "no number": ("draws: !!int ''", "got the tag 'tag:yaml.org,2002:int'"),
    "own tag": ("draws: !mine 3", "got the tag '!mine'"),
    "value sign": ("title: =", "a sign with a meaning of its own"),
    "duplicate key": ("draws: 1\ndraws: 2", "the key 'draws' is given twice"),
    "several documents": ("draws: 1\n---\ndraws: 2", "expected a single document"),
    "byte-order mark": (b"\xef\xbb\xbfdraws: 1", "it begins with a byte-order mark"),
    "two-byte text": ("draws: 1".encode("utf-16"), "it is not UTF-8 text"),
    "binary": (bytes(range(256)) * 4, "is not valid YAML"),
    "zeros": (bytes(5000), "is not valid YAML"),
    "unclosed text": ('title: "' + "x" * 5000, "is not valid YAML"),
    "directive": ("%YAML 99.1\n---\ndraws: 1", "is not valid YAML"),
    "one entry under two names": (
        "tasks: {superposition: {}, dictionary/superposition: {}}",
        "'superposition' and 'dictionary/superposition' are the same task",
    ),
    "sealed alone": ("sealed: true", "sealed: expected `seeds: sealed`"),
    "not small": ("small: 1", "small: Input should be a valid boolean, got 1"),
    "long name": ("name: " + "x" * 300, "name: String should have at most 100 characters"),
}
SPECIAL: dict[str, tuple[Callable[[Path], Any], str]] = {
    "folder": (Path.mkdir, "it is a folder or a device, expected a file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a folder or a device, expected a file"),
    "pipe": (os.mkfifo, "it is a folder or a device, expected a file"),
    "loop": (lambda path: path.symlink_to(path), "no profile file"),
    "dangling": (lambda path: path.symlink_to(path.parent / "absent"), "no profile file"),
}
NAMES = {"x" * 5000: "unknown profile", "x" * 5000 + ".yaml": "no profile file", "": "unknown profile"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What reading each file ended in, by the case's name."""
    folder = tmp_path_factory.mktemp("profiles")
    paths = {case: folder / f"{number}.yaml" for number, case in enumerate([*REFUSED, *SPECIAL])}
    for case, (content, _) in REFUSED.items():
        paths[case].write_bytes(content if isinstance(content, bytes) else content.encode())
    for case, (make, _) in SPECIAL.items():
        make(paths[case])
    asked = [*(str(path) for path in paths.values()), *NAMES, "smoke"]
    child = subprocess.run(
        [sys.executable, "-c", READER, json.dumps(asked)], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    found = dict(json.loads(line) for line in child.stdout.splitlines())
    return {case: found[str(path)] for case, path in paths.items()} | {name: found[name] for name in [*NAMES, "smoke"]}


def test_a_profile_is_read_within_the_bounds(answers: dict[str, str]) -> None:
    assert answers["smoke"] == "accepted: smoke"


@pytest.mark.parametrize("case", [*REFUSED, *SPECIAL, *NAMES])
def test_a_file_that_is_no_profile_is_refused_at_once(answers: dict[str, str], case: str) -> None:
    expected = NAMES[case] if case in NAMES else (REFUSED | SPECIAL)[case][1]  # type: ignore[operator]
    assert answers[case].startswith("refused: "), answers[case]
    assert expected in answers[case]
    assert max(map(len, answers[case].splitlines())) < 2000, "a message for a person"


def test_integers_of_any_size_are_refused_outside_of_files_as_well() -> None:
    for content in ({"seeds": 10**6000}, {"draws": 10**6000}, {"subjects": {"superposition": {"rows": 10**6000}}}):
        with pytest.raises(Exception, match="bits"):
            check_profile({"name": "test"} | content, plugins())


@pytest.mark.parametrize(
    ("value", "default"),
    [(0, 3), (10**12, 3), (-3, -1), (-0.5, -1.0), (3, 0.5), (-3, None), ([1, -2], (0, -1)), ([], (1, 2)), (1e300, 0.0)],
)
def test_a_default_says_whether_negative_numbers_have_a_meaning(value: Any, default: Any) -> None:
    assert value_problem(value, default) == ""


@pytest.mark.parametrize(
    ("value", "default"),
    [(-1, 3), (-1e-9, 0.0), (math.inf, 0.0), (-math.inf, -1.0), (math.nan, -1.0), (10**12 + 1, 0.0), (-(10**13), -1),
     ([1, -2], (0, 1)), ([[math.nan]], ()), ({"a": -1}, {"a": 1})],
)  # fmt: skip
def test_numbers_without_a_meaning_are_a_problem(value: Any, default: Any) -> None:
    assert value_problem(value, default).startswith(f"expected {type(default).__name__} (finite")


def written(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_aliases_and_merges_that_are_meant_are_read(tmp_path: Path) -> None:
    text = "- left: &best {pick: max, metric: f1}\n  right: {<<: *best, metric: l0}\n- *best\n"
    assert read_yaml(written(tmp_path, text)) == [
        {"left": {"pick": "max", "metric": "f1"}, "right": {"pick": "max", "metric": "l0"}},
        {"pick": "max", "metric": "f1"},
    ]


@pytest.mark.parametrize("text", ["1e-3", "1E3", "+2.5e+3", "-1.e2", "0.001", "1.0e-3"])
def test_a_number_with_an_exponent_is_a_number(tmp_path: Path, text: str) -> None:
    value = read_yaml(written(tmp_path, f"rate: {text}"))["rate"]
    assert isinstance(value, float)
    assert value == float(text)


@pytest.mark.parametrize("text", ["e3", "1e", "1e3x", "12e5f", "'1e3'"])
def test_what_only_resembles_a_number_is_text(tmp_path: Path, text: str) -> None:
    assert read_yaml(written(tmp_path, f"source: {text}"))["source"] == text.strip("'")


def test_as_many_values_as_are_allowed_are_read(tmp_path: Path) -> None:
    assert len(read_yaml(written(tmp_path, f"[{'a,' * (VALUES - 1)}]"))) == VALUES - 1
    deep = read_yaml(written(tmp_path, "[" * 19 + "x" + "]" * 19))
    assert str(deep).count("[") == 19


PIECES = [
    *"[]{}:,-?&*!|>%@`'\"#~=<\n\t\x00\x85\ufeff", ": ", "- ", "<<: ", "&a ", "*a", "!!int ", "!!set ", "? ", "---\n",
    "...", "0b_", "0x", "1:60", ".inf", "1e5", "2001-01-01", "seeds", "tasks", "a", "on", "null", "\\x",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join).map(str.encode) | st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        Path(file.name).write_bytes(content)
        with contextlib.suppress(TouchstoneError):  # either outcome is right; any other exception is not
            assert read_profile(file.name, plugins()).seeds
