"""`Clip`: a frozen open_clip model with what belongs to it, its tokenizer and its transforms."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import torch
import torch.nn.functional as F
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from torch import nn
from tqdm.auto import tqdm

from lessons_lib.clip.image_tower import ImageTower
from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.clip.text_tower import TextTower
from lessons_lib.clip.tokens import tokenize
from lessons_lib.clip.transforms import Transforms, describe
from lessons_lib.device import autocast, precision_name, resolve_device, resolve_precision


class Clip:
    """Two frozen towers into one joint space of width D: images and texts become unit vectors that can be compared.

    model: open_clip's module, in evaluation mode, float32, no gradients.   tokenizer: open_clip's, for this model.
    name, device, precision ("fp32", "bf16" or "fp16": what autocast computes in)
    preprocess: PIL.Image -> (3, S, S).   augment: the same at random, for training.
    logit_scale: what cosine similarities are multiplied by, a float (100 for OpenAI's models).
    text_tower, image_tower: the two halves opened up, for prompts to enter.
    embed_dim: D.   context_length: positions of the text tower.   image_size: S.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Callable,
        *,
        name: str,
        model_cfg: dict,
        preprocess_cfg: dict | None = None,
        device: str | torch.device = "cpu",
        precision: str = "auto",
    ) -> None:
        self.name = name
        self.device = resolve_device(device)
        self.precision = precision_name(resolve_precision(precision, self.device))
        self.model = model.eval().requires_grad_(False).to(self.device, torch.float32)
        self.tokenizer = tokenizer
        self.model_cfg = model_cfg
        self.transforms = Transforms(
            PreprocessCfg(**merge_preprocess_dict(preprocess_cfg or {}, {"size": model.visual.image_size}))
        )
        self.preprocess = self.transforms.preprocess
        self.augment = self.transforms.make_augment()
        self.text_tower = TextTower(self.model, name)
        self.image_tower = ImageTower(self.model, name)
        self.logit_scale = float(self.model.logit_scale.detach().exp())
        self.embed_dim = int(model_cfg["embed_dim"])
        self.context_length = int(tokenizer.context_length)  # the module's is another thing in towers from elsewhere
        self.image_size = self.transforms.size[0]
        self.image_mean, self.image_std = self.transforms.config.mean, self.transforms.config.std

    def make_augment(self, scale: tuple[float, float] = (0.08, 1.0)) -> Callable:
        """The training transform at another crop scale: see `Transforms.make_augment`."""
        return self.transforms.make_augment(scale)

    def preprocess_tensor(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, 3, H, W) uint8 -> (N, 3, S, S) float32, the values that `preprocess` gives."""
        return self.transforms.preprocess_tensor(images)

    def tokenize(self, texts: str | Sequence[str]) -> torch.Tensor:
        """texts -> (N, context_length) token ids. Raises ValueError for a text that is too long: nothing is cut."""
        return tokenize(self.tokenizer, texts, self.context_length)

    def encode_images(
        self, images: torch.Tensor, *, batch_size: int | None = None, progress: bool = False
    ) -> torch.Tensor:
        """images: (N, 3, S, S) float, preprocessed -> (N, D) float32, L2-normalised, on the model's device.

        batch_size: 32 on a CPU (larger ones leave its caches), 256 elsewhere.   progress: show a bar.
        Raises ValueError for images of another shape or dtype.
        """
        self.check_images(images)
        features = torch.empty(len(images), self.embed_dim, device=self.device)
        for rows in self._batches(len(images), batch_size, "images", progress):
            with torch.inference_mode(), autocast(self.device, self.precision):
                batch = images[rows].to(self.device, torch.float32, non_blocking=True)
                features[rows] = F.normalize(self.image_tower.encode(batch).float(), dim=-1)
        return features

    def encode_texts(
        self, texts: str | Sequence[str], *, batch_size: int | None = None, progress: bool = False
    ) -> torch.Tensor:
        """texts: N strings -> (N, D) float32, L2-normalised, on the model's device.

        Texts are batched by length and run only up to the last end-of-text of their batch, which gives the same values
        (see `text_tower`); models other than open_clip's CLIP class go through their own `encode_text`.
        """
        tokens = self.tokenize(texts)  # (N, L)
        order = (tokens != 0).sum(dim=-1).argsort()  # short texts first
        features = torch.empty(len(tokens), self.embed_dim, device=self.device)
        for rows in self._batches(len(tokens), batch_size, "texts", progress):
            with torch.inference_mode(), autocast(self.device, self.precision):
                batch = tokens[order[rows]].to(self.device, non_blocking=True)
                features[order[rows].to(self.device)] = F.normalize(self.text_tower.encode(batch).float(), dim=-1)
        return features

    def encode_prompts(self, layout: PromptLayout, context: torch.Tensor, deep: Sequence[torch.Tensor] = ()):
        """Prompts with learnable context -> (C, D), or (G, C, D), float32, L2-normalised and differentiable in the
        context: see `TextTower.encode_prompts`."""
        with autocast(self.device, self.precision):
            features = self.text_tower.encode_prompts(layout, context, deep)
        return F.normalize(features.float(), dim=-1)

    def encode_prompted_images(
        self,
        images: torch.Tensor,
        prompts: torch.Tensor | None = None,
        deep: Sequence[torch.Tensor] = (),
        *,
        before_ln_pre: bool = False,
    ) -> torch.Tensor:
        """images: (N, 3, S, S), with prompts beside their patches -> (N, D) float32, L2-normalised and differentiable
        in the prompts and the images: see `ImageTower.encode`. Unlike `encode_images`, all at once."""
        self.check_images(images)
        with autocast(self.device, self.precision):
            images = images.to(self.device, torch.float32, non_blocking=True)
            features = self.image_tower.encode(images, prompts, deep, before_ln_pre=before_ln_pre)
        return F.normalize(features.float(), dim=-1)

    @contextmanager
    def plain_towers(self) -> Iterator[None]:
        """In this context prompts take the plain path, through open_clip's own blocks, whole: to compare with."""
        self.text_tower.plain = self.image_tower.plain = True
        try:
            yield
        finally:
            self.text_tower.plain = self.image_tower.plain = False

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of configuration and weights, taken once: the weights are frozen. Caches use it as a key."""
        digest = hashlib.sha256(json.dumps(self.model_cfg, sort_keys=True, default=str).encode())
        for name, tensor in self.model.state_dict().items():
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    def check_images(self, images: torch.Tensor) -> None:
        expected = (3, *self.transforms.size)
        wanted = f"encode_images takes preprocessed images, (N, {', '.join(map(str, expected))}) float"
        if not isinstance(images, torch.Tensor):
            raise ValueError(
                f"{wanted}; got {describe(images)}: stack them with torch.stack([clip.preprocess(i) for i in images])"
            )
        if not images.is_floating_point():
            raise ValueError(f"{wanted}; got {describe(images)}: pass them through clip.preprocess_tensor first")
        if images.shape == expected:
            raise ValueError(f"{wanted}; got one image, {describe(images)}: add a dimension with images[None]")
        if images.ndim != 4 or tuple(images.shape[1:]) != expected:
            raise ValueError(f"{wanted}; got {describe(images)}: pass pictures through clip.preprocess first")

    def _batches(self, count: int, batch_size: int | None, unit: str, progress: bool) -> Iterator[slice]:
        """Slices that cover range(count), with a progress bar if asked for."""
        if batch_size is None:
            batch_size = 32 if self.device.type == "cpu" else 256
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} must be at least 1")
        with tqdm(total=count, unit=f" {unit}", disable=not progress, leave=False) as bar:
            for start in range(0, count, batch_size):
                yield slice(start, start + batch_size)
                bar.update(min(batch_size, count - start))

    def __repr__(self) -> str:
        return (
            f"Clip({self.name!r}, embed_dim={self.embed_dim}, image_size={self.image_size}, "
            f"context_length={self.context_length}, device='{self.device}', precision='{self.precision}')"
        )
