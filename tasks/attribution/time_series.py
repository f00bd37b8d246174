"""A series with two events: at which steps, in which channels, is the one that the net answers about?

    series [1, 4, 32]: channels over steps;   two events with classes of their own, among others that are nobody's
    spike: a spike that a mark names, an unmarked one in no case;    band: the tone of a burst, slow or fast;
    state: the drift while a state shown in another channel is on
    two rivals: one net names the class of the first event, the other that of the second
    truth: the steps and channels of the event that is read, with what marks it;   figure: where the events differ

**Used** are the event's values and its mark: the certificate puts another event in its place, or exchanges the marks,
and finds the answer of the other one; it exchanges the other event and all that is nobody's, and finds the same answer.
The values alone are a second, finer truth (`values`). The mark of a state is its whole channel, for both nets: at every
step it says whose the value is, so that it is in the truth of both and not in the figure. **Associated** with the
answer is nothing else: events are independent. **Blind**, nobody can tell: series and targets of both nets are the
same, since only series are asked about whose events have one class, and the truths complete each other; channels are in
an order that the seed draws.

Primary is the order among the entries of both events (`figure_auroc`). The literature scores series by areas under
precision and recall over *thresholds* (AUP, AUR), which change with the spread of a map's numbers while their order
stays; `average_precision` does not. There, too, the truth of a delayed spike is the first one of a fixed channel, which
needs no model (Tonekaboni et al. 2020, arXiv:2003.02821), and that of a periodic spike is all of its repetitions, of
which two are enough (Queen et al. 2023, arXiv:2306.02109).

The recurrent net answers at the end of the series, so many steps after the last spike: that is the dial. It multiplies
activations, step by step through the same modules, so that methods which rewrite modules do not apply to it. Methods
that work on patches see four steps of all channels at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.time_series.subject import EVENT, Reads
from tasks.models.time_series.subject import TimeSeries as Subject

RECURRENT = {"architecture": "rnn", "steps": 200}


@attribution_task(
    cites="arXiv:2003.02821",
    subjects={
        "first": {"subject": "time_series", "reads": "first"},
        "second": {"subject": "time_series", "reads": "second"},
    },
    primary="figure_auroc",
    controls=(
        "edge_detector",
        "input_magnitude",
        "position_prior",
        "random_weights_gradient",
        "blurred_random",
        "blind_segmenter",
    ),
    metrics=(
        *("figure_auroc", "average_precision", "auroc", "rank_accuracy", "truth_mass", "false_positive_mass"),
        *("insertion", "deletion", "infidelity", "completeness_gap"),
    ),
    variants={
        "spike_first": {},
        "spike_second": {"reader": "second"},
        "band_first": {"kind": "band"},
        "band_second": {"kind": "band", "reader": "second"},
        "state_first": {"kind": "state"},
        "state_second": {"kind": "state", "reader": "second"},
        "recurrent_near_first": {**RECURRENT, "delay": 4},
        "recurrent_near_second": {**RECURRENT, "delay": 4, "reader": "second"},
        "recurrent_first": RECURRENT,
        "recurrent_second": {**RECURRENT, "reader": "second"},
        "recurrent_far_first": {**RECURRENT, "delay": 20},
        "recurrent_far_second": {**RECURRENT, "delay": 20, "reader": "second"},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={
        f"{name}_first": f"{name}_second"
        for name in ("spike", "band", "state", "recurrent_near", "recurrent", "recurrent_far")
    },
    twins={"spike_first": "untrained_first", "spike_second": "untrained_second"},
    unranked=("untrained_first", "untrained_second"),
    dials={"delay": ("recurrent_near_first", "recurrent_first", "recurrent_far_first")},
    small={"variants": ("spike_first", "spike_second"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class TimeSeriesTask:
    """At which steps, in which channels, is the event that the net reads?"""

    reader: Reads = "first"
    """Whose answer is to be explained."""
    inputs: int = 100
    """So many test series are explained: the first ones with one class in both events, on which both nets are
    confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, series with their class as target, series of the distribution, and an empty one as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        series = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=series,
            targets=asked.public["classes"][chosen, EVENT[self.reader]].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(series[0]),
            seed=asked.method_seed,
            series=True,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The values of the event that is read with what marks them, and of these the values alone."""
        asked, chosen, event = saved[self.reader], self._chosen(saved), EVENT[self.reader]
        subject: Subject = asked.subject
        series = subject.series(asked)
        values, marks, nobodys = series.valued()[chosen], series.marked()[chosen], series.others[chosen] != 0
        if subject.kind == "state":  # either level of the state says whose the values are
            marks = marks.any(1, keepdim=True).expand_as(marks)
        used = values | marks
        figure = used[:, 0] ^ used[:, 1]
        theirs = figure & ~used[:, event]
        masks = {"": used[:, [event]]}
        if subject.kind != "band":
            masks["values"] = values[:, [event]]
        return AttributionTruth(masks=masks, zero_set=(nobodys | theirs)[:, None], figure=figure[:, None])

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test series to explain, the same for both readers."""
        first, second = (saved[reader].public for reader in ("first", "second"))
        chosen = first["classes"][:, 0] == first["classes"][:, 1]
        if saved[self.reader].subject.training != "none":
            chosen &= first["confirmed"] & second["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
