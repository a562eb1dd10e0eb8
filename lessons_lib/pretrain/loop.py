"""Contrastive pre-training from scratch, small enough to read: streamed pairs, one loss, checkpoints, resume.

`data_scripts/pretraining/pretrain_toyclip.py` trains ToyCLIP with it, and `data_scripts/studies/study_pretraining.py`
the smaller models of lesson 01.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, IterableDataset

from lessons_lib.clip.blocks import fuses
from lessons_lib.clip.text_tower import TextTower
from lessons_lib.device import autocast, training_dtype
from lessons_lib.files import expanded
from lessons_lib.pretrain.losses import clip_loss
from lessons_lib.sealed import damaged, load_state, save_state

MEND = "delete it to start again, or give another path"


@dataclass(frozen=True)
class Settings:
    """What a run depends on, besides the model's configuration and the world that it sees."""

    steps: int = 4000
    batch_size: int = 256  # pairs a step, over all processes
    lr: float = 1e-3  # peak, after `warmup` steps; then a cosine down to `lr_end`
    lr_end: float = 1e-5
    warmup: int = 200
    weight_decay: float = 0.1  # of matrices; not of gains, biases and the temperature
    beta2: float = 0.98
    clip_grad: float = 1.0
    patch_dropout: float = 0.5  # share of patches left out in training (FLIP, Li et al. 2023), until `whole_from`
    whole_from: float = 0.85  # from this share of the steps on, images are seen whole
    seed: int = 0


class PairStream(IterableDataset):
    """Endless batches of freshly drawn pairs; batch k is a function of (seed, k, rank) alone, so a run can stop and go
    on anywhere.

    draw: (n, seed=…) -> (images (n, 3, H, W) uint8, captions); tokenize: captions -> (n, L).
    Yields (images (n, 3, H, W) uint8, tokens (n, L)) from step `start` on. Pairs are drawn `at_once` steps at a time.
    """

    def __init__(
        self,
        draw: Callable,
        tokenize: Callable,
        *,
        batch_size: int,
        seed: int,
        start: int = 0,
        rank: int = 0,
        at_once: int = 8,
    ):
        self.draw, self.tokenize, self.batch_size, self.seed = draw, tokenize, batch_size, seed
        self.start, self.rank, self.at_once = start, rank, at_once

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        block = self.start // self.at_once
        skip = self.start % self.at_once
        while True:
            images, captions = self.draw(self.batch_size * self.at_once, seed=(self.seed, self.rank, block))
            tokens = self.tokenize(captions)
            for i in range(skip, self.at_once):
                rows = slice(i * self.batch_size, (i + 1) * self.batch_size)
                yield images[rows].clone(), tokens[rows]
            block, skip = block + 1, 0

    def loader(self) -> DataLoader:
        """The same batches, drawn by another process while this one trains."""
        workers = {"num_workers": 1, "prefetch_factor": self.at_once, "worker_init_fn": _leave_the_cores}
        return DataLoader(self, batch_size=None, **workers)


def _leave_the_cores(worker: int) -> None:
    """Drawing takes one core; the others train."""
    torch.set_num_threads(1)


def learning_rate(step: int, s: Settings) -> float:
    """Linear warm-up, then half a cosine from `lr` to `lr_end`."""
    if step < s.warmup:
        return s.lr * (step + 1) / s.warmup
    t = (step - s.warmup) / max(1, s.steps - s.warmup)
    return s.lr_end + (s.lr - s.lr_end) * (1 + math.cos(math.pi * min(t, 1.0))) / 2


class Towers(nn.Module):
    """Both towers as one module, so that DistributedDataParallel sees one forward pass."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self._text = [TextTower(model)]  # in a list: it shares the model's parameters and must not register them twice

    def encode_texts(self, tokens: Tensor, groups: int = 4) -> Tensor:
        """(N, L) -> (N, D): in groups of like length, each cut at its last end-of-text, which changes no value."""
        text = self._text[0]
        order = text.end_positions(tokens).argsort()
        features = torch.cat([text.encode(part) for part in tokens[order].chunk(groups)])
        return features[order.argsort()]

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images: (N, 3, S, S) normalised; tokens: (N, L) -> unit vectors (N, D), (N, D) and the scale (a scalar)."""
        f = F.normalize(self.model.encode_image(images).float(), dim=-1)
        w = F.normalize(self.encode_texts(tokens).float(), dim=-1)
        return f, w, self.model.logit_scale.exp()


