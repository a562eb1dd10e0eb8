"""The account of a step: what is counted is what is done, and all of its seconds are somewhere."""

import json

import floor
import pytest
import torch
import torch.nn.functional as F
from tiny_clip import tiny_config


def counted(work):
    with floor.Counted() as found:
        work()
    return sum(floor.arithmetic(key) * count for key, count in found.found.items()), found


@pytest.mark.parametrize(
    ("work", "flops"),
    [
        (lambda: torch.randn(3, 4) @ torch.randn(4, 5), 2 * 3 * 4 * 5),
        (lambda: F.linear(torch.randn(2, 3, 4), torch.randn(5, 4), torch.randn(5)), 2 * 6 * 4 * 5),
        (lambda: torch.randn(2, 3, 4) @ torch.randn(2, 4, 5), 2 * 2 * 3 * 4 * 5),
        (lambda: F.conv2d(torch.randn(2, 3, 8, 8), torch.randn(6, 3, 4, 4), stride=4), 2 * 2 * 4 * 6 * 3 * 16),
    ],
)
def test_products_are_counted_with_two_operations_for_each_multiplication(work, flops):
    assert counted(work)[0] == flops


def test_backward_counts_too_and_fused_attention_is_two_products_and_five():
    weight = torch.randn(4, 5, requires_grad=True)
    assert counted(lambda: (torch.randn(3, 4) @ weight).sum().backward())[0] == 2 * (2 * 3 * 4 * 5)
    q, k, v = (torch.randn(1, 2, 16, 8, requires_grad=True) for _ in range(3))
    once = 2 * 2 * 16 * 16 * 8
    found = counted(lambda: F.scaled_dot_product_attention(q, k, v).sum().backward())[0]
    assert found == 7 * once


def test_the_same_product_twice_is_one_to_time_and_holds_no_memory():
    a, b = torch.randn(3, 4), torch.randn(4, 5)
    _, found = counted(lambda: (a @ b, a @ b, a @ b[:, :2]))
    assert sorted(found.found.values()) == [1, 2]
    assert {value.device.type for _, args, _ in found.calls.values() for value in args} == {"meta"}


def test_a_record_and_a_plot_in_which_the_seconds_of_a_step_add_up(tmp_path, capsys):
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config()))
    given = ["--model", str(tmp_path / "tiny.json"), "--classes", "4", "--repeats", "1", "--tries", "1"]
    assert floor.main([*given, "--methods", "coop", "dapt", "--out", str(tmp_path / "floor.json")]) == 0
    record = json.loads((tmp_path / "floor.json").read_text())
    assert [(row["method"], row["phase"]) for row in record["rows"]] == [
        ("coop", "step"), ("coop", "evaluation"), ("dapt", "step"),
    ]  # fmt: skip
    for row in record["rows"]:
        assert sum(row["profiled"].values()) == pytest.approx(row["taken_seconds"], rel=0.05)
        assert 0 < row["floor_seconds"] and row["gflop"] > 0
    assert 0 < (tmp_path / "floor.png").stat().st_size < 200_000
    assert "GFLOP/s" in capsys.readouterr().out
