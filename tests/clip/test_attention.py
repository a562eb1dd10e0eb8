"""Attention: with many rows a CPU's fused form, with few the plain one, and both are the published sum."""

import pytest
import torch

from lessons_lib.clip import blocks


def published(q, k, v, causal):
    """softmax(q kᵀ / √e) v, a row at a time, each over what it may look at."""
    out = torch.zeros(*q.shape[:-1], v.shape[-1])
    for i in range(q.shape[-2]):
        seen = i + 1 if causal else k.shape[-2]
        scores = torch.einsum("nhe,nhle->nhl", q[:, :, i], k[:, :, :seen]) / q.shape[-1] ** 0.5
        out[:, :, i] = torch.einsum("nhl,nhle->nhe", scores.softmax(dim=-1), v[:, :, :seen])
    return out


@pytest.mark.parametrize("rows", [5, blocks.FUSED_FROM - 1, blocks.FUSED_FROM, 150])
@pytest.mark.parametrize("causal", [False, True])
def test_values_and_gradients_are_those_of_the_published_sum(rows, causal):
    assert blocks.fuses(torch.device("cpu"), rows) == (rows >= blocks.FUSED_FROM)
    torch.manual_seed(rows)
    given = [torch.randn(2, 3, rows, 8, requires_grad=True) for _ in range(3)]
    weights = torch.randn(2, 3, rows, 8)
    found, wanted = blocks.attend(*given, causal=causal), published(*given, causal)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    for one, other in zip(
        torch.autograd.grad((found * weights).sum(), given), torch.autograd.grad((wanted * weights).sum(), given)
    ):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


def test_fewer_queries_than_keys_look_at_all_of_them():
    q, k, v = torch.randn(1, 2, 3, 8), torch.randn(1, 2, 140, 8), torch.randn(1, 2, 140, 8)
    torch.testing.assert_close(blocks.attend(q, k, v), published(q, k, v, False), atol=1e-5, rtol=1e-5)
