"""Important or not: which cells move the output away from where it usually is?

    cells show noise or, every other one, something: a shift.     f = sum over the read cells of w tanh(v / 4)
    two rivals: one net reads one half of the cells, the other the other half
    truth: cells that are read and shifted;   figure: cells that are shifted
    background: inputs on which no cell is shifted

A cell is important where the output would be another, in distribution, with a draw of the noise in its place; else it
is null, and all nulls are known (Burns, Thomason and Tansey 2020, arXiv:1904.00045). There are three kinds of them:
cells that are not read, shifted or not, and cells that are read and show noise. Methods that decide return a selection:
`power` and `false_discovery_rate` are about it. Primary is `controlled_power`, how much is found while at most one
finding in ten is false. Methods that only rank are cut there by one who knows the truth, which flatters them: it is the
decision that they lack.

Not the same as what a net reads: a cell that is read and shows what it usually shows explains nothing of this output. A
gradient marks it, and is smaller where a shift has taken the net towards saturation. Weights of cells differ by up to
two, so that a heavy cell with ordinary noise may move the output more than a light one with something to show; what is
measured against the cell's own noise (`irt`) is not misled by that.

**Used** are the read cells: the net is cut off from the other half, and follows every cell of its own, as the
certificate shows. **Associated** with the output is no other cell, for all are drawn apart. **Blind**, a shift can be
seen, but not whether its cell is read: inputs and background of both rivals are the same and the order of cells is
drawn, so that half of all that is found blindly is false, and the controlled power is next to 0. In the `open` variants
the other half is not cut off but ignored: exchanged, it moves the output by less than a hundredth of its variance. A
test that finds any difference, however small, finds that one, too. The dial is the effect: the size of a shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.shifted_cells.subject import READ, Reads, ShiftedCells


@attribution_task(
    cites="arXiv:1904.00045",
    subjects={
        "first": {"subject": "shifted_cells"},
        "second": {"subject": "shifted_cells", "reads": "second"},
    },
    primary="controlled_power",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("controlled_power", "power", "false_discovery_rate"),
        *("average_precision", "figure_auroc", "false_positive_mass"),
    ),
    variants={
        "first": {},
        "second": {"reader": "second"},
        "weak_first": {"shift": 2.0},
        "weak_second": {"shift": 2.0, "reader": "second"},
        "strong_first": {"shift": 4.0},
        "strong_second": {"shift": 4.0, "reader": "second"},
        "image_first": {"form": "image", "inputs": 60},
        "image_second": {"form": "image", "inputs": 60, "reader": "second"},
        "open_first": {"cut": False},
        "open_second": {"cut": False, "reader": "second"},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={f"{kind}first": f"{kind}second" for kind in ("", "weak_", "strong_", "image_", "open_")},
    twins={"first": "untrained_first", "second": "untrained_second"},
    unranked=("untrained_first", "untrained_second"),
    dials={"effect": ("strong_first", "first", "weak_first")},
    small={"variants": ("first", "second"), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class ImportantOrNot:
    """Which cells are read and show something?"""

    reader: Reads = "first"
    """Whose output is to be explained."""
    inputs: int = 100
    """So many inputs are explained: the first ones with shifted cells in both halves."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, inputs, inputs that show noise alone, and 0 as baseline."""
        asked = saved[self.reader]
        subject: ShiftedCells = asked.subject
        inputs = asked.public["inputs"][self._chosen(saved)].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=inputs,
            targets=None,
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(inputs[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The cells that are read and shifted; the null cells are all others."""
        asked = saved[self.reader]
        subject: ShiftedCells = asked.subject
        plant, shifted = subject.plant(asked), self._shifted(saved)[self._chosen(saved)]
        important = plant.entries(shifted & plant.is_read(READ[self.reader]))
        return AttributionTruth(masks={"": important}, zero_set=~important, figure=plant.entries(shifted))

    def _shifted(self, saved: Mapping[str, Saved]) -> Bool[Tensor, "tests cells"]:
        """The same for both readers."""
        first = saved["first"]
        return torch.as_tensor(first.subject.drawn(first).shifted)

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test inputs to explain, the same for both readers."""
        first, shifted = saved["first"], self._shifted(saved)
        plant = first.subject.plant(first)
        both = shifted[:, plant.read[0]].any(1) & shifted[:, plant.read[1]].any(1)
        return both.nonzero()[: self.inputs, 0]
