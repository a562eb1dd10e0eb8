"""A small sound file of every kind that is read here, how it is read, and ways to damage one.

`tests/test_readers.py` feeds the readers whatever hypothesis thinks of; `tests/counts/` counts what becomes of many.
"""

import json
import random
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch
from bench_workers import orders, result
from noise_task import noise_task
from notebook_files import read_notebook
from photo_folders import photo
from scipy.io import wavfile
from tiny_clip import tiny_clip

from lessons_lib import feature_cache, sealed
from lessons_lib.checkpoint import Checkpoint
from lessons_lib.clip.audio_files import load_audio_tower, save_audio_tower, with_audio
from lessons_lib.clip.checkpoints import fit_weights, read_checkpoint, read_json
from lessons_lib.data import archives
from lessons_lib.data.class_names import _read_classnames
from lessons_lib.data.pictures import FileImages, examine
from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.published.readers import read_split
from lessons_lib.data.sounds import open_sound
from lessons_lib.methods import CoOp, LinearProbe, load_method
from lessons_lib.pretrain.trunk import load_trunk, save_trunk
from lessons_lib.runs import Bench, Store, record

TENSORS = {"weight": torch.arange(12.0).reshape(3, 4), "b": torch.ones(2, dtype=torch.float16), "c": torch.arange(3)}
KEY = {"images": "x", "model": "y"}
TOWER = {"width": 4, "layers": [1, 1]}  # of audio


@dataclass(frozen=True)
class Kind:
    """make: writes a sound file at a path.   read: what it says, to be compared.   name: of the file.
    errors: what reading may raise.   sealed: whether damage of any kind has to be seen."""

    make: Callable[[Path], object]
    read: Callable[[Path], Any]
    name: str
    errors: tuple[type[Exception], ...] = (ValueError,)
    sealed: bool = False


@cache
def clip():
    return tiny_clip()


@cache
def fitted():
    return LinearProbe(clip()).fit(noise_task())


