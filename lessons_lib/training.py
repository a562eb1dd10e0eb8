"""The fit loop that the prompt-learning papers share, and the images that it is fed.

SGD with momentum 0.9 and weight decay 5e-4; a cosine schedule stepped once an epoch, with the first epoch at a constant
1e-5 (Dassl's settings, on which CoOp, CoCoOp, MaPLe and DAPT were built):
    lr(1) = 1e-5,    lr(e) = lr · (1 + cos(π (e − 2) / E)) / 2  for epochs e = 2 … E
The learned parameters are float32; the frozen towers run under autocast where the CLIP's precision asks for it.

Runs can be killed and go on: with a checkpoint, all there is to know is written after every epoch, and what an epoch
draws depends on the seed and the epoch's number alone. Under torchrun every process takes its share of each batch and
gradients are summed, so several GPUs end with the weights that one gives, up to rounding.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from .features import ViewsOf, image_features
from .files import atomic_write
from .suggest import nearest

if TYPE_CHECKING:
    from .clip import Clip
    from .data import Split

OPTIMIZERS = ("sgd", "adamw")
IN_MEMORY = 2 * 2**30  # bytes of preprocessed images that are kept from epoch to epoch
CHECK_EVERY = 25  # steps between looks at the loss on a GPU, since each look waits for it


@dataclass(frozen=True)
class Recipe:
    """How to train. `warmup_epochs` run at the constant `warmup_lr`."""

    epochs: int
    lr: float
    batch_size: int
    seed: int = 1
    optimizer: str = "sgd"  # or "adamw"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 1
    warmup_lr: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r}: give a whole number, at least 1")
        if not self.lr > 0 or not math.isfinite(self.lr):
            raise ValueError(f"lr={self.lr!r}: give a learning rate above 0")
        if self.optimizer not in OPTIMIZERS:
            hint = nearest(str(self.optimizer), OPTIMIZERS)
            raise ValueError(f"optimizer={self.optimizer!r}: use one of {OPTIMIZERS}. {hint}".strip())

    def learning_rate(self, epoch: int) -> float:
        """epoch: 1 … epochs."""
        if epoch <= self.warmup_epochs:
            return self.warmup_lr
        return self.lr * (1 + math.cos(math.pi * (epoch - 1 - self.warmup_epochs) / self.epochs)) / 2

    def make_optimizer(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        if self.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        return torch.optim.AdamW(parameters, lr=self.lr, weight_decay=self.weight_decay)


class Inputs:
    """What a method is fed for a split, batch by batch: preprocessed images, or the frozen tower's features of them.

    views: "plain", every image as it is; K, a number of augmented views made once, used in turn, one an epoch;
        "fresh", augmented anew every epoch, as published.
    pixels: give images (n, 3, S, S) rather than features (n, D).
    in_memory: bytes of preprocessed images that may be kept from epoch to epoch.
    """

    def __init__(
        self,
        clip: "Clip",
        split: "Split",
        *,
        views: str | int,
        seed: int,
        pixels: bool,
        workers: int = 0,
        in_memory: int = IN_MEMORY,
    ):
        if not (views in ("plain", "fresh") or (isinstance(views, int) and not isinstance(views, bool) and views >= 1)):
            raise ValueError(f"views={views!r}: give 'plain', a number of fixed augmented views, or 'fresh'")
        self.clip, self.split, self.views, self.seed, self.pixels = clip, split, views, seed, pixels
        self.workers = workers
        self.features: Tensor | None = None  # (K, N, D)
        if not pixels and views != "fresh":
            features = image_features(clip, split, view=views, seed=seed)
            self.features = features if features.ndim == 3 else features[None]
        count = len(split) * (views if isinstance(views, int) else 1)
        self.fits = views != "fresh" and count * 3 * clip.image_size**2 * 4 <= in_memory
        self._kept: dict[int, Tensor] = {}  # view -> (N, 3, S, S)

    def batches(self, epoch: int, chosen: list[Tensor]) -> Iterator[Tensor]:
        """For each tensor of positions (n,) the features (n, D), or images (n, 3, S, S), on the CLIP's device."""
        if self.features is not None:
            view = self.features[(epoch - 1) % len(self.features)]
            yield from (view[rows.to(view.device)] for rows in chosen)
            return
        for images in self._images(epoch, chosen):
            images = images.to(self.clip.device, non_blocking=True)
            yield images if self.pixels else self.clip.encode_images(images)

    def _images(self, epoch: int, chosen: list[Tensor]) -> Iterator[Tensor]:
        view = 0 if self.views == "plain" else epoch if self.views == "fresh" else (epoch - 1) % self.views
        if self.fits:
            if view not in self._kept:
                everything = [torch.arange(len(self.split))]
                self._kept[view] = next(iter(self._load(view, everything)))
            yield from (self._kept[view][rows] for rows in chosen)
        else:
            yield from self._load(view, chosen)

    def _load(self, view: int, chosen: list[Tensor]) -> Iterator[Tensor]:
        pixels = self.split.tensor() if self.views == "plain" else None
        if pixels is not None:
            return (self.clip.preprocess_tensor(pixels[rows]) for rows in chosen)
        plain = self.views == "plain"
        views = ViewsOf(
            self.split, self.clip.preprocess if plain else self.clip.augment, None if plain else [view], self.seed
        )
        loader = DataLoader(
            views,
            batch_sampler=[rows.tolist() for rows in chosen],
            num_workers=self.workers,
            pin_memory=self.clip.device.type == "cuda",
            generator=torch.Generator(),  # or it would draw from torch's own, and change what the caller draws next
        )
        return (images[:, 0] for images in loader)


