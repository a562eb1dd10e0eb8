"""A split: images, or sounds, and what is to be predicted of each."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import torch
from PIL import Image

from lessons_lib.data.targets import BACKGROUND, Labels, Targets, as_targets
from lessons_lib.data.together import together
from lessons_lib.templates import composed


class Images(Protocol):
    """What a :class:`Split` needs of the images behind it: files, scenes to draw, or anything else. Where they are
    sounds, `image` gives (8000,) int16, one second of 8,000 samples, and `tensor` (N, 8000) int16 or None."""

    fingerprint: str  # hex, over the files' bytes, or over what draws the images, and their order

    def __len__(self) -> int: ...
    def image(self, index: int) -> Image.Image: ...  # RGB
    def subset(self, indices: list[int]) -> "Images": ...
    def tensor(self) -> torch.Tensor | None: ...  # (N, 3, H, W) uint8 where all have one size in memory, else None


class Split:
    """Images with their targets, opened or drawn only when asked for: ``split[i] -> (PIL image in RGB, target)``.

    It is a torch data set: ``DataLoader(split.with_transform(clip.preprocess), batch_size=32, num_workers=2)``.

    images: the :class:`Images` behind it.
    targets: the :class:`Targets`; (N,) labels 0 … C-1 become :class:`Labels`.
    classnames: C names.
    transform: what is done to each image; a v2 transform of torchvision moves the target with it.
    """

    def __init__(
        self,
        images: Images,
        targets: Targets | torch.Tensor | Sequence[int],
        classnames: Sequence[str],
        *,
        transform: Callable[..., Any] | None = None,
    ):
        self.images, self.classnames, self.transform = images, [composed(name) for name in classnames], transform
        self.targets = as_targets(targets)
        if len(self.targets) != len(images):
            what = "labels" if isinstance(self.targets, Labels) else "targets"
            raise ValueError(f"{len(images)} images need as many {what}; got {len(self.targets)}")
        self.targets.check(len(self.classnames))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        target = self.targets[index]  # IndexError past the end
        image = self.image(index)
        return (image, target) if self.transform is None else together(self.transform, image, target)

    def __repr__(self) -> str:
        return f"Split({len(self)} {self.many} of {len(self.classnames)} classes, {self.spread()} a class)"

    def spread(self) -> str:
        """ "16", or "12 to 50": images a class."""
        counts = [int(count) for name, count in zip(self.classnames, self.counts) if name in self.named]
        fewest, most = min(counts), max(counts)
        return f"{fewest}" if fewest == most else f"{fewest} to {most}"

    @property
    def kind(self) -> str:
        """What is predicted: "classify", "segment", "detect" or "ground" of images, or "hear": the class of a sound."""
        return self.targets.kind

    @property
    def many(self) -> str:
        """What there are many of: "images" or "sounds"."""
        return "sounds" if self.kind == "hear" else "images"

    @property
    def labels(self) -> torch.Tensor:
        """(N,) long, 0 … C-1. Raises AttributeError where the targets are others."""
        if not isinstance(self.targets, Labels):
            raise AttributeError(
                f"images to {self.kind} have no labels, one a picture: see split.targets, {type(self.targets).__name__}"
            )
        return self.targets.labels

    @property
    def background(self) -> int | None:
        """The class of pixels that show none of the others, where there is one."""
        has = not self.targets.one_class and BACKGROUND in self.classnames
        return self.classnames.index(BACKGROUND) if has else None

    @property
    def named(self) -> list[str]:
        """The class names without the background: what is sampled, halved and counted."""
        return [name for label, name in enumerate(self.classnames) if label != self.background]

    def members(self) -> list[torch.Tensor]:
        """For each of ``named``, the images that show it: (n_c,) long, ascending."""
        return [self.targets.members(self.classnames.index(name)) for name in self.named]

    @property
    def counts(self) -> torch.Tensor:
        """(C,) images that show each class."""
        return torch.tensor([len(self.targets.members(label)) for label in range(len(self.classnames))])

    @property
    def fingerprint(self) -> str:
        """Hex digest of which images there are, in order (not of the targets): what features of them depend on."""
        return self.images.fingerprint

    def identity(self) -> dict[str, Any]:
        """All that decides a result on this split, the same wherever the images lie and on every machine.

        Of files their content, which is read whole and remembered in the cache folder; of toy pictures what draws them.
        """
        return {
            "kind": self.kind,
            "images": self.fingerprint,
            "targets": self.targets.fingerprint,
            "classes": self.classnames,
        }

    @property
    def scenes(self):
        """Toy tasks: the ToyWorld scenes that the images are drawn from (parts, masks, boxes of every object)."""
        if not hasattr(self.images, "scenes"):
            raise AttributeError("only the images of a toy task come with scenes; these were not drawn by ToyWorld")
        return self.images.scenes

    @property
    def paths(self):
        """Folders: the image files, in order."""
        if not hasattr(self.images, "paths"):
            raise AttributeError("only images read from files have paths; these were drawn in memory")
        return self.images.paths

    def image(self, index: int) -> Image.Image:
        """The image itself in RGB, upright, whatever transform the split carries."""
        return self.images.image(range(len(self))[index])

    def tensor(self) -> torch.Tensor | None:
        """(N, 3, H, W) uint8 where the images are drawn in memory at one size (toy tasks), else None."""
        return self.images.tensor()

    def subset(self, indices: torch.Tensor | Iterable[int]) -> "Split":
        """The images at ``indices``, in that order, with the same classes."""
        indices = torch.as_tensor(indices if isinstance(indices, torch.Tensor) else list(indices), dtype=torch.long)
        images = self.images.subset(indices.tolist())
        return Split(images, self.targets.subset(indices), self.classnames, transform=self.transform)

    def of_classes(self, labels: Sequence[int]) -> "Split":
        """The images that show these classes, in their old order; class ``labels[j]`` becomes class j.

        Pixels of other classes become the background where that is among ``labels``, and are ignored where it is not.
        """
        targets, kept = self.targets.of_classes(labels, self.background if self.background in labels else None)
        names = [self.classnames[label] for label in labels]
        return Split(self.images.subset(kept.tolist()), targets, names, transform=self.transform)

    def with_transform(self, transform: Callable[..., Any] | None) -> "Split":
        """The same images; ``split[i]`` then gives the transformed ones, their targets moved with them."""
        return Split(self.images, self.targets, self.classnames, transform=transform)
