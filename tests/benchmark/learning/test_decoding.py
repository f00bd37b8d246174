"""What codes write: least squares, the same whatever order the sums are made in."""

from __future__ import annotations

import torch

from benchmark.learning.decoding import written


def test_what_codes_write_is_found_by_least_squares():
    generator = torch.Generator().manual_seed(0)
    codes = torch.rand(300, 4, generator=generator).sub(0.5).relu()
    codes[:, 3] = 0
    atoms, bias = torch.randn(4, 5, generator=generator), torch.randn(5, generator=generator)
    found, rest = written(codes, codes @ atoms + bias)
    torch.testing.assert_close(found[:3], atoms[:3], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(rest, bias, atol=1e-3, rtol=1e-3)
    assert not found[3].any()


def test_codes_that_are_always_on_together_do_not_let_rounding_decide():
    generator = torch.Generator().manual_seed(0)
    codes = (torch.rand(20000, 12, generator=generator) < 0.4).float()
    codes[:, :3] = 1
    rows = codes @ torch.randn(12, 8, generator=generator) + torch.randn(20000, 8, generator=generator)
    order = torch.randperm(len(rows), generator=generator)
    found, again = written(codes, rows), written(codes[order], rows[order])
    torch.testing.assert_close(found, again, atol=1e-6, rtol=1e-6)