def train(
    method: nn.Module,
    split: "Split",
    recipe: Recipe,
    *,
    views: str | int = "plain",
    checkpoint: str | Path | None = None,
    progress: bool = True,
    workers: int = 0,
) -> list[dict]:
    """Trains `method`, which has `clip`, `learns_from_pixels` and `loss(inputs, labels) -> scalar`, in place.

    checkpoint: a file that is written after every epoch, and gone on from where it exists.
    workers: processes that open and augment image files.
    Returns a row an epoch: epoch, lr, loss (mean over its steps), seconds.
    Raises FloatingPointError when the loss is no longer finite, with the parameters as after the last good epoch;
    ValueError for a checkpoint of another run; MemoryError when a batch does not fit.
    """
    if len(split) == 0:
        raise ValueError("the training split has no images: there is nothing to learn from")
    inputs = Inputs(
        method.clip, split, views=views, seed=recipe.seed, pixels=method.learns_from_pixels, workers=workers
    )
    parameters = [p for p in method.parameters() if p.requires_grad]
    optimizer = recipe.make_optimizer(parameters)
    saved = Checkpoint(checkpoint, method, optimizer, _key(method, split, recipe, views))
    history = saved.load()
    method.train()
    with tqdm(
        total=recipe.epochs, initial=len(history), unit="epoch", disable=not progress, leave=False, delay=1
    ) as bar:
        bar.set_description(f"{type(method).__name__}, {len(split)} images")
        for epoch in range(len(history) + 1, recipe.epochs + 1):
            start = time.perf_counter()
            good = [p.detach().clone() for p in parameters]
            try:
                loss = _epoch(method, inputs, optimizer, recipe, epoch)
            except FloatingPointError:
                with torch.no_grad():
                    for p, before in zip(parameters, good):
                        p.copy_(before)
                raise
            lr = recipe.learning_rate(epoch)
            history.append({"epoch": epoch, "lr": lr, "loss": loss, "seconds": time.perf_counter() - start})
            saved.write(history)
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}")
    method.eval()
    return history


