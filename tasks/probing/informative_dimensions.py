"""Which dimensions hold a concept, and does the network use them? Concepts, dimensions and their use are planted.

    base, source -> exchange the method's component of one concept -> the network answers `used` and `xor`

*Used* by the network: `used`, linear, and `xor`, the parity of two bits. *Associated*, but not used: `unused`, which is
written as `used` is; in the variant `confounded` the labels of `unused` follow those of `used` in the labelled inputs;
in the rivals `reads_first` and `reads_second` the concept `used` is written in two places that agree in all labelled
inputs, and the network reads one of them. *Blind* is who does not run the network. Of the first three variants a good
probe can answer everything without it, since each concept is written in one place. On the rivals nobody can: their
activations and labels are the same to the last bit, and what makes the other network follow is taken off, so that
naming one of the places by luck has 1 and -1, and any mixture of both 0 on average. There `used` alone is exchanged.

In test inputs everything is drawn independently, as in those that the network was trained on: an exchange stays in
distribution, and tells what is used from what merely goes along with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.probing import Interchange, ProbingQuestion, ProbingTruth, Rival, probing_task, run_from_layers
from benchmark.learning.controls import Mixed, with_controls
from benchmark.subjects import Saved
from tasks.models.informative_dimensions.network import USED, answers
from tasks.models.informative_dimensions.plant import CLASSES, NAMES, RANKS, Plant, Sample
from tasks.models.informative_dimensions.subject import InformativeDimensions


@probing_task(
    cites="arXiv:1909.03368",
    subject="informative_dimensions",
    primary="interchange_accuracy",
    controls=("majority", "principal_components"),
    metrics=(
        "interchange_accuracy",
        "dimension_f1",
        "dimension_precision",
        "dimension_recall",
        "subspace_angle",
        "test_accuracy",
        "selectivity",
        "control_accuracy",
        "erasure_gap",
    ),
    variants={
        "aligned": {},
        "rotated": {"basis": "rotated"},
        "confounded": {"basis": "rotated", "agreement": 0.7},
        "reads_first": {"basis": "rotated", "copies": 2},
        "reads_second": {"basis": "rotated", "copies": 2, "reads": "second"},
    },
    rivals={"reads_first": "reads_second"},
    small={"variants": ("aligned", "reads_first", "reads_second")},
)
@dataclass(frozen=True, kw_only=True)
class InformativeDimensionsTask:
    """Find concepts planted in known dimensions: used by the network, ignored by it, or written as an exclusive or."""

    pairs: int = 200
    """Pairs of test inputs per concept between which its value is exchanged."""

    def pose(self, saved: Saved) -> ProbingQuestion:
        """Activations of the place "hidden", labels with controls among them, and the network above."""
        mixed, _, _ = _rebuild(saved)
        subject: InformativeDimensions = saved.subject
        network = subject.load(saved)
        return ProbingQuestion(
            layer="hidden",
            train=saved.public["train"].to(saved.device),
            test=saved.public["test"].to(saved.device),
            labels=mixed.train.to(saved.device),
            classes=mixed.classes,
            run_from=run_from_layers({"hidden": lambda activations, _: network(activations)}),
            seed=saved.method_seed,
            ranks=tuple(RANKS[source % len(RANKS)] for source in mixed.order),
        )

    def truth(self, saved: Saved) -> ProbingTruth:
        """Test labels, planted subspaces, and pairs of inputs whose concepts are to be exchanged."""
        mixed, plant, test = _rebuild(saved)
        positions = [mixed.position(concept) for concept in range(len(NAMES))]
        subspaces, readers = (
            torch.zeros(len(mixed.classes), *rows.shape[1:]).index_copy(0, torch.tensor(positions), rows)
            for rows in (plant.subspaces(), plant.readers())
        )
        used = [positions[concept] for _, concept, _ in USED]
        return ProbingTruth(
            names=tuple(NAMES[i] if i < len(NAMES) else f"control {i - len(NAMES) + 1}" for i in mixed.order),
            labels=mixed.test.to(saved.device),
            control_of=mixed.control_of,
            subspaces=subspaces.to(saved.device),
            readers=readers.to(saved.device),
            uses=tuple(place in used for place in range(len(mixed.classes))),
            interchange=self._interchange(test, plant, positions, saved),
            # where labelled inputs are confounded, fresh probes read what goes along with the erased concept
            erased=() if saved.subject.agreement or saved.subject.copies > 1 else tuple(positions),
            groups={name: (position,) for name, position in zip(NAMES, positions, strict=True)},
        )

    def _interchange(self, test: Sample, plant: Plant, positions: Sequence[int], saved: Saved) -> Interchange:
        """Random pairs that differ in every concept: exchanging one must change its answer, if it has one, alone.

        Pairs that the network answers rightly at both ends come first, and are all where there are enough of them.
        """
        subject: InformativeDimensions = saved.subject
        rivals = [place for place in range(subject.copies) if place != plant.reads]
        exchanged = range(1 if rivals else len(NAMES))
        base, source = self._pairs(test, saved)
        own = torch.tensor([[concept == at for _, concept, _ in USED] for at in exchanged]).repeat_interleave(
            len(base), 0
        )

        def wanted(place: int) -> Int[Tensor, "p 2"]:
            """What the network that reads `used` from a place should say."""
            read = torch.stack([test.written[place], test.labels[:, 2]], 1)
            after = torch.where(own, read[source].repeat(len(exchanged), 1), read[base].repeat(len(exchanged), 1))
            return after.to(saved.device)

        right = {place: wanted(place) for place in range(subject.copies)}
        device, here, answered = saved.device, right[plant.reads], own.to(saved.device)
        return Interchange(
            concept=torch.tensor([positions[at] for at in exchanged]).repeat_interleave(len(base)).to(device),
            base=base.repeat(len(exchanged)).to(device),
            source=source.repeat(len(exchanged)).to(device),
            follows=lambda outputs: (answers(outputs) == here).all(1).float(),
            parts={
                "cause": lambda outputs: torch.where(
                    answered.any(1), ((answers(outputs) == here) & answered).any(1).float(), torch.nan
                ),
                "isolate": lambda outputs: ((answers(outputs) == here) | answered).all(1).float(),
            },
            rival=_rival(saved, rivals[0], right[rivals[0]]) if rivals else None,
        )

    def _pairs(self, test: Sample, saved: Saved) -> Int[Tensor, "2 p"]:
        """Numbers of base and source."""
        subject: InformativeDimensions = saved.subject
        draw = saved.generator("pairs")
        pairs = torch.randint(len(test.labels), (2, 20 * self.pairs), generator=draw)
        differ = (test.labels[pairs[0]] != test.labels[pairs[1]]).all(1)
        pairs = pairs[:, differ & (test.written[:, pairs[0]] != test.written[:, pairs[1]]).all(0)]
        right = torch.ones(len(test.labels), dtype=torch.bool)
        for place in range(subject.copies):
            with torch.no_grad():
                said = answers(subject.load(saved, place)(test.hidden.to(saved.device))).cpu()
            right &= (said == torch.stack([test.written[place], test.labels[:, 2]], 1)).all(1)
        first = right[pairs].all(0).int().argsort(descending=True, stable=True)
        return pairs[:, first[: self.pairs]]


def _rival(saved: Saved, place: int, right: Int[Tensor, "p 2"]) -> Rival:
    """The network that reads `used` from another place, and what it should say."""
    network = saved.subject.load(saved, place)
    return Rival(
        run_from=run_from_layers({"hidden": lambda activations, _: network(activations)}),
        follows=lambda outputs: (answers(outputs) == right).all(1).float(),
    )


def _rebuild(saved: Saved) -> tuple[Mixed, Plant, Sample]:
    """The plant, the test inputs and the labels with controls: all from the seed."""
    subject: InformativeDimensions = saved.subject
    plant = subject.plant(saved.generator)
    train, test = subject.inputs(plant, saved.generator)
    concepts = range(len(CLASSES))
    draw = saved.generator("controls")
    mixed = with_controls(
        train.labels, test.labels, train.types, test.types, CLASSES, copies=tuple(concepts), generator=draw
    )
    return mixed, plant, test
