"""Small CLIPs of several worlds, and what there is for adaptation to win in each: one run of the study of worlds."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import open_clip
import torch
from small_clips import VALIDATION_SEED, normalise
from torch import Tensor

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.clip.building import make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.data.split import Split
from lessons_lib.data.task import Task
from lessons_lib.data.toys import SceneImages
from lessons_lib.metrics import harmonic_mean
from lessons_lib.pretrain.loop import Run, Settings
from lessons_lib.runs import Result, Row, Work
from lessons_lib.toyworld.captions import Dials

TASKS = ("toy_pets", "toy_flowers", "toy_satellite")
SHOTS, SEED, BLOCK = 16, 1, 2_048
DRAWN, PASSES, BATCH = 49_152, 2, 256  # pairs that exist, how often each is seen, pairs a step
SMALL = {
    "embed_dim": 96,
    "vision_cfg": {"image_size": 64, "layers": 4, "width": 96, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 48, "vocab_size": 49408, "width": 96, "heads": 3, "layers": 3},
}
PREPROCESS = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic"}
# Rates and epochs are the same in all worlds: as published, but for MaPLe's rate (0.0035).
LEARNED = {
    "CoOp": (ll.CoOp, {"ctx_init": "a photo of a"}, {}),
    "CoCoOp": (ll.CoCoOp, {}, {}),
    "MaPLe": (ll.MaPLe, {}, {"lr": 0.02}),
}


@dataclass(frozen=True)
class World:
    """What a small CLIP is pre-trained on, and how far; its tasks are drawn with and without looks where both are
    asked for.

    trade, misnamed: the dials of captions. whole: the schedule runs to its end, not to 73 % of it.
    """

    trade: float = 0.0
    misnamed: float = 0.0
    whole: bool = True
    looks: tuple[float, ...] = (0.0,)

    @property
    def dials(self) -> Dials:
        asked = {"trade": self.trade, "trade_unnamed": 0.4 * self.trade, "misnamed": self.misnamed}
        return Dials(**asked, looks=0.0, several=0.0)


class Worlds(Work):
    kind = "a small CLIP of a world, adapted"

    def identity(self, cell: World) -> dict[str, Any]:
        settings = {"drawn": DRAWN, "passes": PASSES, "batch": BATCH, "shots": SHOTS, "seed": SEED, "model": SMALL}
        learned = {name: (method.__name__, made, fitted) for name, (method, made, fitted) in LEARNED.items()}
        return asdict(cell) | settings | {"tasks": TASKS, "learned": learned, "world": sample(cell), "format": 1}

    def columns(self, cell: World) -> dict[str, Any]:
        return {"trade": cell.trade, "misnamed": cell.misnamed, "whole": cell.whole}

    def unit(self, metric: str) -> str:
        return "%"

    def alike(self, cell: World) -> str:
        return f"looks {cell.looks}"

    def cost(self, cell: World) -> float:
        return DRAWN * (0.003 + 0.006 * PASSES) + 200.0 * len(cell.looks)

    def carry_out(self, cell: World) -> Result:
        clip = pre_trained(cell)
        rows = [row for looks in cell.looks for name in TASKS for row in measured(clip, name, looks)]
        return Result(rows, sum(p.numel() for p in clip.model.parameters()))


def sample(cell: World) -> str:
    """A digest of a few pairs and validation pictures: another world shows in them."""
    pictures, captions = toyworld.draw_pairs(256, seed=(SEED, 0), tasks=list(TASKS), dials=cell.dials)
    found = sha256(repr(captions).encode() + pictures.numpy().tobytes())
    for looks in cell.looks:
        for name in TASKS:
            scenes, _ = toyworld.draw_scenes(name, "val", seed=VALIDATION_SEED, per_class=2, looks=looks)
            found.update(scenes.render().numpy().tobytes())
    return found.hexdigest()


def pairs(cell: World) -> tuple[Tensor, Tensor]:
    """All pairs of a world: (N, 3, 64, 64) uint8 and tokens (N, L). Pictures are the same in all worlds."""
    tokenizer = make_tokenizer("toyclip", SMALL)
    blocks = [
        toyworld.draw_pairs(BLOCK, seed=(SEED, start), tasks=list(TASKS), dials=cell.dials)
        for start in range(0, DRAWN, BLOCK)
    ]
    return torch.cat([images for images, _ in blocks]), tokenizer([text for _, said in blocks for text in said])


def batches() -> Iterator[Tensor]:
    rng = np.random.default_rng([SEED, 77])
    order = np.concatenate([rng.permutation(DRAWN) for _ in range(PASSES)])
    return iter(torch.from_numpy(order).split(BATCH))


def pre_trained(cell: World) -> Clip:
    torch.manual_seed(SEED)
    settings = Settings(steps=DRAWN * PASSES // BATCH, batch_size=BATCH, lr=2e-3, warmup=40, seed=SEED)
    cfg = SMALL | {"vision_cfg": SMALL["vision_cfg"] | {"patch_dropout": settings.patch_dropout}}
    model = open_clip.model.CLIP(**cfg)
    run = Run(model, settings, normalise)
    images, tokens = pairs(cell)
    last = settings.steps if cell.whole else round(0.73 * settings.steps)
    for step, batch in zip(range(last), batches()):
        loss = run.train_step(images[batch], tokens[batch])
        if step % 40 == 0:
            print(f"{cell}: step {step} of {last}, loss {loss:.3f}", flush=True)
    return frozen_copy(model, cfg, PREPROCESS, make_tokenizer("toyclip", SMALL))


def task_of(name: str, looks: float) -> Task:
    """Few shots to learn from, and validation pictures in the test's place."""
    spec = toyworld.TASKS[name]
    drawn = {
        "train": toyworld.draw_scenes(name, "train", looks=looks),
        "val": toyworld.draw_scenes(name, "val", looks=looks),
        "test": toyworld.draw_scenes(name, "val", seed=VALIDATION_SEED, per_class=50, looks=looks),
    }
    splits = {role: Split(SceneImages(scenes), labels, spec.classnames) for role, (scenes, labels) in drawn.items()}
    return Task.from_pools(name, **splits, templates=spec.templates, shots=SHOTS, seed=SEED)


def measured(clip: Clip, name: str, looks: float) -> list[Row]:
    """Percent right on all classes by zero-shot and a probe; on base and on new classes by zero-shot and by what
    learned from the base classes. `at` is the looks' strength."""
    task, began = task_of(name, looks), time.perf_counter()
    base, new = task.base(), task.new()
    plain = ll.ZeroShot(clip, templates=["a photo of a {}."]).fit(task)
    found = {
        "zero-shot": ll.ZeroShot(clip).fit(task).score(task.test),
        "zero-shot, a photo of a": plain.score(task.test),
        "probe": ll.LinearProbe(clip).fit(task).score(task.test),
    }
    fitted = {"zero-shot": ll.ZeroShot(clip).fit(base)}
    for label, (method, made, settings) in LEARNED.items():
        fitted[label] = method(clip, **made).fit(base, progress=False, seed=SEED, **settings)
    carried = {"zero-shot": ll.ZeroShot(clip).fit(new)} | {
        label: fitted[label].for_classes(new.classnames) for label in LEARNED
    }
    for label, one in fitted.items():
        on_base, on_new = one.score(base.test), carried[label].score(new.test)
        found |= {f"{label}, base": on_base, f"{label}, new": on_new}
        found[f"{label}, H"] = harmonic_mean(on_base, on_new)
    print(f"{name}, looks {looks}: {time.perf_counter() - began:.0f} s, {found}", flush=True)
    return [Row(name, metric, value, looks) for metric, value in found.items()]
