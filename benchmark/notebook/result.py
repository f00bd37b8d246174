"""What `evaluate` returns: rows of the long format, and how to look at them.

    found.frame     a row for each variant, seed and metric of the method, with floor, blind, ceiling and skill
    found.skill     the mean skill in the primary metric over the ranked variants
    found.plot()    the method between chance, blind and truth, beside the best method that the profile knows
    found.log       what the engine said meanwhile, and what the method printed or raised

A notebook shows the sentences, the table and the picture of whatever stands last in a cell.
"""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.marks import CUT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    "family", "task", "variant", "seed", "metric", "primary", "ranked", "value", "floor", "blind", "ceiling", "skill",
    "chance_skill", "status", "reason", "seconds", "model_calls", "peak_memory_mb",
)  # fmt: skip
SHOWN = ("value", "floor", "blind", "ceiling", "skill", "chance_skill", "seconds")
PLACE = ["variant", "seed", "metric"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One method of a notebook on one task."""

    table: pd.DataFrame
    """The long format: the method's rows, the controls', the references', and in the primary metric those of the
    registered methods whose explanations the profile's results hold."""
    name: str
    profile: str
    title: str
    """What the profile says of itself."""
    log: str
    reused: bool = False
    """Whether the method did not run, since all of its explanations were still true."""
    anew: str = ""
    """Why it would run again if it were asked for again; empty where it would not."""
    picture: bytes = b""
    """A PNG of its explanation beside the truth; empty where it answered nothing."""
    caption: str = ""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The method's rows, in the columns `COLUMNS`."""
        own = self.table[self.table.method == self.name]
        return own.sort_values(["primary", *PLACE], ascending=[False, True, True, True])[[*COLUMNS]].reset_index(
            drop=True
        )

    @cached_property
    def primary(self) -> pd.DataFrame:
        """The rows of all methods in the primary metric."""
        return self.table[self.table.primary].reset_index(drop=True)

    @property
    def skill(self) -> float:
        """The mean over ranked variants and seeds in the primary metric, cut at -1: 0 is the higher of chance and
        blind, 1 the planted truth. Failures count as chance; NaN where nothing is ranked, or it is `unsupported`."""
        return self._skills.get(self.name, np.nan)

    @cached_property
    def best(self) -> str:
        """The registered method with the most skill, of those whose explanations are there; empty where none is."""
        ranked = self.primary[self.primary.ranked & ~self.primary.reference & ~self.primary.control]
        others = {name: self._skills[name] for name in ranked.method if name != self.name}
        known = {name: value for name, value in others.items() if np.isfinite(value)}
        return max(known, key=lambda name: known[name]) if known else ""

    @cached_property
    def _skills(self) -> dict[str, float]:
        rows = self.primary[self.primary.ranked]
        return {str(name): float(own.clip(lower=CUT).mean()) for name, own in rows.groupby("method").skill}

    @property
    def sentences(self) -> list[str]:
        """What there is to say, the most important first; plain text."""
        rows = self.primary[self.primary.method == self.name]
        one = rows.iloc[0]
        seeds, variants = rows.seed.nunique(), rows[rows.ranked].variant.nunique()
        where = f"{self.name} on {one.family}/{one.task}, profile {self.profile}, {seeds} seed{'s' * (seeds > 1)}"
        said = [
            f"{where}: skill {self.skill + 0.0:.2f} in {one.metric} over {variants} ranked "
            f"variant{'s' * (variants > 1)} (0 is the higher of chance and blind, 1 the planted truth)."
            if variants
            else f"{where}: no variant is ranked here, so that there is no skill to compare; the marks in {one.metric} "
            "are below."
        ]
        for (status, reason), lost in rows[rows.status != "ok"].groupby(["status", "reason"]):
            said.append(f"{len(lost)} of {len(rows)} instances {status}: {reason}")
        if self.best:
            known = f"{self.best} is the best: {self._skills[self.best]:.2f}"
            said.append(f"Of the methods of the suite that were run in this profile, {known}.")
        elif variants:
            said.append(f"Of the methods of the suite none was run in the profile {self.profile} yet.")
        said.append(f"{self.title.rstrip('.')}." if self.title else "")
        again = f"It runs anew each time: {self.anew}." if self.anew else ""
        said.append("It did not run: what was kept of it is still true." if self.reused else again)
        return [sentence for sentence in said if sentence]

    @property
    def summary(self) -> pd.DataFrame:
        """A row for each variant: means over the seeds in the primary metric."""
        return self._means(self.frame[self.frame.primary])

    @staticmethod
    def _means(rows: pd.DataFrame) -> pd.DataFrame:
        ok = rows[rows.status == "ok"]
        return ok.groupby(["metric", "variant"], sort=True)[[*SHOWN]].mean().reset_index()

    def plot(self) -> Figure:
        """The method between chance, blind and truth in the primary metric, beside the best registered one."""
        from benchmark.notebook.drawing import draw

        return draw(self)

    def __repr__(self) -> str:
        return "\n".join([*self.sentences, "", self.summary.to_string(index=False, float_format="{:.3f}".format)])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)
        others = _html(self._means(self.frame[~self.frame.primary]))
        return f"{said}{_html(self.summary)}<details><summary>all metrics</summary>{others}</details>"

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.plot().savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, Image, display  # a notebook has it

        display(HTML(self._repr_html_()))
        display(Image(self._repr_png_()))
        if self.picture:
            display(Image(self.picture), HTML(f"<p>{html.escape(self.caption)}</p>"))


def _html(table: pd.DataFrame) -> str:
    return str(table.to_html(index=False, float_format="{:.3f}".format))
