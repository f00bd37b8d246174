"""A small language for functions of one real number, in which descriptions are written and which is safe to run.

    parse("if 2 <= x <= 4 then 5 else 3*sin(0.7*x) + 1") -> Program    refuses what is not in the grammar, or too large
    evaluate(program, x: [n] float64) -> [n] float64                   refuses long runs and values that are not finite
    to_text(program) -> str                                            parse(to_text(p)) == p
    structure(program) -> str                                          the formula, numbers aside

The grammar, loosest binding first:

    expression  :=  if condition then expression else expression
    condition   :=  or, and, not; a < b, a <= b, a > b, a >= b, a == b, a != b; a <= x < b (ascending)
    arithmetic  :=  + -, then * /, then unary -, then ** (also ^; binds to the right, tighter than the minus before it)
    atom        :=  number | x | pi | e | (expression) | function(expression, ...)
    functions   :=  of one argument: abs sign sqrt exp log sin cos tan asin acos atan sinh cosh tanh
                    sigmoid relu floor ceil round; of more:
                    mod(a, b) with |a / b| up to 2^53, min(a, ...), max(a, ...), where(condition, a, b),
                    piecewise(condition, value, condition, value, ..., otherwise)

There are no loops, names, strings, attributes or calls of anything else, so a program's cost is known before it runs:
its number of instructions times the number of points. A program is kept as a flat tuple of instructions in postfix
order, and whatever walks it does so with a loop: no input, however nested, can exhaust Python's own stack. Python's
`eval`, `exec` and `ast` play no part.
"""

from benchmark.language.errors import ProgramError, ProgramLimitError, ProgramSyntaxError, ProgramValueError
from benchmark.language.evaluator import evaluate
from benchmark.language.formatter import number_text, to_text
from benchmark.language.limits import Limits
from benchmark.language.parser import parse
from benchmark.language.program import Instruction, Program
from benchmark.language.structure import structure

__all__ = [
    "Instruction",
    "Limits",
    "Program",
    "ProgramError",
    "ProgramLimitError",
    "ProgramSyntaxError",
    "ProgramValueError",
    "evaluate",
    "number_text",
    "parse",
    "structure",
    "to_text",
]
