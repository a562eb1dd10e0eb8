"""Where the computation runs, and in which precision: decided here and nowhere else.

Parameters are always float32. A lower precision means autocast: matrix products run in bfloat16 or float16, the rest
stays in float32.
"""

from contextlib import AbstractContextManager, nullcontext

import torch

from lessons_lib.suggest import nearest

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}  # name -> autocast's dtype


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to use: "auto" (the first of CUDA, MPS and CPU that exists), "cpu", "cuda", "cuda:1", "mps".

    Raises ValueError when a device was asked for that this machine, or this build of torch, does not have.
    """
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    kind, _, index = str(device).partition(":")
    if kind not in DEVICES or (index and not index.isdigit()):
        raise ValueError(f"unknown device {str(device)!r}: use one of {DEVICES}, or 'cuda:1'. {nearest(kind, DEVICES)}")
    if kind == "mps" and not _has_mps():
        raise ValueError(f"device={str(device)!r} was asked for, but this machine has no Apple GPU. {_INSTEAD}")
    if kind == "cuda" and not torch.cuda.is_available():
        build = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "is built without CUDA"
        raise ValueError(
            f"device={str(device)!r} was asked for, but torch finds no CUDA GPU here "
            f"(torch {torch.__version__} {build}; a GPU also needs its driver). {_INSTEAD}"
        )
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ValueError(f"device={str(device)!r} was asked for, but there are {count} CUDA GPUs, numbered from 0.")
    return torch.device(device)


_INSTEAD = "Use device='auto' or device='cpu'."


def resolve_precision(precision: str = "auto", device: str | torch.device = "cpu") -> torch.dtype | None:
    """The dtype that autocast uses on `device`; None means plain float32.

    "auto" is bf16 on a CUDA GPU that computes in it (fp16 on an older one with tensor cores), else fp32.
    Raises ValueError for an unknown precision, or one that the device cannot compute in.
    """
    device = torch.device(device)
    if precision == "auto":
        if device.type != "cuda":
            return None
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        return torch.float16 if torch.cuda.get_device_capability(device) >= (7, 0) else None
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: use 'auto', {', '.join(map(repr, PRECISIONS))}.")
    if precision == "fp16" and device.type == "cpu":
        raise ValueError("precision='fp16' is for GPUs: on a CPU use 'fp32' (exact) or 'bf16'.")
    return PRECISIONS[precision]


def training_dtype(device: str | torch.device = "cpu") -> torch.dtype | None:
    """What a long training runs in: bf16 or fp16 on a GPU as `resolve_precision` has it, bf16 on a CPU that has it in
    hardware, else plain float32 (None). A CPU without emulates bf16, some twenty times slower than float32.
    """
    if torch.device(device).type != "cpu":
        return resolve_precision("auto", device)
    in_hardware = (getattr(torch.cpu, f"_is_{what}_supported", bool) for what in ("amx_tile", "avx512_bf16"))
    return torch.bfloat16 if any(supported() for supported in in_hardware) else None


def precision_name(dtype: torch.dtype | None) -> str:
    """ "fp32", "bf16" or "fp16": the name of what `resolve_precision` returned."""
    return next(name for name, candidate in PRECISIONS.items() if candidate == dtype)


def autocast(device: str | torch.device, precision: str | torch.dtype | None) -> AbstractContextManager:
    """The context to compute in: autocast to `precision` (a name or a dtype), or nothing for fp32."""
    device = torch.device(device)
    dtype = resolve_precision(precision, device) if isinstance(precision, str) else precision
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
