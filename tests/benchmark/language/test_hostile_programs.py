"""Programs that mean harm: each in a process of its own, with a second of processor time and 200 MB beside imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

PREPARE = """
import resource, sys
import numpy as np
from benchmark.language import Limits, ProgramError, evaluate, parse
np.sin(np.linspace(0, 1, 5000)); evaluate(parse("x"), np.zeros(3))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 1 << 33
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
spent = resource.getrusage(resource.RUSAGE_SELF)
def attempt(source, points=4096):
    try:
        evaluate(parse(source), np.linspace(-10, 10, points))
    except ProgramError as error:
        now = resource.getrusage(resource.RUSAGE_SELF)
        seconds = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
        assert seconds < 1.0, f"took {seconds} s"
        print("refused:", error)
    else:
        print("accepted")
"""

HOSTILE = {
    "tower": "'9**9**9'",
    "tower of x": "'x**9**9**x'",
    "tall tower": "'9' + '**9' * 50000",
    "exponential bomb": "'exp(exp(exp(x*x)))'",
    "long literal": "'9' * 1000000",
    "long name": "'a' * 15000",
    "infinite literal": "'1e999'",
    "a long text": "'x + ' * 5000000 + 'x'",
    "many terms": "'+'.join(['x'] * 9000)",
    "deep brackets": "'(' * 100000 + 'x' + ')' * 100000",
    "deep brackets within the length": "'(' * 9000 + 'x' + ')' * 9000",
    "deep calls": "'sin(' * 3000 + 'x' + ')' * 3000",
    "deep minus": "'-' * 19000 + 'x'",
    "deep not": "'if ' + 'not ' * 4000 + 'x < 1 then 1 else 2'",
    "deep if": "'if x<1 then 1 else ' * 900 + 'x'",
    "deep then": "'if x<1 then ' * 900 + 'x'",
    "unclosed": "'(' * 50",
    "endless loop": "'while 1 < 2: x'",
    "comprehension": "'[x for x in range(9)]'",
    "lambda": "'(lambda: 0)()'",
    "walrus": "'(y := 9)'",
    "import": '\'__import__("os").system("true")\'',
    "dunder": "'x.__class__.__mro__'",
    "attribute": "'x.real'",
    "index": "'x[0]'",
    "builtin": "'open(x)'",
    "eval": "'eval(x)'",
    "exec": "'exec(x)'",
    "format string": "'\"%s\" % x'",
    "semicolon": "'x; x'",
    "comment": "'x # y'",
    "line continuation": "'x +\\\\\\n 1'",
    "cyrillic x": "'\\u0445 + 1'",
    "fullwidth digits": "'\\uff11 + x'",
    "arabic digits": "'\\u0661 + x'",
    "superscript": "'x\\u00b2'",
    "mathematical x": "'\\U0001d465'",
    "fullwidth name": "'\\uff53in(x)'",
    "minus sign": "'\\u2212x'",
    "zero width space": "'x\\u200b'",
    "right to left override": "'\\u202ex'",
    "no-break space": "'x\\u00a0+ 1'",
    "null byte": "'x\\0'",
    "surrogate": "'\\ud800'",
    "divide by zero": "'1/0'",
    "root of minus one": "'sqrt(-1) + x'",
    "infinity minus infinity": "'exp(999*x*x) - exp(999*x*x)'",
    "zero times infinity": "'0*exp(exp(x*x))'",
    "mod zero": "'mod(x, 0)'",
    "a long division": "'mod(1e308, x*1e-300)'",
    "a long division of constants": "'mod(1e308, 5e-324) + x'",
    "not a number by name": "'nan'",
    "infinity by name": "'inf'",
    "not text": "10**6",
    "bytes": "b'x'",
    "none": "None",
}


def run(body: str) -> str:
    finished = subprocess.run([sys.executable, "-c", PREPARE + body], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_with_one_short_reason(name):
    output = run(f"attempt({HOSTILE[name]})")
    assert output.startswith("refused: ")
    assert len(output) < 700
    assert "\\u" not in output.encode("ascii", "replace").decode()


def test_the_dearest_program_that_is_accepted_stays_within_200_mb():
    wide = "piecewise(' + ', '.join(['x < 1, x*x'] * 280) + ', x)"
    assert run(f"attempt('{wide}', points=8000)") == "accepted\n"


def test_too_many_points_are_refused_before_they_cost_anything():
    assert "steps" in run("attempt('+'.join(['x'] * 900), points=1000000)")
