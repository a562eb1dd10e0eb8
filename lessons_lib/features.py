"""Embeddings of a split by a frozen image tower: computed once, kept on disk, taken from there the next time.

The key is everything that the embeddings depend on: the model's weights and precision, the kind of device, the
transform, the images' own content, and which views of them. An entry says its key and the checksum of its numbers; one
that does not match, or is damaged, is computed again, never used. Entries are replaced whole, so processes can share
the folder (`$LESSONS_CACHE`, or `lessons_lib` in the user's cache folder): the last writer wins, with the same content.
"""

import json
import re
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from lessons_lib.files import atomic_write, cache_dir

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split

FORMAT = 1  # raise when entries come to mean something else
ABANDONED = 3600  # seconds after which an unfinished file was left by a process that was killed


def image_features(
    clip: "Clip",
    split: "Split",
    *,
    view: str | int = "plain",
    seed: int = 0,
    augment: Callable | None = None,
    projected: bool = True,
    cache: bool = True,
    progress: bool = True,
    batch_size: int = 256,
    num_workers: int = 0,
) -> torch.Tensor:
    """The embeddings of all images of a split, in order: (N, D) float32, L2-normalised, on the model's device.

    view: "plain", the images as ``clip.preprocess`` gives them; or a number K of augmented views: (K, N, D), each row
        normalised, not averaged.
    seed: draws the augmented views. View k of image i depends on (seed, k, i) alone: more views keep the first ones.
    augment: what makes an augmented view of a PIL image, drawing from torch's generator; by default ``clip.augment``.
    projected: False for what the tower's last projection is given, (N, d_v), not normalised.
    cache: read and keep the result on disk. A transform whose settings cannot be told from its ``repr`` (a lambda, an
        object without one) is never cached.
    progress: show a bar when it takes more than two seconds.
    batch_size: images that pass through the tower together. num_workers: processes that open files.

    Raises ValueError for another ``view``, and FloatingPointError when an embedding is not finite.
    Damaged entries, and a cache that cannot be written (a full disk), warn and cost no more than the time to compute.
    """
    views = _check_view(view)
    transform = clip.preprocess if view == "plain" else augment or clip.augment
    name = transform_name(transform)
    if view == "plain" and hasattr(clip, "transforms"):
        name = f"{name} {clip.transforms!r}"
    batches = partial(_batches, clip, split, views, transform, seed, batch_size=batch_size, num_workers=num_workers)
    if not cache or name is None:
        return _compute(clip, split, views, batches, progress, projected)
    key = _key(clip, split, view, seed, name, projected)
    path = _folder() / f"{sha256(key.encode()).hexdigest()[:32]}.safetensors"
    features = _read(path, key)
    if features is None:
        features = _compute(clip, split, views, batches, progress, projected)
        _write(path, key, features)
    return features.to(clip.device)


def cache_size() -> int:
    """Bytes that cached features take on disk."""
    return sum(entry.size for entry in cache_entries())


def clear_cache(older_than: float = 0.0) -> int:
    """Deletes cached features, of every model and split: all, or those written more than `older_than` seconds ago.
    Returns the bytes freed."""
    entries = cache_entries(older_than)
    for entry in entries:
        entry.path.unlink(missing_ok=True)
    return sum(entry.size for entry in entries)


def cache_entries(older_than: float = 0.0) -> list["Entry"]:
    """What is in the folder, less what another process is writing just now (young files with a dot in front).

    older_than: only what was written more than so many seconds ago.
    """
    entries, now = [], time.time()
    for path in sorted(_folder().glob("*")):
        try:
            stat = path.stat()
        except FileNotFoundError:  # another process has cleared the cache, or given the file its name
            continue
        seconds = now - stat.st_mtime
        old = not older_than or seconds > older_than
        if old and (not path.name.startswith(".") or seconds > ABANDONED):
            entries.append(Entry(path, stat.st_size, stat.st_mtime))
    return entries


