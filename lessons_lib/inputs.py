"""What a method is fed while it learns: preprocessed images, or the frozen tower's features of them, batch by batch."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lessons_lib.device import pins
from lessons_lib.features import ViewsOf, image_features

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split

IN_MEMORY = 2 * 2**30  # bytes of preprocessed images that are kept from epoch to epoch


MOST_VIEWS = 10_000  # of an image: more are never used, and would fill the memory before anyone is told


def check_views(views: str | int) -> str | int:
    """The views; raises ValueError unless they are "plain", "fresh" or a whole number from 1 to `MOST_VIEWS`."""
    is_number = isinstance(views, int) and not isinstance(views, bool) and 1 <= views <= MOST_VIEWS
    if not (views in ("plain", "fresh") or is_number):
        raise ValueError(
            f"views={views!r}: give 'plain', a number of fixed augmented views, 1 to {MOST_VIEWS}, or 'fresh'"
        )
    return views


class Inputs:
    """What a method is fed for a split, batch by batch: preprocessed images, or the frozen tower's features of them.

    views: "plain", every image as it is; K, a number of augmented views made once, used in turn, one an epoch;
        "fresh", augmented anew every epoch, as published.
    pixels: give images (n, 3, S, S) rather than features (n, D).
    output: "pooled", or "unprojected" for features as the image tower's projection is given them, (n, d_v).
    augment: what makes an augmented view of a picture; `clip.augment` if not given.
    workers: processes that open and augment image files.   progress: a bar where features take long to compute.
    in_memory: bytes of preprocessed images that may be kept from epoch to epoch.
    Raises ValueError for other `views`.
    """

    def __init__(
        self,
        clip: "Clip",
        split: "Split",
        *,
        views: str | int,
        seed: int,
        pixels: bool,
        output: str = "pooled",
        augment: Callable | None = None,
        workers: int = 0,
        progress: bool = True,
        in_memory: int = IN_MEMORY,
    ):
        check_views(views)
        self.clip, self.split, self.views, self.seed, self.pixels = clip, split, views, seed, pixels
        self.augment, self.workers = augment or clip.augment, workers
        self.output = output
        self.features: Tensor | None = None  # (K, N, D)
        if not pixels and views != "fresh":
            features = image_features(
                clip,
                split,
                view=views,
                seed=seed,
                augment=augment,
                num_workers=workers,
                progress=progress,
                output=output,
            )
            self.features = features if features.ndim == 3 else features[None]
        count = len(split) * (views if isinstance(views, int) else 1)
        self.fits = views != "fresh" and count * 3 * clip.image_size**2 * 4 <= in_memory
        self._kept: dict[int, Tensor] = {}  # view -> (N, 3, S, S)
        self._asked: list[list[tuple[int, int | None]]] = []  # what the loader is to give: for each batch (row, view)
        self._loader: DataLoader | None = None  # one for all epochs: its processes take seconds to start

    def batches(self, epoch: int, chosen: list[Tensor]) -> Iterator[Tensor]:
        """For each tensor of positions (n,) the features (n, D), or images (n, 3, S, S), on the CLIP's device."""
        if self.features is not None:
            view = self.features[(epoch - 1) % len(self.features)]
            rows = torch.cat(chosen).to(view.device)  # one copy an epoch, not one a batch
            yield from (view[part] for part in rows.split([len(part) for part in chosen]))
            return
        for images in self._images(epoch, chosen):
            images = images.to(self.clip.device, non_blocking=True)
            yield (
                images
                if self.pixels
                else self.clip.encode_images(images, **({} if self.output == "pooled" else {"projected": False}))
            )

    def _images(self, epoch: int, chosen: list[Tensor]) -> Iterator[Tensor]:
        view = 0 if self.views == "plain" else epoch if self.views == "fresh" else (epoch - 1) % self.views
        if self.fits:
            if view not in self._kept:
                self._kept[view] = self._whole(view)
                if len(self._kept) == (1 if self.views == "plain" else self.views):
                    self._loader = None  # nothing is left to load, and its processes end
            yield from (self._kept[view][rows] for rows in chosen)
        else:
            yield from self._load(view, chosen)

    def _whole(self, view: int) -> Tensor:
        """(N, 3, S, S): a view of all images; loaded in parts, so that several workers share the work."""
        images = torch.empty(len(self.split), 3, *self.clip.transforms.size)
        parts = list(torch.arange(len(self.split)).split(64))
        for rows, part in zip(parts, self._load(view, parts)):
            images[rows] = part
        return images

    def _load(self, view: int, chosen: list[Tensor]) -> Iterator[Tensor]:
        pixels = self.split.tensor() if self.views == "plain" else None
        if pixels is not None:
            return (self.clip.preprocess_tensor(pixels[rows]) for rows in chosen)
        plain = self.views == "plain"
        if self._loader is None:
            self._loader = DataLoader(
                ViewsOf(self.split, self.clip.preprocess if plain else self.augment, None, self.seed),
                batch_sampler=self._asked,
                num_workers=self.workers,
                persistent_workers=self.workers > 0,
                pin_memory=pins(self.clip.device),
                generator=torch.Generator(),  # or it would draw from torch's own, and change what the caller draws next
            )
        self._asked[:] = [[(row, None if plain else view) for row in rows.tolist()] for rows in chosen if len(rows)]
        loaded = iter(self._loader)
        # Under torchrun a process's share of a small batch may be empty, which a DataLoader cannot give.
        nothing = torch.empty(0, 3, *self.clip.transforms.size)
        return (next(loaded)[:, 0] if len(rows) else nothing for rows in chosen)