def plain(value: Any) -> Any:
    """Tensors as what they hold, so that two can be compared."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def scripted(path: Path) -> None:
    module = torch.nn.Module()
    for name, tensor in TENSORS.items():
        module.register_buffer(name, tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(path)


def weights(path: Path) -> Any:
    """As a model takes them."""
    model = torch.nn.Module()
    for name, tensor in TENSORS.items():
        model.register_buffer(name, torch.zeros_like(tensor))
    fit_weights(model, read_checkpoint(path), "three tensors")
    return plain(model.state_dict())


@cache
def learning() -> tuple[CoOp, torch.optim.Optimizer]:
    method = CoOp(clip(), n_ctx=2)
    method.set_classes(noise_task().classnames)
    return method, torch.optim.SGD(method.parameters(), lr=0.1)


def checkpoint(path: Path) -> None:
    method, optimizer = learning()
    state = {"method": method.state_dict(), "optimizer": optimizer.state_dict()}
    Checkpoint(path, "key").write([{"epoch": 1, "loss": 1.0}], state)


def going_on(path: Path) -> Any:
    method, optimizer = learning()
    return [Checkpoint(path, "key").load(method, optimizer), plain(method.state_dict()), plain(optimizer.state_dict())]


def released(path: Path) -> None:
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0), 5)
    learned = {"ctx": 0.1 * torch.ones(2, 64), "token_prefix": torch.zeros(5, 1, 64)}
    torch.save({"state_dict": learned, "scheduler": {"successor": schedule}}, path)


def method(path: Path) -> list:
    found = load_method(path, clip(), noise_task().classnames if path.suffix == ".tar" else None)
    return [type(found).__name__, found.settings(), found.classnames, found.task_template, plain(found.state_dict())]


def trunk(path: Path) -> list:
    found = load_trunk(path, device="cpu")
    return [found.name, found.model_cfg, plain(found.model.visual.state_dict())]


def runs(path: Path) -> None:
    with Store(path) as store:
        store.claim()
        for job in store.enter(orders(["one", "two"], "")):
            store.start(job.id, "here")
            store.finish(job.id, result(50.0, "base", "new"), "here")


def rows(path: Path) -> list:
    with Store(path, read_only=True) as store:
        return [store.rows().to_csv(), store.plans()]


def recorded(path: Path) -> None:
    with Store(path.with_suffix(".sqlite")) as store:
        store.claim()
        for job in store.enter(orders(["one", "two"], "")):
            store.start(job.id, "here")
            store.finish(job.id, result(50.0, "base", "new"), "here")
        record.write(path.parent, path.stem, store.rows(), ["accuracy"], [], {"script": "a.py", "clip": None})


def a_record(path: Path) -> list:
    found = record.read(path.parent, path.stem, "a.py")
    return [found.about, found.rows.to_csv()]


def features(path: Path) -> None:
    feature_cache.write(KEY, TENSORS["weight"])
    path.write_bytes(feature_cache._path(KEY).read_bytes())


def cached(path: Path) -> Any:
    feature_cache._path(KEY).write_bytes(path.read_bytes())
    return plain(feature_cache.read(KEY))


def notebook(path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)


def recorded_sound(path: Path) -> None:
    wavfile.write(path, 11_025, (9000 * np.sin(np.arange(2 * 4000).reshape(4000, 2) / 7)).astype(np.int16))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"set/{number}.txt", f"content {number} " * 30)


def tarred(path: Path) -> None:
    zipped(path.with_suffix(".zip"))
    with tarfile.open(path, "w:gz") as archive:
        archive.add(path.with_suffix(".zip"), "set/inner.zip")


def unpacked(path: Path) -> dict:
    into = path.with_name(f"into {random.randrange(10**9)}")
    archives.extract(path, into, limit=10**6, progress=False)
    return {str(one.relative_to(into)): one.read_bytes() for one in into.rglob("*") if one.is_file()}


def split_of(path: Path) -> list:
    listing = read_split(PUBLISHED["eurosat"], path.parent, seed=1)
    return [listing.classnames, listing.names]


SPLIT = {part: [[f"Class{label}/{part}.jpg", label, f"class {label}"] for label in range(3)]
         for part in ("train", "val", "test")}  # fmt: skip
YAML = "methods: [ZeroShot, {}]\ntasks:\n  - toy_pets\n  - toy_food\nshots: [1, 4]\nseeds: [1]\n".replace("{}", "CoOp")
KINDS = {
    "a state dict": Kind(lambda p: torch.save(TENSORS, p), weights, "w.pt"),
    "an old state dict": Kind(
        lambda p: torch.save(TENSORS, p, _use_new_zipfile_serialization=False), weights, "w.pth"),
    "a TorchScript archive": Kind(scripted, weights, "s.pt"),
    "weights": Kind(
        lambda p: p.write_bytes(sealed.to_bytes(TENSORS, {"made": "here"})), weights, "w.safetensors", sealed=True),
    "a saved method": Kind(lambda p: fitted().save(p), method, "m.safetensors", sealed=True),
    "a trunk": Kind(lambda p: save_trunk(clip(), p), trunk, "t.safetensors", sealed=True),
    "released prompts": Kind(released, method, "m.pth.tar"),
    "a checkpoint of training": Kind(checkpoint, going_on, "c.pt", sealed=True),
    "a sweep's runs": Kind(runs, rows, "runs.sqlite", (ValueError, OSError, RuntimeError), sealed=True),
    "a record": Kind(recorded, a_record, "record.json", (ValueError, FileNotFoundError), sealed=True),
    "cached features": Kind(features, cached, "f.safetensors", (), sealed=True),
    "a memory": Kind(lambda p: sealed.remember(p, {"a": [1, "x"]}), sealed.recall, "memory.json", (), sealed=True),
    "a configuration": Kind(lambda p: p.write_text(json.dumps({"model_cfg": {"embed_dim": 5}})), read_json, "c.json"),
    "a sweep's YAML": Kind(lambda p: p.write_text(YAML), lambda p: Bench.from_yaml(p).to_dict(), "s.yaml"),
    "names of classes": Kind(
        lambda p: p.write_text(json.dumps({"a": "cat", "b": "dog"})),
        lambda p: _read_classnames(p, ["a", "b"]), "n.json"),
    "a split": Kind(lambda p: p.write_text(json.dumps(SPLIT)), split_of, PUBLISHED["eurosat"].listing),
    "a notebook": Kind(notebook, lambda p: dict(read_notebook(p)), "n.ipynb"),
    "a PNG": Kind(lambda p: photo(1).save(p), lambda p: [examine(p).problem, looked_at(p)], "p.png"),
    "a JPEG": Kind(lambda p: photo(1).save(p), lambda p: [examine(p).problem, looked_at(p)], "p.jpg"),
    "a WAV file": Kind(recorded_sound, lambda p: open_sound(p).tolist(), "s.wav", (ValueError, OSError)),
    "an audio tower": Kind(
        lambda p: save_audio_tower(with_audio(clip(), TOWER), p, clip()),
        lambda p: plain(load_audio_tower(p, clip()).model.audio.state_dict()), "t.safetensors", sealed=True),
    "a zip file": Kind(zipped, unpacked, "a.zip"),
    "a tar file": Kind(tarred, unpacked, "a.tar.gz"),
}  # fmt: skip


def looked_at(path: Path) -> bytes:
    return FileImages([path], {}).image(0).tobytes()


def flipped(content: bytes, draws: random.Random, others: list[bytes]) -> bytes:
    """One bit."""
    changed = bytearray(content)
    changed[draws.randrange(len(changed))] ^= 1 << draws.randrange(8)
    return bytes(changed)


def cut(content: bytes, draws: random.Random, others: list[bytes]) -> bytes:
    return content[: draws.randrange(len(content))]


def doubled(content: bytes, draws: random.Random, others: list[bytes]) -> bytes:
    start = draws.randrange(len(content))
    end = draws.randrange(start, len(content)) + 1
    return content[:end] + content[start:end] + content[end:]


def of_another(content: bytes, draws: random.Random, others: list[bytes]) -> bytes:
    """Another file's content, the whole or a part of it in place of a part of this."""
    other = draws.choice(others)
    start = draws.randrange(len(content))
    return other if draws.random() < 0.5 else content[:start] + other[start:]


DAMAGES = {"a flipped bit": flipped, "a cut": cut, "a doubled part": doubled, "another file's content": of_another}
