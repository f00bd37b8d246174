"""Guards against the silent failures of Captum.

Captum rewrites what non-linear modules do in the backward pass (DeepLift, guided backpropagation, deconvolution). Where
it cannot, it does not say so: a `torch.relu`, a GELU or a product of two activations is treated as if it were linear.
So the guards look at what the model really computes: the autograd graph of its output with respect to its input,
weights held constant. Every operation there is affine, or it is the work of a module that Captum rewrites, or the
method does not apply.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion

AFFINE = frozenset(
    {
        "AccumulateGrad",
        "AdaptiveAvgPool2D",
        "Add",
        "Addmm",
        "Alias",
        "AsStrided",
        "AvgPool2D",
        "Bmm",
        "Cat",
        "Clone",
        "ConstantPadNd",
        "Convolution",
        "CudnnBatchNorm",
        "CudnnConvolution",
        "Div",
        "Expand",
        "Flatten",
        "IndexSelect",
        "Mean",
        "MkldnnConvolution",
        "Mm",
        "Mul",
        "Mv",
        "NativeBatchNorm",
        "Neg",
        "Permute",
        "ReflectionPad2D",
        "Repeat",
        "Reshape",
        "ReshapeAlias",
        "Select",
        "Slice",
        "Split",
        "Squeeze",
        "Stack",
        "Sub",
        "Sum",
        "T",
        "ToCopy",
        "Transpose",
        "UnsafeView",
        "Unsqueeze",
        "View",
    }
)
"""Operations that are affine in their input as long as only one operand depends on it (batch norm in eval mode is)."""

RELU: Mapping[str, tuple[type[nn.Module], ...]] = {"Relu": (nn.ReLU,)}
"""Operations whose backward pass guided backpropagation and deconvolution rewrite, with the modules they belong to."""

MAX_POOLING: Mapping[str, tuple[type[nn.Module], ...]] = {
    "MaxPool2DWithIndices": (nn.MaxPool1d, nn.MaxPool2d),
    "MaxPool3DWithIndices": (nn.MaxPool3d,),
}

RESCALED: Mapping[str, tuple[type[nn.Module], ...]] = {
    **RELU,
    **MAX_POOLING,
    "Elu": (nn.ELU,),
    "LeakyRelu": (nn.LeakyReLU,),
    "Sigmoid": (nn.Sigmoid,),
    "Tanh": (nn.Tanh,),
    "Softplus": (nn.Softplus,),
}
"""Operations to which DeepLift applies its rescale rule (softmax is left out: Captum's rule for it is a known defect,
#519)."""


PRODUCTS = frozenset({"Mul", "Mm", "Bmm", "Addmm", "Mv", "Div", "Convolution"})
"""Operations that are not affine when they join two activations; a sum is."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Captum's notices that it sets hooks and that it needs gradients of the inputs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*(Setting (forward, )?backward|Input Tensor \d+ did not already)")
        yield


def require_rewritable(
    question: AttributionQuestion, rules: Mapping[str, tuple[type[nn.Module], ...]], method: str
) -> None:
    """Check that each non-affine operation of the model is the work of a module that `method` rewrites, used once.

    Args:
        question: what the method was given.
        rules: operation (the autograd node's name without "Backward0") to the module types whose work it may be.
        method: its name, for the message.

    Raises:
        Unsupported: naming the operations that the method would silently treat as linear.
    """
    calls: Counter[nn.Module] = Counter()
    handles = [
        module.register_forward_hook(lambda module, *_: calls.update([module]))
        for module in question.model.modules()
        if isinstance(module, tuple({kind for kinds in rules.values() for kind in kinds}))
    ]
    try:
        constants = {name: value.detach() for name, value in question.model.named_parameters()}
        point = question.inputs[:1].detach().clone().requires_grad_()
        with torch.enable_grad():
            output = torch.func.functional_call(question.model, constants, (point,))
    finally:
        for handle in handles:
            handle.remove()
    if reused := sorted({type(module).__name__ for module, count in calls.items() if count > 1}):
        raise Unsupported(f"{method} needs every activation as a module of its own; used twice: {', '.join(reused)}")
    if output.grad_fn is None:
        raise Unsupported(f"{method} needs a gradient, and the model's output has none (is it detached?)")
    found, joining = operations(output)
    if products := joining & PRODUCTS:
        raise Unsupported(f"{method} would treat products of activations as linear: {', '.join(sorted(products))}")
    for operation, count in sorted(found.items()):
        if operation in AFFINE:
            continue
        owners = rules.get(operation, ())
        modules = sum(type(module) in owners for module in calls)
        if not owners:
            raise Unsupported(f"{method} would treat {operation} as linear; it knows {', '.join(sorted(rules))}")
        if modules < count:
            raise Unsupported(
                f"{method} sees modules only: {count} operations {operation}, of which {modules} are the work of"
                f" {' or '.join(f'nn.{owner.__name__}' for owner in owners)}; make each activation a module"
            )


def operations(output: Tensor) -> tuple[Counter[str], set[str]]:
    """Walk the autograd graph of `output`: how often each operation occurs, and which ones join two activations."""
    found: Counter[str] = Counter()
    joining: set[str] = set()
    seen, waiting = set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name = node.name().split("::")[-1].split("Backward")[0]
        operands = [operand for operand, _ in node.next_functions if operand is not None]
        found[name] += 1
        if len(operands) > 1:
            joining.add(name)
        waiting.extend(operands)
    return found, joining
