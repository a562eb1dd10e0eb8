"""The fit loop that the prompt-learning papers share, on the numbers of a `Recipe`.

The learned parameters are float32; the frozen towers run under autocast where the CLIP's precision asks for it.

Runs can be killed and go on: with a checkpoint, all there is to know is written after every epoch, and what an epoch
draws, a loss from torch's own generators included (dropout), depends on the seed and the epoch's number alone. What a
method does behind an epoch (`Method.after_epoch`) is part of it: kept, gone on from and taken back with it.
Under torchrun every process takes its share of each batch and gradients are summed, so several GPUs end with the
weights that one gives, up to rounding.
"""

import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import nn
from tqdm.auto import tqdm

from lessons_lib.checkpoint import Checkpoint, key_of_run
from lessons_lib.device import drawing
from lessons_lib.files import expanded
from lessons_lib.inputs import Inputs, check_views
from lessons_lib.recipe import Recipe
from lessons_lib.room import out_of_memory

if TYPE_CHECKING:
    from lessons_lib.data import Split

CHECK_EVERY = 25  # steps between looks at the loss on a GPU, since each look waits for it


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
    inputs: Inputs | None = None,
) -> list[dict]:
    """Trains `method`, a `Method` with `loss(inputs, targets) -> scalar`, in place.

    augment: what makes an augmented view of a picture; `clip.augment` if not given.
    checkpoint: a file that is written after every epoch, and gone on from where it exists.
    workers: processes that open and augment image files.
    inputs: what gives the batches, with a `split` and `batches`; the `Inputs` of these views if not given.
    Returns a row an epoch: epoch, lr, loss (mean over its steps), seconds; `method.history` is the same list.
    Raises FloatingPointError when the loss or a parameter is no longer finite, with the parameters and the history as
    after the last good epoch; ValueError for a checkpoint of another run; MemoryError when a batch does not fit.
    """
    if len(split) == 0:
        raise ValueError("the training split has no images: there is nothing to learn from")
    check_views(views)
    recipe = recipe.on(len(split))
    rank, world = processes()
    optimizer = recipe.make_optimizer(_groups(method))
    key = "" if checkpoint is None else key_of_run(method, split, asdict(recipe), views, augment or method.clip.augment)
    path = None if checkpoint is None else expanded(checkpoint)
    saved = Checkpoint(path, key, writes=rank == 0)
    history, *states = saved.load(method, optimizer)
    method.history = history
    if len(history) == recipe.epochs:
        method.eval()
        return history
    pixels = method.learns_from_pixels
    inputs = inputs or Inputs(
        method.clip,
        split,
        views=views,
        seed=recipe.seed,
        pixels=pixels,
        output="unprojected" if method.learns_projection else "pooled",
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
                number = (recipe.seed * 1_000_003 + epoch) * 1_009 + rank
                with drawing(number, method.clip.device):  # torch's own generators start from it
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
            method.after_epoch(epoch, recipe.epochs)
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
            group["lr"] = recipe.learning_rate(epoch, done=(step - 1) / len(batches)) * group.get("times", 1.0)
        optimizer.zero_grad(set_to_none=True)
        if len(part):
            total += _differentiated(method, batch, part, len(part) / len(rows), recipe)
        if world > 1:
            _sum_gradients(optimizer)
        if device.type == "cpu" or step in (1, len(batches)) or step % CHECK_EVERY == 0:
            so_far = total.clone()
            if world > 1:  # so that all processes stop together
                dist.all_reduce(so_far)
            if not torch.isfinite(so_far):
                raise FloatingPointError(f"the loss is not a finite number any more in epoch {epoch}, step {step}")
        optimizer.step()
    finite = [p.isfinite().all() for group in optimizer.param_groups for p in group["params"]]
    if not torch.stack(finite).all():  # looked at together: each look waits for the device
        raise FloatingPointError(f"a parameter is not a finite number any more after epoch {epoch}, step {step}")
    return float(so_far) / len(batches)


def _differentiated(method: nn.Module, batch: Any, targets: torch.Tensor, share: float, recipe: Recipe) -> torch.Tensor:
    """The loss of this process's `share` of a batch, once its gradients are there. Where it does not fit into memory,
    it is tried again with less of it, if the method can."""
    while True:
        try:
            loss = method.loss(batch, targets) * share
            loss.backward()
            return loss.detach()
        except Exception as error:
            if not out_of_memory(error):
                raise
            method.zero_grad(set_to_none=True)
            if not (lowered := method.take_less_memory(len(targets))):
                raise MemoryError(_what_to_lower(method, recipe)) from error
        warnings.warn(f"a training step does not fit into memory: going on with {lowered}", stacklevel=2)


def _groups(method: nn.Module) -> list[nn.Parameter] | list[dict]:
    """What is learned, in groups of one learning rate where the method has several (`Method.LR_TIMES`)."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, p in method.named_parameters():
        if p.requires_grad:
            times = next((times for part, times in method.LR_TIMES.items() if name.startswith(f"{part}.")), 1.0)
            groups.setdefault(times, []).append(p)
    if set(groups) <= {1.0}:
        return groups.get(1.0, [])
    return [{"params": members, "times": times} for times, members in groups.items()]


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


def _what_to_lower(method: nn.Module, recipe: Recipe) -> str:
    other = "".join(f", or {name} (now {getattr(method, name)})" for name in method.MEMORY_ONLY)
    return (
        f"a training step of {type(method).__name__} does not fit into the memory of {method.clip.device}: lower "
        f"batch_size (now {recipe.batch_size}){other}"
    )