def _epoch(method: nn.Module, inputs: Inputs, optimizer: torch.optim.Optimizer, recipe: Recipe, epoch: int) -> float:
    """One pass over the images, in a random order; the last batch is left out unless it is whole or the only one.
    Returns the mean loss of its steps."""
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate(epoch)
    draws = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    order = torch.randperm(len(inputs.split), generator=draws)
    whole = [rows for rows in order.split(recipe.batch_size) if len(rows) == recipe.batch_size] or [order]
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    mine = [rows[rank::world] for rows in whole]
    labels = inputs.split.labels
    total, unseen = torch.zeros((), device=method.clip.device), 0
    for step, (rows, part, batch) in enumerate(zip(whole, mine, inputs.batches(epoch, mine)), start=1):
        share = len(part) / len(rows)
        optimizer.zero_grad(set_to_none=True)
        try:
            loss = method.loss(batch, labels[part].to(method.clip.device)) * share if len(part) else None
            if loss is not None:
                loss.backward()
        except (torch.OutOfMemoryError, RuntimeError) as error:
            raise _in_words(error, method, recipe) from error
        total += 0 if loss is None else loss.detach()
        if world > 1:
            _sum_over_processes(optimizer, total if step == len(whole) else None)
        unseen += 1
        if method.clip.device.type == "cpu" or unseen == CHECK_EVERY or step == len(whole):
            unseen = 0
            if not torch.isfinite(total):
                raise FloatingPointError(
                    f"the loss is not a finite number any more in epoch {epoch}, step {step}, at learning rate "
                    f"{recipe.learning_rate(epoch):.3g}: the parameters are back where the epoch before left them. "
                    f"Fit again with a smaller lr (it was {recipe.lr:g})"
                )
        optimizer.step()
    return float(total) / len(whole)


def _sum_over_processes(optimizer: torch.optim.Optimizer, total: Tensor | None) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            dist.all_reduce(p.grad)
    if total is not None:
        dist.all_reduce(total)


def _in_words(error: RuntimeError, method: nn.Module, recipe: Recipe) -> Exception:
    """What to do where a batch does not fit into memory; other errors as they are."""
    text = str(error)
    if (
        not isinstance(error, torch.OutOfMemoryError)
        and "not enough memory" not in text
        and "can't allocate" not in text
    ):
        return error
    other = f", or max_prompts (now {method.max_prompts})" if hasattr(method, "max_prompts") else ""
    return MemoryError(
        f"a training step of {type(method).__name__} does not fit into the memory of {method.clip.device}: lower "
        f"batch_size (now {recipe.batch_size}){other}"
    )


class Checkpoint:
    """The state of a run in a file that is whole or not there; does nothing where the path is None."""

    def __init__(self, path: str | Path | None, method: nn.Module, optimizer: torch.optim.Optimizer, key: str):
        self.path = None if path is None else Path(path)
        self.method, self.optimizer, self.key = method, optimizer, key

    def write(self, history: list[dict]) -> None:
        if self.path is None or (dist.is_initialized() and dist.get_rank() > 0):
            return
        state = {
            "key": self.key,
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": history,
        }
        atomic_write(self.path, lambda temporary: torch.save(state, temporary))

    def load(self) -> list[dict]:
        """Puts the state back, and returns the history; an empty one where there is no file."""
        if self.path is None or not self.path.exists():
            return []
        try:
            state = torch.load(self.path, map_location=self.method.clip.device, weights_only=True)
            key = state["key"]
        except Exception as error:
            raise ValueError(
                f"the checkpoint '{self.path}' is damaged ({type(error).__name__}): delete it to start again"
            ) from error
        if key != self.key:
            raise ValueError(
                f"the checkpoint '{self.path}' belongs to another run (other settings, images or CLIP): give this run "
                "another path, or delete the file to start again"
            )
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        return state["history"]


def _key(method: nn.Module, split: "Split", recipe: Recipe, views: str | int) -> str:
    """Everything that a run depends on, as a digest."""
    parts = {
        "method": type(method).__name__,
        "settings": method.settings(),
        "classnames": method.classnames,
        "clip": method.clip.fingerprint,
        "images": split.fingerprint,
        "labels": split.labels.tolist(),
        "recipe": asdict(recipe),
        "views": views,
    }
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