def make_optimizer(model: nn.Module, s: Settings) -> torch.optim.AdamW:
    """AdamW without weight decay on gains, biases, embeddings of the class token, and the temperature."""
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": s.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=s.lr, betas=(0.9, s.beta2), eps=1e-6, fused=True)


@dataclass
class Run:
    """A training run in progress.

    model: an open_clip CLIP; normalise: uint8 images -> what the model takes.
    make_towers: model -> the module that runs on (images, tokens), which may have a `head`, learned beside the model
    and left behind with the run; loss: what that module returns -> scalar.
    """

    model: nn.Module
    settings: Settings
    normalise: Callable[[Tensor], Tensor]
    device: torch.device = torch.device("cpu")
    autocast_dtype: torch.dtype | None | str = "auto"  # None: float32 throughout
    make_towers: Callable[[nn.Module], nn.Module] = Towers
    loss: Callable[..., Tensor] = clip_loss
    wrap: Callable[[nn.Module], nn.Module] = lambda module: module  # DistributedDataParallel, where there are several

    def __post_init__(self) -> None:
        self.step = 0
        if self.autocast_dtype == "auto":
            self.autocast_dtype = training_dtype(self.device)
        towers = self.make_towers(self.model)
        self.head: nn.Module | None = getattr(towers, "head", None)
        self.learned = nn.ModuleList([part for part in (self.model, self.head) if part is not None])
        self.optimizer = make_optimizer(self.learned, self.settings)
        self.towers = self.wrap(towers)
        positions = getattr(self.model.visual, "positional_embedding", None)  # a ResNet has none
        fused = fuses(self.device, 0 if positions is None else len(positions))
        everywhere = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
        self._attention = everywhere if fused else [SDPBackend.MATH]

    def train_step(self, images: Tensor, tokens: Tensor) -> float:
        """One step on one batch; returns the loss. Raises FloatingPointError when it is not a number; weights stay
        as they were.
        """
        images = self.normalise(images.to(self.device, non_blocking=True))
        return self.step_on(images, tokens.to(self.device, non_blocking=True))

    def step_on(self, *inputs: Tensor | None) -> float:
        """The same on what the towers take."""
        s = self.settings
        torch.manual_seed(s.seed * 1_000_003 + self.step)  # patch dropout: the same after a restart
        self.learned.train()
        whole = self.step >= s.whole_from * s.steps
        if hasattr(self.model.visual, "patch_dropout"):  # a ResNet has no patches
            self.model.visual.patch_dropout.prob = 0.0 if whole else s.patch_dropout
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, s)
        with sdpa_kernel(self._attention):
            with autocast(self.device, self.autocast_dtype):
                outputs = self.towers(*inputs)
            loss = self.loss(*outputs)
            loss.backward()
        value = float(loss.detach())  # waits for the device, as the lengths of texts do
        if not math.isfinite(value):
            self.optimizer.zero_grad(set_to_none=True)
            raise FloatingPointError(
                f"the loss became {value} at step {self.step}: lower lr (now {s.lr}) or lengthen warmup"
            )
        nn.utils.clip_grad_norm_(self.learned.parameters(), s.clip_grad)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.clamp_scale()
        self.step += 1
        return value

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """As CLIP: from 1 to 100."""
        self.model.logit_scale.clamp_(0, math.log(100))

    def save(self, path: str | Path, **extra) -> None:
        """Everything needed to go on, written whole or not at all."""
        state = {"step": self.step, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        head = {} if self.head is None else {"head": self.head.state_dict()}
        save_state(expanded(path), {**state, **head, **extra})

    def load(self, path: str | Path) -> dict:
        """Goes on from a checkpoint; returns what else was saved in it.

        Raises ValueError where it is damaged, or of another model.
        """
        path = expanded(path)
        state = load_state(path, MEND)
        if not {"model", "optimizer", "step"} <= state.keys():
            raise damaged(path, "it holds something else", MEND)
        try:
            self.model.load_state_dict(state.pop("model"))
            if self.head is not None:
                self.head.load_state_dict(state.pop("head"))
            self.optimizer.load_state_dict(state.pop("optimizer"))
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"the checkpoint '{path}' is of another model ({str(error).splitlines()[0]}): {MEND}"
            ) from error
        self.step = state.pop("step")
        return state
