"""Embeddings of a split by a frozen image tower: computed once, kept on disk, taken from there the next time.

The key is everything that the embeddings depend on: the model's weights and precision, the kind of device, the
transform, the images' own content, and which views of them; where a patch's own were asked for, how they were made. The
files, and what happens to damaged ones: `feature_cache`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256
from multiprocessing import parent_process
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from lessons_lib import feature_cache
from lessons_lib.clip.blocks import unit
from lessons_lib.clip.dense import check_last
from lessons_lib.device import pins
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split

FORMAT = 1  # raise when entries come to mean something else
AS_THEY_ARE = {"raw": {"normalised": False}, "unprojected": {"projected": False}}  # what `Clip.encode_images` is told
OUTPUTS = ("pooled", "raw", "unprojected", "tokens")


def image_features(
    clip: "Clip",
    split: "Split",
    *,
    output: str = "pooled",
    last: str | None = None,
    residual: bool | None = None,
    view: str | int = "plain",
    seed: int = 0,
    augment: Callable | None = None,
    cache: bool = True,
    progress: bool = True,
    batch_size: int = 256,
    num_workers: int = 0,
) -> torch.Tensor:
    """The embeddings of all images of a split, in order: (N, D) float32, L2-normalised, on the model's device.

    output: "pooled"; "raw", the same before it is normalised; "unprojected", what the tower's last projection is given:
        (N, d_v) float32, not normalised; or "tokens", a patch's own: (N, h, w, D) float16, L2-normalised before
        rounding. Tokens take h · w times the room on disk (ViT-B/16: 0.2 MB a picture), so they are for few-shot
        splits. Where raw ones are kept, pooled ones are made of them.
    last, residual: how tokens leave the last block, as in `Clip.encode_dense`; None for its own.
    view: "plain", the images as ``clip.preprocess`` gives them; or a number K of augmented views: (K, N, …), each row
        normalised, not averaged.
    seed: draws the augmented views. View k of image i depends on (seed, k, i) alone: more views keep the first ones.
    augment: what makes an augmented view of a PIL image, drawing from torch's generator; by default ``clip.augment``.
    cache: read and keep the result on disk. A transform whose settings cannot be told from its ``repr`` (a lambda, an
        object without one) is never cached.
    progress: show a bar when it takes more than two seconds.
    batch_size: images that pass through the tower together. num_workers: processes that open files.

    Raises ValueError for another ``output`` or ``view``, and FloatingPointError when an embedding is not finite.
    Damaged entries, and a cache that cannot be written (a full disk), warn and cost no more than the time to compute.
    """
    views, made = _check_view(view), _check_output(output, last, residual)
    transform = clip.preprocess if view == "plain" else augment or clip.augment
    name = _name_of(clip, transform, view)
    batches = partial(_batches, clip, split, views, transform, seed, batch_size=batch_size, num_workers=num_workers)
    if not cache or name is None:
        return _compute(clip, split, views, made, batches, progress)
    key = _key(clip, split, view, seed, name, made)
    features = feature_cache.read(key)
    if features is None and output == "pooled":
        raw = feature_cache.read(_key(clip, split, view, seed, name, {"raw": True}))
        features = None if raw is None else unit(raw)
    if features is None:
        features = _compute(clip, split, views, made, batches, progress)
        feature_cache.write(key, features)
    return features.to(clip.device)


def are_kept(clip: "Clip", split: "Split") -> bool:
    """Whether `image_features(clip, split)` would find its result on disk."""
    key = partial(_key, clip, split, "plain", 0, _name_of(clip, clip.preprocess, "plain"))
    return any(feature_cache.is_there(key(made)) for made in ({}, {"raw": True}))


def sound_features(clip: "Clip", sounds: "Split | torch.Tensor", *, cache: bool = True) -> torch.Tensor:
    """The embeddings of sounds by the audio tower, in order: (N, D) float32, L2-normalised, on the model's device.

    sounds: a split of them, whose embeddings are kept on disk where `cache` says so, or (N, 8000) float.
    Raises ValueError where the model has no audio tower.
    """
    if isinstance(sounds, torch.Tensor):
        return clip.encode_sounds(sounds)
    key = _key(clip, sounds, "plain", 0, "sounds", {"of": "audio"})
    features = feature_cache.read(key) if cache and "audio" in clip.towers else None
    if features is None:
        waves = sounds.tensor()
        waves = torch.stack([sounds.image(i) for i in range(len(sounds))]) if waves is None else waves  # (N, 8000)
        features = clip.encode_sounds(waves.float() / 32768)
        if cache:
            feature_cache.write(key, features)
    return features.to(clip.device)


def transform_name(transform: Callable) -> str | None:
    """What a transform does, to compare: its ``repr`` without addresses. None where that says too little."""
    text = repr(transform)
    anonymous = "<lambda>" in text or "<locals>" in text or " object at 0x" in text
    return None if anonymous else re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _name_of(clip: "Clip", transform: Callable, view: str | int) -> str | None:
    """Of what is done to the images, for the key."""
    name = transform_name(transform)
    return f"{name} {clip.transforms!r}" if view == "plain" and hasattr(clip, "transforms") else name


def _check_view(view: str | int) -> int | None:
    """None for the plain view, else K."""
    if view == "plain":
        return None
    if isinstance(view, bool) or not isinstance(view, int) or view < 1:
        raise ValueError(f"view={view!r}: give 'plain', or the number of augmented views, at least 1")
    return view


def _check_output(output: str, last: str | None, residual: bool | None) -> dict:
    """What tells this output from pooled embeddings, for the key too: nothing; of tokens, how they are made."""
    if output not in OUTPUTS:
        raise ValueError(f"output={output!r}: give one of {OUTPUTS}. {nearest(str(output), OUTPUTS)}")
    if output == "tokens":
        last = "attention" if last is None else last
        return {"tokens": {"last": last, "residual": check_last(last, residual)}}
    if last is not None or residual is not None:
        raise ValueError(f"last={last!r}, residual={residual!r}: these make tokens; give output='tokens' with them")
    return {} if output == "pooled" else {output: True}


def _compute(
    clip: "Clip", split: "Split", views: int | None, made: dict, batches: Callable, progress: bool
) -> torch.Tensor:
    """(N, …), or (K, N, …) for K views."""
    features, start = None, 0
    alone = parent_process() is None  # a sweep's processes would write over its own bar, and each other's
    bar = tqdm(total=len(split), desc="encoding images", unit="image", delay=2, disable=not (progress and alone))
    with bar:
        nothing = torch.empty(0, views or 1, 3, clip.image_size, clip.image_size)
        for batch in batches() if len(split) else [nothing]:  # (n, K, 3, S, S)
            pictures = batch.flatten(0, 1)  # (n · K, 3, S, S)
            if "tokens" in made:
                encoded = clip.encode_dense(pictures, **made["tokens"]).tokens
            else:
                encoded = clip.encode_images(pictures, **AS_THEY_ARE.get(next(iter(made), ""), {}))
            if features is None:
                kind = torch.float16 if "tokens" in made else torch.float32
                shape = (views or 1, len(split), *encoded.shape[1:])  # (K, N, …)
                features = torch.empty(shape, dtype=kind, device=clip.device)
            features[:, start : start + len(batch)] = encoded.unflatten(0, batch.shape[:2]).transpose(0, 1)
            start += len(batch)
            bar.update(len(batch))
    if not features.isfinite().all():
        where = int((~features.isfinite()).transpose(0, 1).flatten(1).any(dim=1).nonzero()[0])
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
        pin_memory=pins(clip.device),  # so that copies to the device need not be waited for
        generator=torch.Generator(),  # or it would draw from torch's own, and change what the caller draws next
    )


class ViewsOf(Dataset):
    """Item i: (K, 3, S, S), the K augmented views of picture i that `views` numbers, or (1, 3, S, S), the plain one.
    Item (i, k): (1, 3, S, S), view k of picture i, whatever `views` says; k None for the plain one.

    View k of image i depends on (seed, k, i) alone.
    """

    def __init__(self, split: "Split", transform: Callable, views: Sequence[int] | None, seed: int):
        self.split, self.views, self.transform, self.seed = split, views, transform, seed

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int | tuple[int, int | None]) -> torch.Tensor:
        views = self.views
        if isinstance(index, tuple):
            index, view = index
            views = None if view is None else [view]
        picture = self.split.image(index)
        if views is None:
            return self.transform(picture)[None]
        with torch.random.fork_rng(devices=[]):
            return torch.stack([self._augmented(picture, view, index) for view in views])

    def _augmented(self, picture, view: int, index: int) -> torch.Tensor:
        digest = sha256(f"{self.seed}/{view}/{index}".encode()).digest()
        torch.default_generator.manual_seed(
            int.from_bytes(digest[:7], "little")
        )  # leaves accelerators' generators alone
        return self.transform(picture)


def _key(clip: "Clip", split: "Split", view: str | int, seed: int, transform: str, made: dict) -> dict:
    """Everything that the numbers depend on."""
    parts = {
        "format": FORMAT,
        "torch": str(torch.__version__),
        "model": clip.fingerprint,
        "precision": clip.precision,
        "device": torch.device(clip.device).type,
        "transform": transform,
        "images": split.fingerprint,
        "count": len(split),
        "view": view,
        "seed": None if view == "plain" else seed,
    }
    return {**parts, **made}