class Entry(NamedTuple):
    """A file of cached features."""

    path: Path
    size: int  # bytes
    written: float  # seconds, as time.time() gives them

    def key(self) -> dict | None:
        """All that its numbers depend on; None where the file does not say."""
        try:
            with self.path.open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            return json.loads(json.loads(header["__metadata__"]["about"])["key"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError):
            return None


def transform_name(transform: Callable) -> str | None:
    """What a transform does, to compare: its ``repr`` without addresses. None where that says too little."""
    text = repr(transform)
    anonymous = "<lambda>" in text or "<locals>" in text or " object at 0x" in text
    return None if anonymous else re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _check_view(view: str | int) -> int | None:
    """None for the plain view, else K."""
    if view == "plain":
        return None
    if isinstance(view, bool) or not isinstance(view, int) or view < 1:
        raise ValueError(f"view={view!r}: give 'plain', or the number of augmented views, at least 1")
    return view


def _compute(
    clip: "Clip", split: "Split", views: int | None, batches: Callable, progress: bool, projected: bool
) -> torch.Tensor:
    """(N, D), or (K, N, D) for K views; d_v in the place of D where not projected."""
    only = {} if projected else {"projected": False}
    width = clip.embed_dim if projected else clip.image_tower.width
    features = torch.empty(views or 1, len(split), width, device=clip.device)  # (K, N, D)
    start = 0
    alone = parent_process() is None  # a sweep's processes would write over its own bar, and each other's
    bar = tqdm(total=len(split), desc="encoding images", unit="image", delay=2, disable=not (progress and alone))
    with bar:
        for batch in batches() if len(split) else ():  # (n, K, 3, S, S)
            encoded = clip.encode_images(batch.flatten(0, 1), **only)  # (n·K, D)
            features[:, start : start + len(batch)] = encoded.unflatten(0, batch.shape[:2]).transpose(0, 1)
            start += len(batch)
            bar.update(len(batch))
    if not features.isfinite().all():
        where = int((~features.isfinite()).any(dim=-1).any(dim=0).nonzero()[0])
        raise FloatingPointError(
            f"the embedding of image {where} is not finite with precision {clip.precision!r}: "
            "load the model with precision='fp32', or check its weights"
        )
    return features[0] if views is None else features


def _batches(
    clip: "Clip",
    split: "Split",
    views: int | None,
    transform: Callable,
    seed: int,
    *,
    batch_size: int,
    num_workers: int,
) -> Iterable[torch.Tensor]:
    """(n, K, 3, S, S) preprocessed, n·K about ``batch_size``; every file is opened once."""
    if views is None and (pixels := split.tensor()) is not None:
        return (clip.preprocess_tensor(part)[:, None] for part in pixels.split(batch_size))
    return DataLoader(
        ViewsOf(split, transform, None if views is None else range(views), seed),
        batch_size=max(1, batch_size // (views or 1)),
        num_workers=num_workers,
        pin_memory=torch.device(clip.device).type == "cuda",  # so that copies to the GPU need not be waited for
        generator=torch.Generator(),  # or it would draw from torch's own, and change what the caller draws next
    )


class ViewsOf(Dataset):
    """Item i: (K, 3, S, S), the K augmented views of picture i that `views` numbers, or (1, 3, S, S), the plain one.

    View k of image i depends on (seed, k, i) alone.
    """

    def __init__(self, split: "Split", transform: Callable, views: Sequence[int] | None, seed: int):
        self.split, self.views, self.transform, self.seed = split, views, transform, seed

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = self.split.image(index)
        if self.views is None:
            return self.transform(picture)[None]
        with torch.random.fork_rng(devices=[]):
            return torch.stack([self._augmented(picture, view, index) for view in self.views])

    def _augmented(self, picture, view: int, index: int) -> torch.Tensor:
        digest = sha256(f"{self.seed}/{view}/{index}".encode()).digest()
        torch.default_generator.manual_seed(
            int.from_bytes(digest[:7], "little")
        )  # leaves accelerators' generators alone
        return self.transform(picture)


def _key(clip: "Clip", split: "Split", view: str | int, seed: int, transform: str, projected: bool) -> str:
    """Everything that the numbers depend on, as JSON."""
    parts = {
        "format": FORMAT,
        "torch": torch.__version__,
        "model": clip.fingerprint,
        "precision": clip.precision,
        "device": torch.device(clip.device).type,
        "transform": transform,
        "images": split.fingerprint,
        "count": len(split),
        "view": view,
        "seed": None if view == "plain" else seed,
        **({} if projected else {"projected": False}),
    }
    return json.dumps(parts, sort_keys=True)


def _read(path: Path, key: str) -> torch.Tensor | None:
    """The features of an entry that is whole and has this key; None, with a warning unless there is none, otherwise."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        warnings.warn(f"cached features cannot be read and are computed again: {error}", stacklevel=3)
        return None
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"]["about"])
        features = safetensors.load(data)["features"]
        if about["key"] != key:
            problem = "belong to other images or another model"
        elif about["checksum"] != _checksum(features):
            problem = "are damaged"
        else:
            return features
    except (ValueError, KeyError, TypeError, SafetensorError):
        problem = "are damaged"
    warnings.warn(f"the cached features in '{path}' {problem}: computed again", stacklevel=3)
    return None


def _write(path: Path, key: str, features: torch.Tensor) -> None:
    features = features.cpu().contiguous()
    about = json.dumps({"key": key, "checksum": _checksum(features)})
    try:
        atomic_write(path, safetensors.save({"features": features}, metadata={"about": about}))
    except OSError as error:
        warnings.warn(f"the features were computed but not cached: {error}", stacklevel=3)


def _checksum(features: torch.Tensor) -> str:
    about = f"{tuple(features.shape)} {features.dtype} ".encode()
    return sha256(about + features.numpy().tobytes()).hexdigest()


def _folder() -> Path:
    return cache_dir() / "features"
