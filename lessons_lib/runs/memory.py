"""What a piece of work cost in memory."""

import ctypes
import gc
from pathlib import Path

import torch

from lessons_lib.device import peak_bytes


class PeakMemory:
    """The most memory, above what was held before, that was held within a `with`: MiB, or NaN where unknown.

    On a CPU it is told on Linux alone.
    """

    def __init__(self, device: torch.device):
        self.device, self.mib = device, float("nan")

    def __enter__(self) -> "PeakMemory":
        gc.collect()  # or what is freed meanwhile would hide what is taken
        self.of_device = peak_bytes(self.device)
        if self.device.type == "cpu":
            give_back_freed_memory()
            try:
                Path("/proc/self/clear_refs").write_text("5")  # Linux: starts the peak anew
                self.before = _status_kib("VmRSS")
            except OSError:
                self.before = None
        return self

    def __exit__(self, *_) -> None:
        if self.of_device is not None:
            before, most = self.of_device
            self.mib = (most() - before) / 2**20
        elif self.device.type == "cpu" and self.before is not None:
            self.mib = max(0.0, (_status_kib("VmHWM") - self.before) / 2**10)


def give_back_freed_memory() -> None:
    """What has been freed goes back to the system, where the C library can (glibc); else it would be room for what
    comes, and not seen to be taken."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass


def _status_kib(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
