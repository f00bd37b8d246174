"""Which dimensions hold a concept, and does the network use them? Concepts, dimensions and their use are planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmark.families.probing import Interchange, ProbingQuestion, ProbingTruth, probing_task, run_from_layers
from benchmark.learning.controls import Mixed, with_controls
from benchmark.subjects import Saved
from tasks.models.informative_dimensions.network import USED, answers
from tasks.models.informative_dimensions.plant import CLASSES, NAMES, Plant, Sample
from tasks.models.informative_dimensions.subject import InformativeDimensions


@probing_task(
    cites="arXiv:1909.03368",
    subject="informative_dimensions",
    primary="test_accuracy",
    controls=("majority",),
    metrics=(
        "test_accuracy",
        "selectivity",
        "control_accuracy",
        "dimension_precision",
        "dimension_recall",
        "subspace_angle",
        "interchange_accuracy",
        "erasure_gap",
    ),
    variants={"aligned": {}, "rotated": {"basis": "rotated"}, "untrained": {"training": "none"}},
    unranked=("untrained",),
    small={"variants": ("aligned",)},
)
@dataclass(frozen=True, kw_only=True)
class InformativeDimensionsTask:
    """Find concepts planted in known dimensions: used by the network, ignored by it, or written as an exclusive or."""

    pairs: int = 200
    """Pairs of test inputs per used concept between which its value is exchanged."""

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
        )

    def truth(self, saved: Saved) -> ProbingTruth:
        """Test labels, planted subspaces, and pairs of inputs whose concepts are to be exchanged."""
        mixed, plant, test = _rebuild(saved)
        positions = [mixed.position(concept) for concept in range(len(NAMES))]
        planted = plant.subspaces()
        subspaces = planted.new_zeros(len(mixed.classes), *planted.shape[1:])
        subspaces[positions] = planted
        return ProbingTruth(
            names=tuple(NAMES[i] if i < len(NAMES) else f"control {i - len(NAMES) + 1}" for i in mixed.order),
            labels=mixed.test.to(saved.device),
            control_of=mixed.control_of,
            subspaces=subspaces.to(saved.device),
            interchange=self._interchange(test, positions, saved),
            erased=tuple(positions),
            groups={name: (position,) for name, position in zip(NAMES, positions, strict=True)},
        )

    def _interchange(self, test: Sample, positions: Sequence[int], saved: Saved) -> Interchange:
        """Random pairs that differ in every concept: exchanging one must change its answer and leave the other."""
        draw = saved.generator("pairs")
        candidates = torch.randint(len(test.labels), (20 * self.pairs, 2), generator=draw)
        base, source = candidates[(test.labels[candidates[:, 0]] != test.labels[candidates[:, 1]]).all(1)][
            : self.pairs
        ].T
        read = test.labels[:, [concept for _, concept, _ in USED]]
        expected, concepts = [], []
        for _, concept, column in USED:
            wanted = read[base].clone()
            wanted[:, column] = read[source, column]
            expected.append(wanted)
            concepts.append(torch.full((len(base),), positions[concept]))
        right = torch.cat(expected).to(saved.device)
        device, copies = saved.device, len(USED)
        return Interchange(
            concept=torch.cat(concepts).to(device),
            base=base.repeat(copies).to(device),
            source=source.repeat(copies).to(device),
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
