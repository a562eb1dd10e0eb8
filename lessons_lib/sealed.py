"""Files of tensors that say whether they were damaged: each holds a digest of all its bytes that mean anything.

    .safetensors   the header's metadata has `digest`, over the rest of the header and the numbers
    torch.save     the zip file ends with a comment that has the digest of all before it
    memories       what can be found again, as JSON behind a line with its digest

The first two stay readable by safetensors and torch. Files from before there were digests are read as they always were;
memories are made again.
"""

import json
import struct
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from safetensors import torch as safetensors

from lessons_lib.files import atomic_write, from_json
from lessons_lib.room import out_of_memory

MARK = b"lessons_lib sha256:"  # of a zip file's comment; 64 hex digits follow
KIND = "sha256:"
CHUNK = 1 << 20  # bytes


def to_bytes(tensors: Mapping[str, torch.Tensor], about: Mapping[str, str] | None = None) -> bytes:
    """A .safetensors file.   about: texts for its header's metadata."""
    content = safetensors.save(dict(tensors), {**(about or {})})
    header, start = _header(BytesIO(content))
    payload = memoryview(content)[start:]
    header.setdefault("__metadata__", {})["digest"] = KIND + _digest(header, [payload])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + payload


def check(path: Path) -> dict[str, str]:
    """The metadata of a .safetensors file that is as it was written, without the digest; empty where there is none.

    Raises ValueError where the file is not what its digest says, or has no header that can be read.
    """
    with path.open("rb") as file:
        header, _ = _header(file)
        about = header.get("__metadata__", {})
        if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
            raise ValueError("its header is not one of a safetensors file")
        whole = iter(lambda: file.read(CHUNK), b"")
        if _has_digest(about) and about.get("digest") != KIND + _digest(header, whole):
            raise ValueError("it is not as it was written: its digest is another")
    return {name: text for name, text in about.items() if name != "digest"}


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and the metadata of a .safetensors file. Raises as `check` does, and SafetensorError."""
    about = check(path)
    return safetensors.load_file(path), about


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Writes what `torch.save` takes, whole or not at all; tensors of any device are written as those of the CPU."""

    def write(temporary: Path) -> None:
        buffer = BytesIO()
        torch.save(_on_the_cpu(dict(state)), buffer)  # into memory: torch's own errors of a full disk are no OSError
        body = buffer.getvalue()[:-2] + struct.pack("<H", len(MARK) + 64) + MARK  # the comment's length, the comment
        temporary.write_bytes(body + sha256(body).hexdigest().encode())

    atomic_write(path, write)


def _on_the_cpu(values: Any) -> Any:
    """The same, whatever device its tensors were on."""
    if isinstance(values, torch.Tensor):
        return values.cpu()
    if isinstance(values, dict):
        return type(values)((name, _on_the_cpu(value)) for name, value in values.items())
    return type(values)(map(_on_the_cpu, values)) if type(values) in (list, tuple) else values


def load_state(path: Path, mend: str) -> dict[str, Any]:
    """What `save_state` wrote, on the CPU.   mend: what to do about a damaged file.

    Raises ValueError where the file is damaged, holds something else, or numbers that are not finite; OSError and
    MemoryError where it cannot be read.
    """
    content = path.read_bytes()
    try:
        _check_zip(content)
        state = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError(f"it holds a {type(state).__name__}")
    except OSError:
        raise
    except Exception as error:  # torch's readers raise nearly every kind
        if out_of_memory(error):
            raise MemoryError(f"there is not enough memory to read '{path}'") from error
        raise damaged(path, type(error).__name__, mend) from error
    try:
        broken = not_finite(state)
    except RecursionError as error:
        raise damaged(path, "it is nested too deeply", mend) from error
    if broken:
        raise damaged(path, f"{broken} is not finite", mend)
    return state


def remember(path: Path, content: Any) -> None:
    """Keeps plain values that can be found again. A disk that takes no more costs only the time to do so."""
    text = json.dumps(content).encode()
    with suppress(OSError):
        atomic_write(path, f"{KIND}{sha256(text).hexdigest()}\n".encode() + text)


def recall(path: Path) -> Any:
    """What `remember` kept; None where there is nothing, or it is not as it was written."""
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
        return from_json(text) if digest.decode() == KIND + sha256(text).hexdigest() else None
    except (OSError, ValueError):
        return None


def damaged(path: Path, why: str, mend: str) -> ValueError:
    return ValueError(f"the checkpoint '{path}' is damaged ({why}): {mend}")


def not_finite(values: Any, name: str = "") -> str:
    """The name of the first tensor, in dictionaries and lists, that holds NaN or an infinity; "" where none does."""
    if isinstance(values, torch.Tensor):
        return "" if not values.is_floating_point() or bool(values.isfinite().all()) else name or "a tensor"
    parts = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    return next((found for key, value in parts if (found := not_finite(value, f"{name}.{key}".lstrip(".")))), "")


def _check_zip(content: bytes) -> None:
    """Raises ValueError or BadZipFile. Files from before there were digests end without a comment."""
    body, kept = content[:-64], content[-64:]
    if body.endswith(MARK):
        if sha256(body).hexdigest().encode() != kept:
            raise ValueError("it is not as it was written")
        return
    if content[-22:-18] != b"PK\5\6":
        raise zipfile.BadZipFile("it has no end")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if entry := archive.testzip():
            raise zipfile.BadZipFile(f"the checksum of its entry {entry} is wrong")


def _header(file) -> tuple[dict, int]:
    """The header, and where the numbers begin, at which the file then stands."""
    length = int.from_bytes(file.read(8), "little")
    if length > 100_000_000:  # as safetensors has it
        raise ValueError("its header has no length")
    header = from_json(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is not one of a safetensors file")
    return header, 8 + length


def _has_digest(about: Mapping[str, str]) -> bool:
    """Also where the word `digest` itself was damaged."""
    return "digest" in about or any(text.startswith(KIND) for text in about.values())


def _digest(header: dict, payload) -> str:
    about = {name: text for name, text in header.get("__metadata__", {}).items() if name != "digest"}
    state = sha256(json.dumps({**header, "__metadata__": about}, sort_keys=True).encode())
    for part in payload:
        state.update(part)
    return state.hexdigest()
