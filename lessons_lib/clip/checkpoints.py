"""Weights on disk: reading every kind of file that CLIP's weights come in, and fitting them into a model.

Only tensors are ever read: pickles with `weights_only=True`, and archives that hold more as data (`archives`). No
file's code is run. Whatever names they come under, they leave under open_clip's (`names`).
"""

import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from open_clip.convert import convert_state_dict
from open_clip.model import convert_to_custom_text_state_dict
from safetensors.torch import load_file
from torch import nn

from lessons_lib import sealed
from lessons_lib.clip import archives
from lessons_lib.clip.names import in_open_clips, what_else
from lessons_lib.files import expanded, from_json
from lessons_lib.room import out_of_memory

STATE_DICTS = ("state_dict", "model_state_dict", "model", "module")  # entries of training checkpoints, the first wins
IN_FOLDERS = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")  # integers that OpenAI's archives keep as tensors


@dataclass
class Checkpoint:
    """A file's tensors, and what is known about the model that they belong to."""

    path: Path
    tensors: dict[str, torch.Tensor]
    quick_gelu: bool | None = None  # the activation they were trained with; None: the file does not say
    preprocess_cfg: dict | None = None


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Reads state dicts (.pt, .pth, .bin, .safetensors, training checkpoints) and OpenAI's JIT archives, under
    open_clip's names, transformers', or wrapped ones such as "module.visual.proj".

    Of a folder, the weights in it are read. An `open_clip_config.json` beside them (Hugging Face's layout) says which
    activation and transform belong to them, and so does transformers' `config.json`. Raises FileNotFoundError, and
    ValueError for a file that is damaged, holds something else, or would need unsafe unpickling.
    """
    path = expanded(path)
    if path.is_dir():
        path = _in_folder(path)
    tensors = read_state_dict(path)
    try:
        checkpoint = Checkpoint(path, in_open_clips(tensors))
    except ValueError as error:
        raise ValueError(f"'{path}' {error}") from error
    if "input_resolution" in checkpoint.tensors:
        checkpoint.quick_gelu = True  # OpenAI's own
    for extra in _OPENAI_EXTRAS:
        checkpoint.tensors.pop(extra, None)
    _read_beside(checkpoint)
    return checkpoint


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """A file's tensors under its own names. Raises as `read_checkpoint` does."""
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at '{path}'")
    _check_first_bytes(path)
    return _read(path)


def _in_folder(folder: Path) -> Path:
    """The weights in a folder as Hugging Face's libraries write it."""
    found = [folder / name for name in IN_FOLDERS if (folder / name).is_file()]
    if not found:
        raise FileNotFoundError(
            f"'{folder}' is a folder without {', '.join(IN_FOLDERS[:-1])} or {IN_FOLDERS[-1]}: give the path of a file"
        )
    return found[0]


def _read_beside(checkpoint: Checkpoint) -> None:
    """What the configurations beside the weights say of them."""
    ours, theirs = (checkpoint.path.with_name(name) for name in ("open_clip_config.json", "config.json"))
    if ours.is_file():
        config = read_json(ours)
        checkpoint.preprocess_cfg = config.get("preprocess_cfg")
        if "model_cfg" in config:
            checkpoint.quick_gelu = bool(config["model_cfg"].get("quick_gelu", False))
    elif theirs.is_file() and (config := read_json(theirs)).get("model_type") == "clip":
        vision = config.get("vision_config")
        activation = vision.get("hidden_act", "quick_gelu") if isinstance(vision, dict) else "quick_gelu"
        checkpoint.quick_gelu = activation == "quick_gelu"  # transformers' default


def read_json(path: str | Path) -> dict:
    """A JSON object from a file. Raises ValueError when it is not one."""
    try:
        content = from_json(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"'{path}' is damaged: it is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"'{path}' should hold a JSON object, not a {type(content).__name__}")
    return content


def fit_weights(model: nn.Module, checkpoint: Checkpoint, name: str) -> None:
    """Puts a checkpoint's tensors into a model, all of them and unchanged (position embeddings are not resized).

    Raises ValueError that names the first difference when the checkpoint is of another architecture.
    """
    tensors = convert_state_dict(model, dict(checkpoint.tensors))
    if "positional_embedding" in tensors and not hasattr(model, "positional_embedding"):
        tensors = convert_to_custom_text_state_dict(tensors)  # written before the text tower had a module of its own
    wanted = model.state_dict()
    for scalar in ("logit_scale", "logit_bias"):
        if scalar in tensors and scalar in wanted and tensors[scalar].numel() == 1:
            tensors[scalar] = tensors[scalar].reshape(wanted[scalar].shape)
    tensors.pop("text.transformer.embeddings.position_ids", None)  # transformers dropped it in 4.31

    differences = [
        f"'{key}' is {_shape(tensors[key])} in the file and {_shape(tensor)} in the model"
        for key, tensor in wanted.items()
        if key in tensors and tensors[key].shape != tensor.shape
    ]
    differences += [f"'{key}' {_shape(tensor)} is missing" for key, tensor in wanted.items() if key not in tensors]
    differences += [f"'{key}' {_shape(t)} is in the file only" for key, t in tensors.items() if key not in wanted]
    if differences:
        more = f" (and {len(differences) - 1} more differences)" if len(differences) > 1 else ""
        if other := what_else(checkpoint.tensors):
            raise ValueError(f"'{checkpoint.path}' holds {other}")
        raise ValueError(f"'{checkpoint.path}' is not a checkpoint of '{name}': {differences[0]}{more}")
    broken = next((key for key, tensor in tensors.items() if not tensor.isfinite().all()), None)
    if broken:
        raise ValueError(f"'{checkpoint.path}' is damaged: '{broken}' holds values that are not finite numbers")
    model.load_state_dict(tensors)


def _shape(tensor: torch.Tensor) -> str:
    return str(tuple(tensor.shape))


def _check_first_bytes(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if not head:
        raise ValueError(f"'{path}' is empty: download it again")
    if head.startswith(b"version https://git-lfs"):
        raise ValueError(
            f"'{path}' is a Git LFS pointer, not the weights: run 'git lfs pull', or download the file itself"
        )
    if head.startswith((b"<!doctype", b"<html")):
        raise ValueError(f"'{path}' is a web page, not the weights: download the file itself")


def _read_content(path: Path) -> object:
    """What a file holds: a dictionary of tensors, if it is a checkpoint."""
    if zipfile.is_zipfile(path):  # .pt, .pth or .bin
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch's own readers do not look at the checksums
            if damaged:
                raise zipfile.BadZipFile(f"the checksum of its entry {damaged} is wrong")
            if archives.is_torchscript(archive):
                return archives.read_tensors(archive)
    elif path.suffix == ".safetensors":
        sealed.check(path)
        return load_file(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        if not zipfile.is_zipfile(path):
            raise
    with zipfile.ZipFile(path) as archive:  # more than tensors: those are taken out of it, and nothing else
        content, calls = archives.read(archive)
    if not isinstance(content, dict) or isinstance(content, archives.Thing):
        name = content.name if isinstance(content, archives.Thing) else (calls or ["builtins.object"])[0]
        raise pickle.UnpicklingError(f"Unsupported class {name}")
    return content


def _read(path: Path) -> dict[str, torch.Tensor]:
    """Reads a file, and turns what the readers raise into words about the file."""
    try:
        content = _read_content(path)
    except pickle.UnpicklingError as error:
        code = re.search(r"Unsupported (?:global|class)\W.*?([\w.]+\.\w+)", str(error))
        if code:
            raise ValueError(
                f"'{path}' holds more than tensors ({code[1]}): reading it would run code from the file, which is "
                "refused. If you trust it, load it yourself (torch.jit.load for TorchScript), and save its "
                "state_dict() alone as .safetensors"
            ) from error
        raise _damaged(path, error) from error
    except PermissionError:
        raise
    except Exception as error:  # torch's readers raise nearly every kind
        if out_of_memory(error):
            raise MemoryError(f"there is not enough memory to read '{path}'") from error
        raise _damaged(path, error) from error
    return _state_dict(path, content)


def _state_dict(path: Path, content: object) -> dict[str, torch.Tensor]:
    """The dictionary of tensors within what a file holds."""
    if isinstance(content, dict):
        inner = [content[name] for name in STATE_DICTS if isinstance(content.get(name), dict)]
        content = inner[0] if inner else content
    if not isinstance(content, dict) or not content:
        raise ValueError(f"'{path}' holds no state dict (a dictionary from names to tensors)")
    odd = [name for name, value in content.items() if not (isinstance(name, str) and isinstance(value, torch.Tensor))]
    if odd:
        raise ValueError(f"'{path}' holds no state dict: its entry '{odd[0]}' is not a tensor")
    return dict(content)


def _damaged(path: Path, error: Exception) -> ValueError:
    size = path.stat().st_size / 1e6
    reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    return ValueError(
        f"'{path}' ({size:.1f} MB) is damaged, cut short, or not a checkpoint: download or save it again ({reason})"
    )
