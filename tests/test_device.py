"""Device and precision are decided in one place, and refuse what the machine does not have."""

import re
from pathlib import Path

import pytest
import torch

from lessons_lib import device
from lessons_lib.device import (
    accelerator,
    all_of,
    autocast,
    drawing,
    kind_of_gpus,
    precision_name,
    resolve_device,
    resolve_precision,
    training_dtype,
)

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)


@pytest.fixture
def one_gpu(monkeypatch):
    gpus(monkeypatch, "cuda", 1)


def gpus(monkeypatch, kind: str, count: int) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda *_: torch.device(kind))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)


def test_auto_is_the_cpu_in_float32_without_a_gpu(no_gpu):
    assert resolve_device("auto") == torch.device("cpu")
    assert resolve_precision("auto", "cpu") is None


def test_auto_takes_the_gpu_that_is_there(one_gpu):
    assert resolve_device("auto") == torch.device("cuda")
    assert resolve_device("cuda:0") == torch.device("cuda:0")


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
def test_whatever_accelerator_torch_has_is_taken_alike(monkeypatch, kind):
    gpus(monkeypatch, kind, 2)
    assert resolve_device("auto") == resolve_device(kind) == accelerator() == torch.device(kind)
    assert all_of("auto") == [f"{kind}:0", f"{kind}:1"] and all_of(f"{kind}:1") == [f"{kind}:1"]
    assert all_of("cpu") == ["cpu"] and kind_of_gpus() == kind
    for other in {"cuda", "mps", "xpu"} - {kind}:
        with pytest.raises(ValueError, match=f"device='{other}' was asked for.* is built for {kind}"):
            resolve_device(other)


def test_the_library_names_no_accelerator_but_in_one_file():
    """Nor do the scripts, but the benchmark of that one."""
    named = [
        str(path.relative_to(ROOT))
        for folder in ("lessons_lib", "data_scripts", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"torch\.(cuda|mps|xpu)\b|[\"'](cuda|mps|xpu)\b", path.read_text(encoding="utf-8"))
    ]
    assert sorted(named) == ["benchmarks/on_cuda.py", "lessons_lib/device.py"]


@pytest.mark.parametrize(
    ("bf16", "capability", "expected"), [(True, (9, 0), "bf16"), (False, (7, 5), "fp16"), (False, (6, 1), "fp32")]
)
def test_auto_precision_follows_what_the_gpu_computes_in(one_gpu, monkeypatch, bf16, capability, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
    assert precision_name(resolve_precision("auto", "cuda")) == expected


def test_a_gpu_that_is_not_there_is_refused_with_what_to_do(no_gpu):
    with pytest.raises(ValueError, match=r"device='cuda' was asked for, but torch finds no CUDA GPU .* device='cpu'"):
        resolve_device("cuda")
    with pytest.raises(ValueError, match="no Apple GPU"):
        resolve_device("mps")
    assert all_of("auto") == ["cpu"]


def test_a_gpu_number_that_is_not_there_is_refused(one_gpu):
    with pytest.raises(ValueError, match="device='cuda:3' was asked for, but there are 1 of them, numbered from 0"):
        resolve_device("cuda:3")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cdua", "tpu"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(ValueError, match=f"unknown device '{name}': use one of"):
        resolve_device(name)


def test_an_unknown_or_unfit_precision_is_refused():
    with pytest.raises(ValueError, match="unknown precision 'float16': use 'auto', 'fp32', 'bf16', 'fp16'"):
        resolve_precision("float16", "cpu")
    with pytest.raises(ValueError, match="precision='fp16' is for GPUs"):
        resolve_precision("fp16", "cpu")


def test_autocast_computes_in_the_precision_that_was_asked_for():
    a = torch.randn(4, 4)
    with autocast("cpu", "bf16"):
        assert (a @ a).dtype == torch.bfloat16
    with autocast("cpu", "fp32"):
        assert (a @ a).dtype == torch.float32


@pytest.mark.parametrize(
    ("has", "gain", "dtype"),
    [
        ((), 9.0, None),
        (("amx_tile",), 3.5, torch.bfloat16),
        (("avx512_bf16",), 0.5, None),
        (("avx512_bf16",), 1.9, torch.bfloat16),
    ],
)
def test_a_cpu_trains_in_bf16_only_where_its_hardware_is_faster_in_it(has, gain, dtype, monkeypatch):
    for what in ("amx_tile", "avx512_bf16"):
        monkeypatch.setattr(torch.cpu, f"_is_{what}_supported", lambda what=what: what in has, raising=False)
    monkeypatch.setattr(device, "bf16_gain", lambda: gain)
    assert training_dtype("cpu") == dtype


def test_the_gain_of_bf16_is_measured_on_this_processor_once():
    device.bf16_gain.cache_clear()
    assert 0.001 < device.bf16_gain() < 100 and device.bf16_gain() == device.bf16_gain()


def test_what_is_drawn_depends_on_the_number_alone_and_leaves_the_generator_as_it_was():
    before = torch.get_rng_state()
    found = []
    for _ in range(2):
        with drawing(7, torch.device("cpu")):
            found.append(torch.rand(3))
        torch.rand(5)
    assert torch.equal(*found)
    torch.set_rng_state(before)
    with drawing(7, torch.device("cpu")):
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
