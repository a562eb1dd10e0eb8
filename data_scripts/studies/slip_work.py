"""Small CLIPs that learn from captions, from their own pictures, from both: one run of the study of SLIP.

Scaled down from SLIP's settings (ViT-B/16 on 15 million pairs, 4,096 a step, 25 epochs, a head of 4,096 units): a ViT
of width 96 on 8,192 drawn pairs, 128 a step, 12 epochs, a head of 512 units and 64 out. As published: the three views,
τ = 0.1, λ = 1, AdamW with β₂ = 0.98, an epoch of warm-up, then half a cosine to 1e-5, each objective's weight decay.
Not as published: the rate, which is searched; gradients are clipped at norm 1; blurs are as strong as they look, which
at 64 pixels is two sevenths of the pixels at 224.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch
from slip_measures import COLOURED, TASKS, probed, zero_shot
from small_clips import VALIDATION_SEED, normalise
from torch import Tensor, nn
from worlds_work import PREPROCESS, SMALL

from lessons_lib import sealed, toyworld
from lessons_lib.clip import Clip
from lessons_lib.clip.building import build, make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.files import from_json, only_one
from lessons_lib.identity import digest
from lessons_lib.pretrain.loop import MEND, PairStream, Run, Settings
from lessons_lib.pretrain.passes import passes, with_views
from lessons_lib.pretrain.slip import CLIP, SIMCLR, SLIP, Objective
from lessons_lib.runs import Result, Row, Work
from lessons_lib.teaching.lesson15.record import MATCHED, SERIAL

DRAWN, BLOCK, EPOCHS, BATCH = 8_192, 2_048, 12, 128  # pairs that exist, drawn at once; passes; pairs a step
MORE = 33  # epochs that take CLIP alone as much compute as SLIP takes for 12: see `flops`
HEAD = (512, 64)
POINTS = 6  # moments at which zero-shot is measured
KEPT = Path("build", "slip")  # trained models, and checkpoints of those in training
OBJECTIVE = {"CLIP": CLIP, "SimCLR": SIMCLR, "SLIP": SLIP, MATCHED: CLIP, SERIAL: CLIP}
STEP = {"CLIP": 0.44, "SimCLR": 0.68, "SLIP": 1.0}  # seconds of one core in float32, measured on a quiet machine
PAIR, MEASURING = 0.004, 90.0  # the same for drawing a pair, and for all measuring of a run


@dataclass(frozen=True)
class Arm:
    """One run. lr: its peak; before: SimCLR's, where that comes first.   fresh: no pair is seen twice.

    pictures: the seed of those on which it is measured.
    """

    arm: str
    seed: int
    lr: float
    before: float = 0.0
    epochs: int = EPOCHS
    fresh: bool = False
    pictures: int = VALIDATION_SEED

    @property
    def objective(self) -> Objective:
        return OBJECTIVE[self.arm]

    @property
    def first(self) -> "Arm | None":
        """The run whose weights this one starts from."""
        return Arm("SimCLR", self.seed, self.before, fresh=self.fresh) if self.arm == SERIAL else None


class Trained(NamedTuple):
    """model: CLIP's towers, and nothing else.   curve: rows of the training.   seconds: of the processor."""

    model: nn.Module
    curve: list[Row]
    seconds: float


