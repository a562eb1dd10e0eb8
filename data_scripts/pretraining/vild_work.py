"""What train_vild.py does where a laptop has minutes: a backbone that has learned to name things, a first stage on it,
and second stages that all stand on that first stage, which stays as it is.

Detectors usually start from a backbone that was trained on single pictures (ImageNet's); so does ours, on pictures of
one thing each, of base classes alone. It then stays as it is: the proposals are learned on its maps, and so are the
second stages, on regions that are cut out once. Such a stage takes a minute, so that arms and seeds can be compared.
"""

import json
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import box_iou

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.data import Split
from lessons_lib.methods.detector import pictures_of
from lessons_lib.methods.parts.proposer import Backbone
from lessons_lib.methods.parts.region_head import CELLS, Embedded, embedded_by, far_from
from lessons_lib.methods.parts.regions import deltas_of, kept_crop_embeddings
from lessons_lib.teaching.lesson13.regions import Regions, cells_of, joined, proposed, true_regions

DRAWN = 11  # the seed of pictures that no task has
SHIFT = 6  # pixels by which a picture may be moved


# --- the backbone


def things(names: list[str], per_class: int) -> tuple[Tensor, Tensor]:
    """Pictures of one thing each, (N, 3, 64, 64) uint8, and which of the names it has, (N,)."""
    known = [cls.name for cls in toyworld.TASKS["toy_things"].classes]
    scenes, labels = toyworld.draw_scenes("toy_things", "train", seed=DRAWN, per_class=per_class)
    chosen = [i for i, label in enumerate(labels.tolist()) if known[label] in names]
    return scenes[chosen].render(), torch.tensor([names.index(known[labels[i]]) for i in chosen])


def named_backbone(width: int, names: list[str], *, per_class: int, epochs: int, lr: float = 2e-3, batch: int = 32,
                   seed: int = 1) -> dict[str, Tensor]:  # fmt: skip
    """The weights of a backbone that has learned to name things, as detectors usually start from ImageNet's."""
    images, labels = things(names, per_class)
    torch.manual_seed(seed)
    backbone = Backbone(width)
    head = nn.Sequential(nn.Linear(width * CELLS**2, 256), nn.ReLU(), nn.Linear(256, len(names)))
    optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=lr, weight_decay=1e-2)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(batch):
            if len(rows) == batch:
                cells = F.adaptive_avg_pool2d(backbone(_view(images[rows]).float() / 255), CELLS).flatten(1)
                optimizer.zero_grad()
                F.cross_entropy(head(cells), labels[rows], label_smoothing=0.05).backward()
                optimizer.step()
                schedule.step()
    return backbone.state_dict()


def _view(images: Tensor) -> Tensor:
    """Mirrored or not, and moved a little, round the edge."""
    images = images.flip(-1) if torch.rand(()) < 0.5 else images
    return images.roll([int(by) for by in torch.randint(-SHIFT, SHIFT + 1, (2,))], (2, 3))


