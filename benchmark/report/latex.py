r"""Text and tables for LaTeX: nothing that a name or a sentence may hold is taken for a command.

    escaped("50 % of $x_1$")        50 \% of \$x\_1\$
    table(head, groups, ...)        a `table` with the rules of the package booktabs

What plain LaTeX cannot set (letters beyond ASCII, control characters) is written by its number, `[U+00E9]`, so that no
text stops a document from compiling.
"""

from __future__ import annotations

from collections.abc import Sequence

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "–": "--",
    "−": "$-$",
}


def escaped(text: str) -> str:
    """A text on one line in which every sign stands for itself; runs of blanks become one."""
    return "".join(_sign(sign) for sign in " ".join(text.split()))


def _sign(sign: str) -> str:
    if sign in SPECIAL:
        return SPECIAL[sign]
    return sign if " " <= sign <= "~" else f"[U+{ord(sign):04X}]"


def code(name: str) -> str:
    """A name in the typewriter face."""
    return rf"\texttt{{{escaped(name)}}}"


def table(
    head: Sequence[str], groups: Sequence[tuple[str, Sequence[Sequence[str]]]], *, caption: str, label: str
) -> str:
    """A table of groups of rows, each under its title.

    Cells, head, titles and caption are LaTeX already; `label` is not, and what a label cannot hold is left out of it.
    The first column is set flush left, all others flush right.
    """
    columns = "l" + "r" * (len(head) - 1)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[htbp]",
        r"  \centering\footnotesize\setlength{\tabcolsep}{2.5pt}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {_row(head)}",
    ]
    for title, rows in groups:
        lines += [r"    \midrule", rf"    \multicolumn{{{len(head)}}}{{l}}{{\emph{{{title}}}}} \\"]
        lines += [f"    {_row(row)}" for row in rows]
    kept = "".join(sign for sign in label if sign.isascii() and (sign.isalnum() or sign in ":-"))
    lines += [
        r"    \bottomrule",
        r"  \end{tabular}",
        rf"  \caption{{{caption}}}",
        rf"  \label{{{kept}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
