"""Methods of kind "classify", one label a picture: image features become class logits, s · f(x) · w_cᵀ for most. Those
that hear classify sounds, too, by the features that the audio tower gives: the space is the same.

What a subclass gives:
    fit(task)                       learns, and returns self
    logits_from_features(features)  (N, D) -> (N, C), differentiable in the features and in what is learned
    set_classes(classnames)         whatever depends on the class names (text embeddings, a layer's size)
A method that changes the image tower overrides `logits`; all else rests on that alone.
"""

from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from lessons_lib.features import image_features, sound_features
from lessons_lib.methods.base import Method
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.training import processes

if TYPE_CHECKING:
    from lessons_lib.data import Split


class Classifier(Method):
    """A classifier around a frozen CLIP."""

    kind, metric = "classify", "accuracy"

    def logits_from_features(self, features: Tensor) -> Tensor:
        """features: (N, D), L2-normalised image embeddings of the untouched image tower. Returns (N, C)."""
        raise NotImplementedError

    @torch.inference_mode()
    def logits(self, images: "Split | Tensor") -> Tensor:
        """images: a split, whose features come from the cache, or (N, 3, H, W) float, preprocessed; or,
        where the method `HEARS`, a split of sounds, or (N, 8000) float. Returns (N, C)."""
        self.check_ready()
        return self.logits_from_features(self.features(images))

    def features(self, images: "Split | Tensor") -> Tensor:
        """The frozen tower's L2-normalised embeddings (N, D) on the CLIP's device; a split's come from the cache.
        (N, d_v), before they are projected and normalised, where the method learns the projection."""
        if self.HEARS and (images.ndim == 2 if isinstance(images, Tensor) else images.kind == "hear"):
            return sound_features(self.clip, images).to(self.clip.device)
        if isinstance(images, Tensor):
            return self.clip.encode_images(images, projected=not self.learns_projection)
        output = "unprojected" if self.learns_projection else "pooled"
        return image_features(self.clip, images, output=output, num_workers=self.workers).to(self.clip.device)

    def predict(self, images: "Split | Tensor") -> Tensor:
        """The most likely class of each image: (N,) long, positions in `classnames`."""
        return self.logits(images).argmax(dim=1)

    def measure(self, split: "Split") -> dict[str, float]:
        """{"accuracy": percent, 0 to 100}; else as `Method.measure` says."""
        self.check_split(split)
        return {"accuracy": accuracy(self._predict_together(split), split.labels)}

    def by_class(self, split: "Split") -> list[dict]:
        """A row a class, the worst first: class, images, right (percent), taken for (the most frequent mistake, %)."""
        self.check_split(split)
        names = split.classnames
        counts = torch.zeros(len(names), len(names), dtype=torch.long)  # (C, C): true, predicted
        taken = self._predict_together(split)
        counts.index_put_((split.labels, taken), torch.ones_like(taken), accumulate=True)
        rows = []
        for label, row in enumerate(counts):
            total, right = int(row.sum()), int(row[label])
            wrong = row.clone()
            wrong[label] = 0
            most = int(wrong.argmax())
            mistake = f"{names[most]} ({100 * int(wrong[most]) / total:.0f} %)" if int(wrong.sum()) else ""
            share = round(100 * right / total, 1) if total else float("nan")
            rows.append({"class": names[label], "images": total, "right (%)": share, "taken for": mistake})
        return sorted(rows, key=lambda row: (row["images"] == 0, row["right (%)"]))  # those without images at the end

    def check_features(self, features: Tensor) -> Tensor:
        """Features on the CLIP's device; raises ValueError where they are not (N, D), RuntimeError without classes."""
        self.check_ready()
        width = self.clip.image_tower.width if self.learns_projection else self.clip.embed_dim
        if features.ndim != 2 or features.shape[1] != width:
            raise ValueError(
                f"features must be (N, {width}), one row an image as `features` gives them; got {tuple(features.shape)}"
            )
        return features.to(self.clip.device)

    def _predict_together(self, split: "Split") -> Tensor:
        """`predict` on the CPU; under torchrun each process does every world-th image, and all get all."""
        rank, world = processes()
        if world == 1:
            return self.predict(split).cpu()
        rows = torch.arange(rank, len(split), world)
        taken = torch.zeros(len(split), dtype=torch.long, device=self.clip.device)
        taken[rows.to(taken.device)] = self.predict(split.subset(rows))
        dist.all_reduce(taken)
        return taken.cpu()
