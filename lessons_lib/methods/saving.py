"""A fitted method as one safetensors file: the tensors are what it learned, the header says how to make it again.

The header holds the method's name, kind and settings, its class names where it has any, the template of the task that
it was fitted on, and the fingerprint of the CLIP it belongs to, and a digest of it all (`lessons_lib.sealed`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from torch import nn

from lessons_lib.clip.building import content_as_before
from lessons_lib.editions import weights_in_words
from lessons_lib.files import atomic_write, expanded, from_json
from lessons_lib.sealed import load as load_tensors
from lessons_lib.sealed import not_finite, to_bytes
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


def save(method: nn.Module, path: str | Path, *, replace: bool = True, half: bool = False) -> Path:
    """Writes the method whole or not at all. Returns the path.

    replace: whether a file that is there may be written over; FileExistsError otherwise.
    half: whether numbers are rounded to 16 bits. Raises ValueError where one is not finite, or too large for that.
    """
    header = {
        "method": type(method).__name__,
        "kind": method.kind,
        "settings": json.dumps(method.settings()),
        "classnames": json.dumps(method.classnames),
        "task_template": method.task_template,
        "clip_name": method.clip.name,
        "clip_fingerprint": method.clip.fingerprint,
    }
    learned = {name: tensor.detach().cpu().contiguous() for name, tensor in method.state_dict().items()}
    if broken := not_finite(learned):
        raise ValueError(f"'{broken}' holds values that are not finite numbers, so nothing is saved: fit again")
    if half:
        learned = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in learned.items()}
        if broken := not_finite(learned):
            raise ValueError(f"'{broken}' holds values that are too large for 16 bits: save it without half=True")
    return atomic_write(expanded(path), to_bytes(learned, header), replace=replace)


def load(path: str | Path, clip: "Clip", methods: Mapping[str, type[nn.Module]]) -> nn.Module:
    """The method that `save` wrote, on the same CLIP.   methods: its class by name.

    Raises FileNotFoundError where there is no file, and ValueError where it is damaged, is not a saved method, or was
    fitted on another CLIP.
    """
    path = expanded(path)
    learned, header = _read(path)
    if header["clip_fingerprint"] not in (clip.fingerprint, content_as_before(clip.model, clip.model_cfg)):
        made_for = weights_in_words(header["clip_name"], header["clip_fingerprint"])
        raise ValueError(
            f"'{path}' was fitted on another CLIP ({made_for}) than this one "
            f"({weights_in_words(clip.name, clip.fingerprint)}), where what it learned means nothing: load it on its "
            "own CLIP, or fit again"
        )
    name = header["method"]
    if name not in methods:
        raise ValueError(
            f"'{path}' holds a method named {name!r}, which does not exist here. {nearest(name, methods)}".strip()
        )
    try:
        method = methods[name](clip, **from_json(header["settings"]))
        method.task_template = header.get("task_template", method.task_template)  # older files: among the settings
        classnames = from_json(header.get("classnames", "null"))
        if classnames is not None:
            method.set_classes(classnames)
        method.load_state_dict(learned)
    except (TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"'{path}' does not fit a {name} of this version ({error}): fit again and save it anew"
        ) from error
    return method.eval()


def read_header(path: str | Path) -> dict[str, str]:
    """What a saved method's file says of it: method, kind, settings, classnames, task_template, clip_name,
    clip_fingerprint. Files written before there were other kinds than "classify" have no kind and no task_template.

    Raises FileNotFoundError where there is no file, and ValueError where it is damaged or is not a saved method.
    """
    return _read(expanded(path))[1]


def written_by_torch(path: Path) -> bool:
    """Whether a file begins as those of `torch.save` do, which our saved methods are not."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4).startswith((b"PK\3\4", b"\x80\x02\x8a"))


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """What was learned, and the header."""
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no saved method at '{path}': check the path, or fit one and call method.save"
        )
    if written_by_torch(path):
        raise ValueError(
            f"'{path}' was not written by method.save, but by torch: if it holds the prompts that CoOp's, CoCoOp's or "
            "MaPLe's authors release, load_method(path, clip, classnames) reads it, and method.save makes a file of it"
        )
    try:
        learned, header = load_tensors(path)
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(
            f"'{path}' is damaged or not a safetensors file ({error}): fit again and save it anew"
        ) from error
    missing = {"method", "settings", "clip_name", "clip_fingerprint"} - header.keys()
    if missing:
        raise ValueError(f"'{path}' was not written by method.save (it holds tensors, but no method's settings)")
    if broken := not_finite(learned):
        raise ValueError(
            f"'{path}' is damaged: '{broken}' holds values that are not finite. Fit again and save it anew"
        )
    return learned, header
