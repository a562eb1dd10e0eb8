"""How to train: the numbers of a run, and the learning rate at each of its steps.

The defaults are Dassl's, on which CoOp, CoCoOp, MaPLe and DAPT were built: SGD with momentum 0.9 and weight decay 5e-4;
a cosine schedule stepped once an epoch, with the first epoch at a constant 1e-5:
    lr(1) = 1e-5,    lr(e) = lr · (1 + cos(π (e − 2) / E)) / 2  for epochs e = 2 … E
Tip-Adapter-F steps the cosine once a step instead, from `lr` to nearly 0, without warm-up (schedule="step"). LSeg, as
DeepLab did, goes down by a power (schedule="poly"): lr · (1 − t)^0.9, t the share of all steps that are done.
"""

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real

import torch
from torch import nn

from lessons_lib.suggest import nearest

LARGEST_LR = 3.4e38  # that float32 holds
OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("epoch", "step", "poly")
POWER = 0.9  # of "poly"


@dataclass(frozen=True)
class Recipe:
    """How to train. `warmup_epochs` run at the constant `warmup_lr`; then the rate goes down, by `schedule`.

    Of how many images there are only `on` knows: it turns steps into epochs, and a whole batch into a number.
    """

    epochs: int | None  # None where `steps` says how long
    lr: float
    batch_size: int | None  # None: all images in every step
    seed: int = 1
    optimizer: str = "sgd"  # or "adamw"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 1
    warmup_lr: float = 1e-5
    eps: float = 1e-8  # of AdamW
    schedule: str = "epoch"  # a cosine an epoch; "step": a step; "poly": a power, a step
    drop_last: bool = True  # leave out a last batch that is not whole, unless it is the only one
    min_lr: float | None = None  # where the schedule ends; None: at 0
    steps: int | None = None  # in the place of epochs, rounded up to whole passes over the images

    def __post_init__(self) -> None:
        length = "epochs" if self.steps is None else "steps"
        if self.epochs is not None and self.steps is not None:
            raise ValueError(f"epochs={self.epochs!r}, steps={self.steps!r}: give one of them")
        for name, least in ((length, 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if name == "batch_size" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}={value!r}: give a whole number, at least {least}")
            object.__setattr__(self, name, int(value))  # numpy's numbers are whole, too
        if isinstance(self.lr, bool) or not isinstance(self.lr, Real) or not 0 < self.lr <= LARGEST_LR:
            raise ValueError(f"lr={self.lr!r}: give a learning rate, a number above 0, at most {LARGEST_LR:.2g}")
        object.__setattr__(self, "lr", float(self.lr))
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name}={value!r}: use one of {known}. {nearest(str(value), known)}".strip())

    def on(self, images: int) -> "Recipe":
        """The same for so many training images: with epochs, and a number for its batch size."""
        size = images if self.batch_size is None else self.batch_size
        if self.epochs is not None:
            return replace(self, batch_size=size)
        short = 0 if self.drop_last and images >= size else images % size > 0
        return replace(self, epochs=math.ceil(self.steps / (images // size + short)), steps=None, batch_size=size)

    def learning_rate(self, epoch: int, done: float = 0.0) -> float:
        """epoch: 1 … epochs.   done: share of its steps that are done, 0 to 1, where the schedule goes by steps."""
        if epoch <= self.warmup_epochs:
            return self.warmup_lr
        done = done if self.schedule in ("step", "poly") else 0.0
        share = (epoch - 1 - self.warmup_epochs + done) / self.epochs
        height = (1 - share) ** POWER if self.schedule == "poly" else (1 + math.cos(math.pi * share)) / 2  # 1 to 0
        low = self.min_lr or 0.0
        return low + (self.lr - low) * height

    def make_optimizer(self, parameters: list[nn.Parameter] | list[dict]) -> torch.optim.Optimizer:
        """parameters: as torch takes them, groups of them too. AdamW with weight_decay=0 is Adam; on an accelerator
        its step is one operation for all of them."""
        if self.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        groups = [one["params"] if isinstance(one, dict) else [one] for one in parameters]
        fused = all(p.device.type != "cpu" for group in groups for p in group)
        return torch.optim.AdamW(parameters, lr=self.lr, eps=self.eps, weight_decay=self.weight_decay, fused=fused)
