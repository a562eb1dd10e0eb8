"""The fit loop that the prompt-learning papers share.

SGD with momentum 0.9 and weight decay 5e-4; a cosine schedule stepped once an epoch, with the first epoch at a constant
1e-5 (Dassl's settings, on which CoOp, CoCoOp, MaPLe and DAPT were built):
    lr(1) = 1e-5,    lr(e) = lr · (1 + cos(π (e − 2) / E)) / 2  for epochs e = 2 … E
Tip-Adapter-F steps the cosine once a step instead, from `lr` to nearly 0, without warm-up (schedule="step").
The learned parameters are float32; the frozen towers run under autocast where the CLIP's precision asks for it.

Runs can be killed and go on: with a checkpoint, all there is to know is written after every epoch, and what an epoch
draws depends on the seed and the epoch's number alone. Under torchrun every process takes its share of each batch and
gradients are summed, so several GPUs end with the weights that one gives, up to rounding.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import nn
from tqdm.auto import tqdm

from lessons_lib.checkpoint import Checkpoint
from lessons_lib.features import transform_name
from lessons_lib.identity import digest
from lessons_lib.inputs import Inputs, check_views
from lessons_lib.suggest import nearest

if TYPE_CHECKING:
    from lessons_lib.data import Split

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("epoch", "step")
CHECK_EVERY = 25  # steps between looks at the loss on a GPU, since each look waits for it


@dataclass(frozen=True)
class Recipe:
    """How to train. `warmup_epochs` run at the constant `warmup_lr`; the cosine goes down once an epoch, or a step."""

    epochs: int
    lr: float
    batch_size: int
    seed: int = 1
    optimizer: str = "sgd"  # or "adamw"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 1
    warmup_lr: float = 1e-5
    eps: float = 1e-8  # of AdamW
    schedule: str = "epoch"  # or "step"
    drop_last: bool = True  # leave out a last batch that is not whole, unless it is the only one

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}={value!r}: give a whole number, at least {least}")
            object.__setattr__(self, name, int(value))  # numpy's numbers are whole, too
        if isinstance(self.lr, bool) or not isinstance(self.lr, Real) or not 0 < self.lr < math.inf:
            raise ValueError(f"lr={self.lr!r}: give a learning rate, a number above 0")
        object.__setattr__(self, "lr", float(self.lr))
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name}={value!r}: use one of {known}. {nearest(str(value), known)}".strip())

    def learning_rate(self, epoch: int, done: float = 0.0) -> float:
        """epoch: 1 … epochs.   done: share of its steps that are done, 0 to 1, where the schedule goes by steps."""
        if epoch <= self.warmup_epochs:
            return self.warmup_lr
        done = done if self.schedule == "step" else 0.0
        return self.lr * (1 + math.cos(math.pi * (epoch - 1 - self.warmup_epochs + done) / self.epochs)) / 2

    def make_optimizer(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        if self.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        return torch.optim.AdamW(parameters, lr=self.lr, eps=self.eps, weight_decay=self.weight_decay)


def train(
    method: nn.Module,
    split: "Split",
    recipe: Recipe,
    *,
    views: str | int = "plain",
    augment: Callable | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    workers: int = 0,
) -> list[dict]:
    """Trains `method`, a `Method` with `loss(inputs, targets) -> scalar`, in place.

    augment: what makes an augmented view of a picture; `clip.augment` if not given.
    checkpoint: a file that is written after every epoch, and gone on from where it exists.
    workers: processes that open and augment image files.
    Returns a row an epoch: epoch, lr, loss (mean over its steps), seconds; `method.history` is the same list.
    Raises FloatingPointError when the loss or a parameter is no longer finite, with the parameters and the history as
    after the last good epoch; ValueError for a checkpoint of another run; MemoryError when a batch does not fit.
    """
    if len(split) == 0:
        raise ValueError("the training split has no images: there is nothing to learn from")
    check_views(views)
    rank, world = processes()
    parameters = [p for p in method.parameters() if p.requires_grad]
    optimizer = recipe.make_optimizer(parameters)
    key = "" if checkpoint is None else _key(method, split, recipe, views, augment or method.clip.augment)
    saved = Checkpoint(checkpoint, key, writes=rank == 0)
    history, *states = saved.load(method, optimizer)
    method.history = history
    if len(history) == recipe.epochs:
        method.eval()
        return history
    pixels = method.learns_from_pixels
    inputs = Inputs(
        method.clip,
        split,
        views=views,
        seed=recipe.seed,
        pixels=pixels,
        augment=augment,
        workers=workers,
        progress=progress,
    )
    bar = tqdm(
        total=recipe.epochs,
        initial=len(history),
        desc=f"{type(method).__name__}, {len(split)} images",
        unit="epoch",
        disable=not progress or rank > 0,
        leave=False,
        delay=1,
    )
    states.append(_state(method, optimizer))  # after the last epoch, behind that of the one before where there is one
    method.train()
    try:
        for epoch in range(len(history) + 1, recipe.epochs + 1):
            start = time.perf_counter()
            try:
                loss = _epoch(method, inputs, optimizer, recipe, epoch)
            except FloatingPointError as error:
                _go_back(method, optimizer, states, history)
                saved.write(history, *states[::-1])
                then = f"after epoch {len(history)}" if history else "before the first epoch"
                raise FloatingPointError(
                    f"{error}, at learning rate {recipe.learning_rate(epoch):.3g}. The parameters are back as they "
                    f"were {then}: fit again with a smaller lr (it was {recipe.lr:g})"
                ) from None
            lr = recipe.learning_rate(epoch)
            history.append({"epoch": epoch, "lr": lr, "loss": loss, "seconds": time.perf_counter() - start})
            states = [states[-1], _state(method, optimizer)]
            saved.write(history, *states[::-1])
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}")
    finally:
        bar.close()
        method.eval()
    if checkpoint is not None and world > 1:  # no process goes on before the file is whole
        dist.all_reduce(torch.zeros(1, device=method.clip.device))
    return history


def _epoch(method: nn.Module, inputs: Inputs, optimizer: torch.optim.Optimizer, recipe: Recipe, epoch: int) -> float:
    """One pass over the images, in a random order. Returns the mean loss of its steps."""
    draws = torch.Generator().manual_seed(recipe.seed * 1_000_003 + epoch)
    order = torch.randperm(len(inputs.split), generator=draws)
    batches = list(order.split(recipe.batch_size))
    if recipe.drop_last and len(batches) > 1 and len(batches[-1]) < recipe.batch_size:
        batches.pop()
    rank, world = processes()
    mine = [rows[rank::world] for rows in batches]
    device = method.clip.device
    targets = inputs.split.targets.batch(torch.cat(mine)).to(device)  # one copy an epoch
    targets = targets.split([len(part) for part in mine])
    total = torch.zeros((), device=device)
    for step, (rows, part, batch) in enumerate(zip(batches, targets, inputs.batches(epoch, mine)), start=1):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate(epoch, done=(step - 1) / len(batches))
        optimizer.zero_grad(set_to_none=True)
        if len(part):
            share = len(part) / len(rows)
            try:
                loss = method.loss(batch, part) * share
                loss.backward()
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                raise MemoryError(_what_to_lower(method, recipe)) from error
            total += loss.detach()
        if world > 1:
            _sum_gradients(optimizer)
        if device.type == "cpu" or step in (1, len(batches)) or step % CHECK_EVERY == 0:
            so_far = total.clone()
            if world > 1:  # so that all processes stop together
                dist.all_reduce(so_far)
            if not torch.isfinite(so_far):
                raise FloatingPointError(f"the loss is not a finite number any more in epoch {epoch}, step {step}")
        optimizer.step()
    if not all(p.isfinite().all() for group in optimizer.param_groups for p in group["params"]):
        raise FloatingPointError(f"a parameter is not a finite number any more after epoch {epoch}, step {step}")
    return float(so_far) / len(batches)


def _state(method: nn.Module, optimizer: torch.optim.Optimizer) -> dict:
    """A copy of all that a step changes."""
    state = {name: value.detach().clone() for name, value in method.state_dict().items()}
    return {"method": state, "optimizer": copy.deepcopy(optimizer.state_dict())}


def _go_back(method: nn.Module, optimizer: torch.optim.Optimizer, states: list[dict], history: list[dict]) -> None:
    """Puts the state back to the start of the epoch, the last of `states`; where its very first loss was lost already,
    it is the epoch before that went wrong, in its last step, so that one is taken back as well."""
    now = method.state_dict()
    if len(states) > 1 and all(torch.equal(now[name], value) for name, value in states[-1]["method"].items()):
        states.pop()
        history.pop()
    method.load_state_dict(states[-1]["method"])
    optimizer.load_state_dict(states[-1]["optimizer"])


def processes() -> tuple[int, int]:
    """(rank, world): this process's number, and how many there are; (0, 1) outside of torch.distributed."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def _sum_gradients(optimizer: torch.optim.Optimizer) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            dist.all_reduce(p.grad)


def _is_out_of_memory(error: RuntimeError) -> bool:
    text = str(error)
    return (
        isinstance(error, torch.cuda.OutOfMemoryError) or "not enough memory" in text or "can't allocate memory" in text
    )


def _what_to_lower(method: nn.Module, recipe: Recipe) -> str:
    other = "".join(f", or {name} (now {getattr(method, name)})" for name in method.MEMORY_ONLY)
    return (
        f"a training step of {type(method).__name__} does not fit into the memory of {method.clip.device}: lower "
        f"batch_size (now {recipe.batch_size}){other}"
    )


def _key(method: nn.Module, split: "Split", recipe: Recipe, views: str | int, augment: Callable) -> str:
    """Everything that a run depends on, as a digest."""
    clip = method.clip
    return digest(
        {
            "method": type(method).__name__,
            "format": method.FORMAT,
            "arguments": method.arguments(),
            "classnames": method.classnames,
            "template": method.task_template,
            "clip": [clip.fingerprint, clip.precision],
            "images": split.fingerprint,
            "targets": split.targets.fingerprint,
            "recipe": asdict(recipe),
            "views": views,
            "transform": repr(clip.transforms) if views == "plain" else transform_name(augment),
        }
    )
