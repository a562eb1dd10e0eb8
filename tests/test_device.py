"""Device and precision are decided in one place, and refuse what the machine does not have."""

import pytest
import torch

from lessons_lib.device import autocast, precision_name, resolve_device, resolve_precision, training_dtype


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def one_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def test_auto_is_the_cpu_in_float32_without_a_gpu(no_gpu):
    assert resolve_device("auto") == torch.device("cpu")
    assert resolve_precision("auto", "cpu") is None


def test_auto_takes_the_gpu_that_is_there(one_gpu):
    assert resolve_device("auto") == torch.device("cuda")
    assert resolve_device("cuda:0") == torch.device("cuda:0")


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


def test_a_gpu_number_that_is_not_there_is_refused(one_gpu):
    with pytest.raises(ValueError, match="device='cuda:3' was asked for, but there are 1 CUDA GPUs"):
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


@pytest.mark.parametrize("has", [(), ("amx_tile",), ("avx512_bf16",)])
def test_a_cpu_trains_in_bf16_only_where_its_hardware_has_it(has, monkeypatch):
    for what in ("amx_tile", "avx512_bf16"):
        monkeypatch.setattr(torch.cpu, f"_is_{what}_supported", lambda what=what: what in has, raising=False)
    assert training_dtype("cpu") == (torch.bfloat16 if has else None)
