"""A pretend accelerator: a device for torch, "pretend", that keeps its numbers on the CPU and computes there.

What no CPU shows, it shows on any machine: an operation on tensors of several devices is refused, as any accelerator
does, and each wait for the device is counted: `.item()`, `.cpu()`, a result whose size its numbers decide, a copy to it
that is not `non_blocking`. Outside of the `pretend` fixture it is there but not available, like a GPU without a driver.
"""

import contextlib
import os
from collections import Counter
from functools import partial

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

NAME = "pretend"
WAITS = {"_local_scalar_dense", "item", "is_nonzero", "equal", "allclose", "nonzero", "masked_select", "bincount",
         "repeat_interleave", "_unique", "_unique2", "unique_dim", "unique_consecutive"}  # fmt: skip
BY_MASK = {"index", "index_put", "index_put_", "_index_put_impl_"}  # wait where an index is a mask
# Else torch would call copy_ past the class, and make the others by resizing what it has made empty.
WHOLE = ["copy_", "arange", "arange.start", "arange.start_step", "eye", "eye.m", "linspace", "randperm"]
waits: Counter = Counter()  # name of an operation -> how often it has waited for the device


class Pretend(torch.Tensor):
    """A tensor on the device.   held: its numbers, on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor):
        about = {"strides": held.stride(), "storage_offset": held.storage_offset(), "dtype": held.dtype}
        with torch.inference_mode(held.is_inference()):  # in this mode, too, what a tensor of another is seen as is one
            return torch.Tensor._make_wrapper_subclass(cls, held.shape, device=f"{NAME}:0", **about)

    def __init__(self, held: torch.Tensor):
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return carry_out(operation, *args, **(kwargs or {}))

    def tolist(self) -> list:
        return self.cpu().tolist()

    def numpy(self, **_):
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy: use Tensor.cpu() first")

    def __repr__(self, **_) -> str:
        return f"Pretend({self.held!r})"


def carry_out(operation, *args, **kwargs):
    """Does it on the CPU with what the tensors hold; what comes of it is on the device."""
    name = operation.overloadpacket.__name__
    leaves = tree_leaves((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    mine = {id(one.held): one for one in tensors if isinstance(one, Pretend)}
    to = next((leaf for leaf in leaves if isinstance(leaf, torch.device)), torch.device(NAME))  # where it was asked for
    if name in ("copy_", "_to_copy", "to"):
        here = isinstance(args[0], Pretend)
        if to.type == "cpu" or not here:
            waits["a copy to the CPU"] += 1
        elif name == "copy_" and not isinstance(args[1], Pretend) and args[1].numel() > 1:
            waits["a copy to the device"] += not (kwargs.get("non_blocking") or args[2:3] == (True,))
    elif len(mine) < len(tensors) and (others := [one for one in tensors if not isinstance(one, Pretend) and one.ndim]):
        shape, device = tuple(others[0].shape), others[0].device  # a scalar may be on the CPU, as for CUDA
        raise RuntimeError(f"{operation} was given a tensor {shape} on {device} and one on {NAME}")
    if name in WAITS or (name in BY_MASK and any(one.dtype in (torch.bool, torch.uint8) for one in tensors[1:])):
        waits[name] += 1
    found = operation(
        *tree_map_only((Pretend, torch.device), _on_the_cpu, args),
        **{key: tree_map_only((Pretend, torch.device), _on_the_cpu, value) for key, value in kwargs.items()},
    )
    if to.type == "cpu":
        return found
    for one in mine.values():
        assert one.shape == one.held.shape or name.endswith("squeeze_"), f"{operation}: a shape changed in place"
    return tree_map_only(torch.Tensor, lambda one: mine[id(one)] if id(one) in mine else Pretend(one), found)


def _on_the_cpu(given):
    return torch.device("cpu") if isinstance(given, torch.device) else given.held


def _register() -> bool:
    """Whether torch has the device now. Before anything is differentiated: torch counts its devices but once."""
    try:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend as setup
    except ImportError:  # a torch that takes no backends in Python
        return False
    a_real_one = torch.accelerator.is_available()  # which the tests then use in its place
    if a_real_one or os.environ.get("LESSONS_NO_PRETEND"):
        return False
    setup(NAME, backend_module=_Module())
    keep.append(torch.library.Library("_", "IMPL"))
    keep[-1].fallback(carry_out, "PrivateUse1")
    keep.append(torch.library.Library("aten", "IMPL"))
    for name in WHOLE:
        packet, _, overload = name.partition(".")
        operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
        keep[-1].impl(name, partial(carry_out, operation), "PrivateUse1")
    return True


class _Module:
    """`torch.pretend`, what torch asks a device's module for. Its generator is the CPU's."""

    available = False

    def is_available(self) -> bool:
        return self.available

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return int(self.available)

    def current_device(self) -> int:
        return 0

    def device(self, _):
        return contextlib.nullcontext()

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed(self, seed: int) -> None:
        pass

    manual_seed_all = manual_seed

    def get_rng_state(self, device=None) -> torch.Tensor:
        return torch.zeros(0, dtype=torch.uint8)

    def set_rng_state(self, state, device=None) -> None:
        pass


keep: list = []  # libraries undo what they registered when nothing refers to them
registered = _register()