def first_stage(clip: Clip, backbone: dict[str, Tensor], task: ll.Task, *, epochs: int, lr: float = 1e-3,
                batch: int = 4, seed: int = 1, **sizes) -> tuple[ll.ViLD, list[float]]:  # fmt: skip
    """A ViLD-text with this backbone, whose proposals have learned the task's boxes and whose second stage has learned
    nothing; and the loss of every epoch. sizes: of the ViLD."""
    method = ll.ViLD(clip, "text", **sizes)
    method.begin(task)
    method.reset(seed)
    method.fitted_on = method.fitted_on.new_tensor(list(json.dumps(method.classnames).encode()))
    method.proposer.backbone.load_state_dict(backbone)
    method.proposer.backbone.requires_grad_(False)
    optimizer = torch.optim.AdamW(method.proposer.rpn.parameters(), lr=lr, weight_decay=1e-4)
    losses, steps = [[] for _ in range(epochs)], epochs * math.ceil(len(task.train) / batch)
    torch.manual_seed(seed)
    for epoch in range(epochs):
        for rows in torch.randperm(len(task.train)).split(batch):
            done = (epoch * math.ceil(len(task.train) / batch) + len(losses[epoch])) / steps
            optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * done)) / 2
            pictures, scale = pictures_of(task.train, rows, method.image_size)
            truth = [task.train.targets.boxes[i] / by for i, by in zip(rows.tolist(), scale)]
            _, _, loss = method.proposer(pictures, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[epoch].append(loss.item())
    return method.eval(), [sum(each) / len(each) for each in losses]


# --- a second stage on a first one that stays


class Kept(NamedTuple):
    """What a second stage learns from: R regions. picture: (R,), in order; cells: (R, width, 7, 7); labels: (R,), 0:
    background; deltas: (R, 4), onto the true box; seen: (R, D), by CLIP; there: (R,) bool, whether it was seen."""

    picture: Tensor
    cells: Tensor
    labels: Tensor
    deltas: Tensor
    seen: Tensor
    there: Tensor


def kept_regions(first: ll.ViLD, split: Split) -> Kept:
    """Of every picture the first stage's likeliest proposals, which CLIP sees, and true boxes, which it does not."""
    rows = range(len(split))
    pictures, found = proposed(first, split, rows)
    most = torch.zeros(len(pictures), first.proposals, 4)
    place = torch.cat([torch.arange(int(n)) for n in found.picture.bincount(minlength=len(pictures))])
    most[found.picture, place] = found.boxes
    every = kept_crop_embeddings(first.clip, split, lambda some: pictures[some], most, tuple(first.crops))
    seen = every[found.picture, place]
    _, true = true_regions(split, rows, first.image_size)
    order = torch.cat([found.picture, true.picture]).argsort(stable=True)
    both = Regions(*(each[order] for each in joined([found, true])))
    there = (torch.arange(len(order)) < len(found.boxes))[order]
    seen = torch.cat([seen, torch.zeros(len(true.boxes), seen.shape[1])])[order]
    deltas = torch.zeros(len(order), 4)
    for i in range(len(pictures)):
        own, truth = (both.picture == i).nonzero().flatten(), true.boxes[true.picture == i]
        if len(truth):
            which = box_iou(both.boxes[own], truth).argmax(dim=1)
            deltas[own] = deltas_of(both.boxes[own], truth[which])
    return Kept(both.picture, cells_of(first, pictures, both), both.labels, deltas, seen, there)


def embed(method: ll.ViLD, cells: Tensor) -> Embedded:
    """As `ViLD.embed`, of cells that are cut out already."""
    return embedded_by(method.heads, method.mover, cells)


def second_loss(method: ll.ViLD, some: Kept) -> Tensor:
    """L_boxes + L_text + w · L_image."""
    embedded = embed(method, some.cells)
    loss = method.loss_of(embedded, some.labels, some.deltas)
    if method.variant != "text" and method.weight:
        loss = loss + method.weight * far_from(embedded.image[some.there], some.seen[some.there])
    return loss


def second_stage(first: ll.ViLD, kept: Kept, variant: str, weight: float, *, epochs: int, lr: float = 1e-3,
                 batch: int = 16, seed: int = 1) -> tuple[ll.ViLD, list[float]]:  # fmt: skip
    """A ViLD with the first one's first stage, and the loss of every epoch. batch: pictures."""
    method = ll.ViLD(first.clip, **{**first.settings(), "variant": variant, "weight": weight})
    method.task_template = first.task_template
    method.set_classes(first.classnames)
    method.reset(seed)
    method.proposer.load_state_dict(first.proposer.state_dict())
    method.fitted_on = first.fitted_on.clone()
    learned = [p for name, p in method.named_parameters() if not name.startswith("proposer")]
    optimizer = torch.optim.AdamW(learned, lr=lr, weight_decay=1e-2)
    losses, batches = [[] for _ in range(epochs)], list(_batches(kept, batch, epochs, seed))
    for step, (epoch, rows) in enumerate(batches):
        optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * step / len(batches))) / 2
        loss = second_loss(method, Kept(*(each[rows] for each in kept)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[epoch].append(loss.item())
    return method.eval(), [sum(each) / len(each) for each in losses]


def _batches(kept: Kept, batch: int, epochs: int, seed: int) -> Iterator[tuple[int, Tensor]]:
    """(epoch, from 0; the regions of so many pictures)."""
    starts = torch.cat([torch.zeros(1, dtype=torch.long), kept.picture.bincount().cumsum(0)])
    for epoch in range(epochs):
        draws = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        for some in torch.randperm(len(starts) - 1, generator=draws).split(batch):
            yield epoch, torch.cat([torch.arange(int(starts[i]), int(starts[i + 1])) for i in some.tolist()])
