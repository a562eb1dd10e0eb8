"""`Clip`: a frozen open_clip model with what belongs to it, its tokenizer and its transforms."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import torch
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from torch import nn

from lessons_lib.clip.audio import AudioCLIP, AudioTower, check_sounds
from lessons_lib.clip.blocks import Change, unit
from lessons_lib.clip.building import content_of
from lessons_lib.clip.dense import Dense
from lessons_lib.clip.image_tower import ImageTower
from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.clip.text_tower import TextTower, Words
from lessons_lib.clip.tokens import tokenize
from lessons_lib.clip.transforms import Transforms, check_images
from lessons_lib.device import at_once, autocast, layout, precision_name, resolve_device, resolve_precision
from lessons_lib.room import Rooms


class Clip:
    """Two frozen towers into one joint space of width D: images and texts become unit vectors that can be compared.

    model: open_clip's module, in evaluation mode, float32, no gradients.   tokenizer: open_clip's, for this model.
    name, device, precision ("fp32", "bf16" or "fp16": what autocast computes in)
    preprocess: PIL.Image -> (3, S, S), turned and laid on white as by `load_task`.   preprocess_tensor: the same
        values of (N, 3, H, W) uint8.   augment: as preprocess, at random, for training;
        make_augment(scale): at another crop scale (see `Transforms`).   room: how many of a kind fit at once.
    logit_scale: what cosine similarities are multiplied by, a float (100 for OpenAI's models).
    towers: {"image": ImageTower, "text": TextTower}, the halves opened up, by name (also image_tower and text_tower);
        beside them "audio" where the model hears: `audio.AudioCLIP`.
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
        self.model = model.eval().requires_grad_(False)
        self.model.to(self.device, torch.float32, memory_format=layout(self.device))
        self.room = Rooms(at_once(self.device))
        self.tokenizer = tokenizer
        self.model_cfg = model_cfg
        self.transforms = Transforms(
            PreprocessCfg(**merge_preprocess_dict(preprocess_cfg or {}, {"size": model.visual.image_size}))
        )
        self.preprocess, self.preprocess_tensor = self.transforms.preprocess, self.transforms.preprocess_tensor
        self.make_augment, self.augment = self.transforms.make_augment, self.transforms.make_augment()
        self.towers = {"image": ImageTower(self.model, name), "text": TextTower(self.model, name)}
        self.towers |= {"audio": AudioTower(self.model, name)} if isinstance(self.model, AudioCLIP) else {}
        self.logit_scale = float(self.model.logit_scale.detach().exp())
        self.embed_dim = int(model_cfg["embed_dim"])
        self.context_length = int(tokenizer.context_length)  # the module's is another thing in towers from elsewhere
        self.image_size = self.transforms.size[0]
        self.image_mean, self.image_std = self.transforms.config.mean, self.transforms.config.std

    @property
    def image_tower(self) -> ImageTower:
        return self.towers["image"]

    @property
    def text_tower(self) -> TextTower:
        return self.towers["text"]

    def tokenize(self, texts: str | Sequence[str]) -> torch.Tensor:
        """texts -> (N, context_length) token ids. Raises ValueError for a text that is too long: nothing is cut."""
        return tokenize(self.tokenizer, texts, self.context_length)

    def encode_images(
        self,
        images: torch.Tensor,
        *,
        normalised: bool = True,
        projected: bool = True,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> torch.Tensor:
        """images: (N, 3, S, S) float, preprocessed -> (N, D) float32, L2-normalised, on the model's device.

        normalised: False for embeddings of the length that the tower gives them.
        projected: False for what the last projection is given, (N, d_v), not normalised.
        batch_size: 32 on a CPU (larger ones leave its caches), 256 elsewhere, fewer where so many do not fit into
            memory.   progress: show a bar.
        Raises ValueError for images of another shape or dtype.
        """
        self.check_images(images)
        tower = self.image_tower
        features = torch.empty(len(images), self.embed_dim if projected else tower.width, device=self.device)
        room = self.room("images", batch_size)
        for rows in room.parts(len(images), progress=progress):
            with room.tried(rows), torch.inference_mode(), autocast(self.device, self.precision):
                batch = images[rows].to(self.device, torch.float32, non_blocking=True)
                encoded = tower.encode(batch) if projected else tower.encode_unprojected(batch)
                features[rows] = unit(encoded) if projected and normalised else encoded
        return features

    def encode_dense(
        self,
        images: torch.Tensor,
        *,
        last: str = "attention",
        residual: bool | None = None,
        hooks: Sequence[int] = (),
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Dense:
        """images: (N, 3, H, W), sides multiples of the patch -> Dense: pooled (N, D), as `encode_images` gives it;
        tokens (N, h, w, D), one a patch; both float32 and L2-normalised; hooks (N, 1 + h · w, d_v), as they are.

        last, residual: how the last block makes the tokens (see `dense`); hooks: numbers of blocks, from 1, whose rows
            are wanted: see `ImageTower.encode_dense`.   batch_size, progress: as in `encode_images`.
        Raises ValueError for images of a wrong shape or dtype, and for models that have no such tokens.
        """
        self.check_images(images, any_size=True)
        parts, room = [], self.room("images", batch_size)
        for rows in room.parts(len(images), progress=progress):
            with room.tried(rows), torch.inference_mode():
                parts.append(self.encode_prompted_dense(images[rows], last=last, residual=residual, hooks=hooks))
        pooled, tokens, seen = zip(*parts or [self.encode_prompted_dense(images, last=last, hooks=hooks)])
        return Dense(torch.cat(pooled), torch.cat(tokens), tuple(torch.cat(each) for each in zip(*seen)))

    def encode_texts(
        self, texts: str | Sequence[str], *, batch_size: int | None = None, progress: bool = False
    ) -> torch.Tensor:
        """texts: N strings -> (N, D) float32, L2-normalised, on the model's device.

        Texts are batched by length and run only up to the last end-of-text of their batch, which gives the same values
        (see `text_tower`); models other than open_clip's CLIP class go through their own `encode_text`."""
        tokens = self.tokenize(texts)  # (N, L)
        order = (tokens != 0).sum(dim=-1).argsort()  # short texts first
        features = torch.empty(len(tokens), self.embed_dim, device=self.device)
        room = self.room("texts", batch_size)
        for rows in room.parts(len(tokens), progress=progress):
            with room.tried(rows), torch.inference_mode(), autocast(self.device, self.precision):
                batch = tokens[order[rows]].to(self.device, non_blocking=True)
                features[order[rows].to(self.device)] = unit(self.text_tower.encode(batch))
        return features

    def encode_sounds(self, waves: torch.Tensor, *, batch_size: int | None = None) -> torch.Tensor:
        """waves: (N, 8000) float, one second each -> (N, D) float32, L2-normalised, on the model's device. Raises
        ValueError for waves of another shape or dtype, and where there is no audio tower."""
        check_sounds(waves, self.towers.get("audio"), self.name)
        features = torch.empty(len(waves), self.embed_dim, device=self.device)
        room = self.room("sounds", batch_size)
        for rows in room.parts(len(waves)):
            with room.tried(rows), torch.inference_mode(), autocast(self.device, self.precision):
                features[rows] = unit(self.towers["audio"].encode(waves[rows].to(self.device, torch.float32)))
        return features

    def encode_words(self, texts: str | Sequence[str], *, batch_size: int | None = None) -> Words:
        """texts: N strings -> Words: rows (N, L, D) float32, each position L2-normalised, 0 behind a text's end; mask
        (N, L) bool. L: positions of the longest text. The last row of a text is what `encode_texts` gives.

        Raises ValueError for models other than open_clip's CLIP class."""
        self.text_tower.check_cuts()
        tokens = self.tokenize(texts)  # (N, L)
        length = int(self.text_tower.end_positions(tokens).max()) + 1 if len(tokens) else 0
        tokens = tokens[:, :length]
        rows = torch.zeros(*tokens.shape, self.embed_dim, device=self.device)
        mask = torch.zeros(tokens.shape, dtype=torch.bool, device=self.device)
        room = self.room("texts", batch_size)
        for part in room.parts(len(tokens)):
            with room.tried(part), torch.inference_mode(), autocast(self.device, self.precision):
                words, mask[part] = self.text_tower.encode_words(tokens[part].to(self.device))
                rows[part] = unit(words) * mask[part][..., None]
        return Words(rows, mask)

    def encode_prompts(
        self,
        layout: PromptLayout,
        context: torch.Tensor | None = None,
        deep: Sequence[torch.Tensor] = (),
        *,
        change: Sequence[Change | None] | None = None,
    ) -> torch.Tensor:
        """Prompts with learnable context -> (C, D), or (G, C, D), float32, L2-normalised and differentiable in the
        context and the change: see `TextTower.encode_prompts`. Whole texts: `PromptLayout.of_texts`, no context."""
        with autocast(self.device, self.precision):
            return unit(self.text_tower.encode_prompts(layout, context, deep, change=change))

    def encode_prompted_images(
        self,
        images: torch.Tensor,
        prompts: torch.Tensor | None = None,
        deep: Sequence[torch.Tensor] = (),
        *,
        before_ln_pre: bool = False,
        change: Sequence[Change | None] | None = None,
    ) -> torch.Tensor:
        """images: (N, 3, S, S), with prompts beside their patches or a change of the attention -> (N, D) float32,
        L2-normalised and differentiable in them: see `ImageTower.encode`. Unlike `encode_images`, all at once."""
        self.check_images(images)
        with autocast(self.device, self.precision):
            images = images.to(self.device, torch.float32, non_blocking=True)
            return unit(self.image_tower.encode(images, prompts, deep, before_ln_pre=before_ln_pre, change=change))

    def encode_prompted_dense(
        self,
        images: torch.Tensor,
        prompts: torch.Tensor | None = None,
        deep: Sequence[torch.Tensor] = (),
        **settings,
    ) -> Dense:
        """As `encode_prompted_images`, tokens beside the pooled vector: settings as in `ImageTower.encode_dense`."""
        self.check_images(images, any_size=True)
        with autocast(self.device, self.precision):
            images = images.to(self.device, torch.float32, non_blocking=True)
            pooled, tokens, seen = self.image_tower.encode_dense(images, prompts, deep, **settings)
            return Dense(unit(pooled), unit(tokens), tuple(each.float() for each in seen))

    @contextmanager
    def plain_towers(self) -> Iterator[None]:
        """In this context prompts take the plain path, through open_clip's own blocks, whole: to compare with."""
        for tower in self.towers.values():
            tower.plain = True
        try:
            yield
        finally:
            for tower in self.towers.values():
                tower.plain = False

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of weights and what is computed with them, taken once: they are frozen. Caches use it as a key."""
        return content_of(self.model)

    def check_images(self, images: torch.Tensor, *, any_size: bool = False) -> None:
        """Raises ValueError for what is not (N, 3, S, S) float, or with `any_size`, where the tower opens, (N, 3, H, W)
        with sides that are multiples of the patch."""
        patch = self.model.visual.patch_size if any_size and self.image_tower.opens else None
        check_images(images, self.transforms.size, patch)

    def __repr__(self) -> str:
        return (
            f"Clip({self.name!r}, embed_dim={self.embed_dim}, image_size={self.image_size}, "
            f"context_length={self.context_length}, device='{self.device}', precision='{self.precision}')"
        )
