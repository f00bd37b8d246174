"""Our optimiser takes the steps of torch's."""

import torch

from benchmark.learning.adam import Adam


def one_after_the_other(work, count):
    for number in reversed(range(count)):
        work(number)


def test_steps_are_those_of_torch_and_unit_rows_stay_unit():
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(2, 11, 5, generator=generator), torch.randn(2, 7, generator=generator)]
    start.append(torch.nn.functional.normalize(torch.randn(2, 11, 5, generator=generator), dim=-1))
    ours, theirs = ([tensor.clone() for tensor in start] for _ in range(2))
    adam, reference = Adam(ours, unit=[False, False, True]), torch.optim.Adam(theirs)
    for step in range(30):
        learning_rate = 0.02 / (1 + step)
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=generator) * 10.0 ** (step % 3 - 2)
            other.grad = mine.grad.clone()
        adam.step(learning_rate, one_after_the_other, 1 + step % 5)
        reference.param_groups[0]["lr"] = learning_rate
        reference.step()
        theirs[2].div_(theirs[2].norm(dim=-1, keepdim=True))
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours[2].norm(dim=-1), torch.ones(2, 11))
    assert not torch.allclose(ours[0], start[0], atol=1e-2)


def test_a_nan_stays_one():
    tensor = torch.ones(1, 3, 4)
    tensor.grad = torch.full_like(tensor, torch.nan)
    Adam([tensor], unit=[True]).step(0.1, one_after_the_other, 2)
    assert torch.isnan(tensor).all()