class PreTraining(Work):
    kind = "pre-training as SLIP compares it"

    def identity(self, cell: Arm) -> dict[str, Any]:
        objective = cell.objective
        settings = {
            "drawn": DRAWN,
            "batch": BATCH,
            "head": HEAD,
            "points": POINTS,
            "tasks": TASKS,
            "coloured": COLOURED,
        }
        about = {"model": SMALL, "views": [asdict(view) for view in objective.views], "decay": objective.weight_decay}
        return asdict(cell) | settings | about | {"world": world_of(cell.seed, cell.pictures), "format": 1}

    def columns(self, cell: Arm) -> dict[str, Any]:
        return {"method" if name == "arm" else name: value for name, value in asdict(cell).items()}

    def unit(self, metric: str) -> str:
        return "%" if metric in ("zero_shot", "linear", "colour") else ""

    def alike(self, cell: Arm) -> str:
        return cell.arm + (", fresh pairs" if cell.fresh else "")

    def size(self, cell: Arm) -> float:
        return float(cell.epochs)

    def cost(self, cell: Arm) -> float:
        steps, drawn = cell.epochs * (DRAWN // BATCH), DRAWN * (cell.epochs if cell.fresh else 1)
        return steps * STEP[cell.objective.name] + drawn * PAIR + MEASURING

    def carry_out(self, cell: Arm) -> Result:
        trained = pre_trained(cell)
        rows = trained.curve + probed(as_clip(trained.model), cell.pictures, cell.epochs)
        rows.append(Row("train", "flops", flops(cell), cell.epochs))
        return Result(rows, sum(p.numel() for p in trained.model.parameters()), trained.seconds)


def pre_trained(cell: Arm, folder: Path | None = None) -> Trained:
    """Trains it, or goes on, or finds it trained: its file in the folder has the first digits of its identity."""
    folder = KEPT if folder is None else folder
    path = folder / f"{digest(WORK.identity(cell))[:16]}.pt"
    unfinished = path.with_suffix(".unfinished.pt")
    path.parent.mkdir(parents=True, exist_ok=True)
    with only_one(path.with_suffix(".lock"), f"{WORK.describe(cell)} is being trained by another process"):
        if path.exists():
            state = sealed.load_state(path, MEND)
            model = build(SMALL)
            model.load_state_dict(state["model"])
            return Trained(model, [Row(*row) for row in from_json(state["curve"])], state["seconds"])
        trained = train(cell, unfinished, folder)
        weights = {name: tensor.cpu() for name, tensor in trained.model.state_dict().items()}
        sealed.save_state(path, {"model": weights, "curve": json.dumps(trained.curve), "seconds": trained.seconds})
        unfinished.unlink(missing_ok=True)
        return trained


def train(cell: Arm, checkpoint: Path, folder: Path) -> Trained:
    """From the checkpoint on, which is written once an epoch."""
    first = pre_trained(cell.first, folder) if cell.first else None
    run = make_run(cell)
    curve, seconds, recent = [], first.seconds if first else 0.0, []
    if first:
        run.model.load_state_dict(first.model.state_dict())
    if checkpoint.exists():
        saved = run.load(checkpoint)
        curve, seconds = [Row(*row) for row in from_json(saved["curve"])], saved["seconds"]
    began, epoch = time.process_time(), DRAWN // BATCH
    for views, tokens in seen(cell, run.step):
        if run.step == run.settings.steps:
            break
        recent.append(run.train_step(views, tokens))
        if run.step % epoch == 0:
            at = run.step // epoch
            loss = sum(recent) / len(recent)
            curve.append(Row("train", "loss", loss, at))
            if cell.arm != "SimCLR" and at * POINTS // cell.epochs > (at - 1) * POINTS // cell.epochs:
                curve += zero_shot(as_clip(run.model), cell.pictures, at)
            recent = []
            spent = seconds + time.process_time() - began
            run.save(checkpoint, curve=json.dumps(curve), seconds=spent)
            print(f"{WORK.describe(cell)}: epoch {at} of {cell.epochs}, loss {loss:.3f}", flush=True)
    return Trained(run.model, curve, seconds + time.process_time() - began)


def make_run(cell: Arm) -> Run:
    epoch, objective = DRAWN // BATCH, cell.objective
    settings = Settings(steps=cell.epochs * epoch, batch_size=BATCH, lr=cell.lr, warmup=epoch,
                        weight_decay=objective.weight_decay, patch_dropout=0.0, seed=cell.seed)  # fmt: skip
    torch.manual_seed(cell.seed)
    model = build(SMALL)
    return Run(model, settings, normalise, make_towers=objective.make_towers(*HEAD), loss=objective.loss)


def seen(cell: Arm, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Views and tokens, from step `start` on."""
    if cell.fresh:
        draw = partial(toyworld.draw_pairs, tasks=list(TASKS))
        pairs = PairStream(draw, tokenizer(), batch_size=BATCH, seed=cell.seed, start=start)
    else:
        pairs = passes(*drawn_pairs(cell.seed), batch_size=BATCH, seed=cell.seed, start=start)
    return with_views(pairs, cell.objective.views, seed=cell.seed, start=start)


@lru_cache(maxsize=1)
def drawn_pairs(seed: int) -> tuple[Tensor, Tensor]:
    """(16384, 3, 64, 64) uint8 and tokens (16384, L)."""
    starts = range(0, DRAWN, BLOCK)
    blocks = [toyworld.draw_pairs(min(BLOCK, DRAWN - at), seed=(seed, at), tasks=list(TASKS)) for at in starts]
    return torch.cat([images for images, _ in blocks]), tokenizer()([text for _, said in blocks for text in said])


@lru_cache(maxsize=1)
def tokenizer():
    return make_tokenizer("toyclip", SMALL)


def as_clip(model: nn.Module) -> Clip:
    return frozen_copy(model, SMALL, PREPROCESS, tokenizer(), name="small CLIP")


@cache
def world_of(seed: int, pictures: int) -> str:
    """A digest of a few pairs and of a few of the pictures to measure on: another world shows in them."""
    images, captions = toyworld.draw_pairs(256, seed=(seed, 0), tasks=list(TASKS))
    found = sha256(repr(captions).encode() + images.numpy().tobytes())
    for name in TASKS:
        scenes, _ = toyworld.draw_scenes(name, "val", seed=pictures, per_class=2)
        found.update(repr(toyworld.TASKS[name].templates).encode() + scenes.render().numpy().tobytes())
    return found.hexdigest()


def flops(cell: Arm) -> float:
    """Of a whole run: 6 × parameters × tokens (Kaplan et al., 2020) of every pass through a tower's blocks, and of the
    head, which sees one token a view."""
    with torch.device("meta"):
        model = build(SMALL)
    blocks = {name: sum(p.numel() for p in model.get_submodule(name).parameters())
              for name in ("visual.transformer", "transformer")}  # fmt: skip
    patches = (SMALL["vision_cfg"]["image_size"] // SMALL["vision_cfg"]["patch_size"]) ** 2
    passed = len(cell.objective.views) * blocks["visual.transformer"] * (1 + patches)
    if cell.objective is not SIMCLR:
        passed += blocks["transformer"] * words_of(cell.seed)
    if cell.objective is not CLIP:
        width, (hidden, out) = SMALL["vision_cfg"]["width"], HEAD
        passed += 2 * (width * hidden + hidden * hidden + hidden * out)
    return 6.0 * passed * cell.epochs * DRAWN + (flops(cell.first) if cell.first else 0.0)


@cache
def words_of(seed: int) -> float:
    """Tokens of a caption, on average over a few."""
    _, captions = toyworld.draw_pairs(256, seed=(seed, 0), tasks=list(TASKS))
    return float((tokenizer()(captions) != 0).sum(1).float().mean())


WORK = PreTraining()
