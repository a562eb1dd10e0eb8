"""Where the computation runs, and in which precision: decided here and nowhere else.

A GPU of any kind is found through `torch.accelerator` (CUDA and ROCm, MPS, XPU, whatever a backend adds); nothing else
in the library names one. Parameters are always float32. A lower precision means autocast: matrix products run in
bfloat16 or float16, the rest stays in float32.
"""

import contextlib
import functools
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

import torch

from lessons_lib.suggest import nearest

DEVICES = {"auto": "", "cpu": "CPU", "cuda": "CUDA GPU", "mps": "Apple GPU", "xpu": "Intel GPU"}  # and what they are
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}  # name -> autocast's dtype
_INSTEAD = "Use device='auto' or device='cpu'."


def accelerator() -> torch.device | None:
    """This machine's, of whatever kind; None where torch finds none that works."""
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to use: "auto" (the accelerator where there is one, else the CPU), "cpu", an accelerator's kind
    ("cuda", ROCm's too, "mps", "xpu"), or one of several, such as "cuda:1".

    Raises ValueError when a device was asked for that this machine, or this build of torch, does not have.
    """
    here, built_for = accelerator(), torch.accelerator.current_accelerator()
    if str(device) == "auto":
        return here or torch.device("cpu")
    kind, _, index = str(device).partition(":")
    known = (*DEVICES, *({built_for.type} - DEVICES.keys() if built_for else ()))
    if kind not in known or (index and not index.isdigit()):
        raise ValueError(f"unknown device {str(device)!r}: use one of {known}, or 'cuda:1'. {nearest(kind, known)}")
    if kind != "cpu" and (here is None or here.type != kind):
        build = f"is built for {built_for.type}" if built_for else "is built for the CPU alone"
        raise ValueError(
            f"device={str(device)!r} was asked for, but torch finds no {DEVICES.get(kind, kind)} here "
            f"(torch {torch.__version__} {build}; a GPU also needs its driver). {_INSTEAD}"
        )
    if kind != "cpu" and index and int(index) >= (count := torch.accelerator.device_count()):
        raise ValueError(f"device={str(device)!r} was asked for, but there are {count} of them, numbered from 0.")
    return torch.device(device)


def all_of(device: str | torch.device) -> list[str]:
    """The devices that processes take in turn: the one that was named, or every accelerator where no number was."""
    target = resolve_device(device)
    if target.type == "cpu" or target.index is not None:
        return [str(target)]
    return [f"{target.type}:{i}" for i in range(torch.accelerator.device_count())]


def kind_of_gpus() -> str:
    """What the GPUs of other machines are called, where this one has the same build of torch."""
    built_for = torch.accelerator.current_accelerator()
    return "cuda" if built_for is None else built_for.type


# --- precision


def check_precision(precision: str) -> None:
    """Raises ValueError for a name that does not exist."""
    if precision != "auto" and precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: use 'auto', {', '.join(map(repr, PRECISIONS))}.")


def resolve_precision(precision: str = "auto", device: str | torch.device = "cpu") -> torch.dtype | None:
    """The dtype that autocast uses on `device`; None means plain float32.

    "auto" is bf16 on a CUDA or Intel GPU that computes in it (fp16 on an older one with tensor cores), else fp32.
    Raises ValueError for an unknown precision, or one that the device cannot compute in.
    """
    device = torch.device(device)
    check_precision(precision)
    if precision == "auto":
        if device.type == "xpu":
            return torch.bfloat16 if torch.xpu.is_bf16_supported() else None
        if device.type != "cuda":
            return None
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        return torch.float16 if torch.cuda.get_device_capability(device) >= (7, 0) else None
    if precision == "fp16" and device.type == "cpu":
        raise ValueError("precision='fp16' is for GPUs: on a CPU use 'fp32' (exact) or 'bf16'.")
    return PRECISIONS[precision]


def training_dtype(device: str | torch.device = "cpu") -> torch.dtype | None:
    """What a long training runs in: bf16 or fp16 on a GPU as `resolve_precision` has it; on a CPU bf16 where its
    products are faster than float32's, else plain float32 (None).
    """
    if torch.device(device).type != "cpu":
        return resolve_precision("auto", device)
    in_hardware = (getattr(torch.cpu, f"_is_{what}_supported", bool) for what in ("amx_tile", "avx512_bf16"))
    return torch.bfloat16 if any(supported() for supported in in_hardware) and bf16_gain() > 1.3 else None


@functools.cache
def bf16_gain() -> float:
    """How many times as fast as in float32 this CPU multiplies in bf16: measured, since having the instructions says
    little. It is 3 to 4 with AMX and 0.5 on a processor with AVX512-BF16 alone; where bf16 is emulated, 0.05.
    """
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        rows, weight = torch.ones(1024, 384, dtype=dtype), torch.ones(384, 1536, dtype=dtype)
        tries = []
        for _ in range(6):
            start = time.process_time()
            rows @ weight
            tries.append(time.process_time() - start)
        seconds[dtype] = min(tries)
    return seconds[torch.float32] / seconds[torch.bfloat16]


def precision_name(dtype: torch.dtype | None) -> str:
    """ "fp32", "bf16" or "fp16": the name of what `resolve_precision` returned."""
    return next(name for name, candidate in PRECISIONS.items() if candidate == dtype)


def autocast(device: str | torch.device, precision: str | torch.dtype | None) -> AbstractContextManager:
    """The context to compute in: autocast to `precision` (a name or a dtype), or nothing for fp32."""
    device = torch.device(device)
    dtype = resolve_precision(precision, device) if isinstance(precision, str) else precision
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


# --- what a device has


def at_once(device: torch.device) -> int:
    """How many images or texts pass through a tower together: on a CPU more would leave its caches."""
    return 32 if device.type == "cpu" else 256


def pins(device: str | torch.device) -> bool:
    """Whether copies from pinned memory run beside the computation."""
    return torch.device(device).type in ("cuda", "xpu")


def layout(device: str | torch.device) -> torch.memory_format:
    """Of the weights of convolutions: channels last where the matrix units take them so."""
    return torch.channels_last if torch.device(device).type in ("cuda", "xpu") else torch.preserve_format


def module_of(device: str | torch.device) -> ModuleType | None:
    """Torch's module for this kind of device, such as `torch.mps`; None for the CPU."""
    return None if torch.device(device).type == "cpu" else torch.get_device_module(torch.device(device))


def name_of(device: str | torch.device) -> str:
    """The accelerator's own name, such as "NVIDIA A100-SXM4-40GB", or of its kind where it does not say."""
    told = getattr(module_of(device), "get_device_name", None)
    kind = torch.device(device).type
    return told(torch.device(device)) if told else DEVICES.get(kind, kind)


def free_and_total(device: str | torch.device) -> tuple[int, int] | None:
    """Bytes of an accelerator's own memory; None where torch does not know."""
    told = getattr(module_of(device), "mem_get_info", None)
    return told(torch.device(device)) if told else None


def synchronize(device: str | torch.device) -> None:
    """Waits until an accelerator has done what it was given; for a CPU there is nothing to wait for."""
    if (module := module_of(device)) is not None:
        module.synchronize()


def peak_bytes(device: str | torch.device) -> tuple | None:
    """(bytes held now, a call that gives the most that was held since); None where torch does not count them."""
    module = module_of(device)
    if not hasattr(module, "reset_peak_memory_stats"):
        return None
    module.synchronize()
    module.reset_peak_memory_stats(torch.device(device))
    return module.memory_allocated(torch.device(device)), lambda: module.max_memory_allocated(torch.device(device))


@contextlib.contextmanager
def drawing(number: int, device: torch.device) -> Iterator[None]:
    """Torch's own generators, the CPU's and the device's, start here from a number, and go on behind as if unused."""
    module = module_of(device)
    of_device = () if module is None or device.type == "mps" else (device,)  # MPS has one generator, and no number
    before = None if module is None else module.get_rng_state(*of_device)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number)
        if module is not None:
            with module.device(device) if hasattr(module, "device") else nullcontext():
                module.manual_seed(number)
        try:
            yield
        finally:
            if module is not None:
                module.set_rng_state(before, *of_device)
