"""AudioCLIP around ToyCLIP: one training of its study, from pairs to what is measured."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pretrain_toyclip import going_on
from torch import Tensor
from tqdm.auto import tqdm

import lessons_lib as ll
from lessons_lib import toysound, toyworld
from lessons_lib.clip import Clip
from lessons_lib.clip.audio import AudioCLIP
from lessons_lib.clip.audio_files import as_clip, save_audio_tower, with_audio
from lessons_lib.identity import digest
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.pretrain.audio import PAIRS, AudioRun, AudioTowers, three_way_loss
from lessons_lib.pretrain.loop import Settings
from lessons_lib.runs import Place, Result, Row, Work
from lessons_lib.teaching.lesson16.live import in_noise, pictures_of
from lessons_lib.toyworld.scenes import Scenes

NAMES = list(toysound.CLASSES)
BRIDGED = [NAMES.index(name) for name in toysound.BRIDGED]
POOL = 48  # pictures a class, drawn once; sounds are fresh in every batch
POOL_SEED, PICTURES = 77, 8  # pictures a class of things and actions to measure compatibility on
LR = {"audio": 2e-3, "all": 2e-4}
START = {"logit_scale_ai": 14.3, "logit_scale_at": 14.3}  # in place of 100: a tower without an idea is told it gently
FOLDER = Path("build", "audioclip")
SAVE_EVERY = 25  # steps
LEVELS = (-25, -20, -15, -10, -5)  # decibels of noise, against the sound's
WORLD = f"toysound {toysound.EDITION}, toyworld {toyworld.EDITION}"
TOWERS = ("three pairs", "bridging")  # whose audio towers are kept


@dataclass(frozen=True)
class Arm:
    """One training: stage 1, audio alone against a frozen CLIP; stage 2, the same further, or all three towers.

    arm: what tables call it.   pairs: of `PAIRS`.   learns: in stage 2, "audio" (partial) or "all" (full).
    bridged: what the sounds of the six bridged classes meet: "all" that others meet, "pictures" alone, or "never":
        they are not heard.   permuted: sounds, pictures and texts are of classes that have nothing to do with each
        other.   steps: of each stage.   batch: sounds a step.
    """

    arm: str
    pairs: tuple[str, ...] = PAIRS
    learns: str = "audio"
    bridged: str = "all"
    permuted: bool = False
    seed: int = 0
    steps: tuple[int, int] = (300, 300)
    batch: int = 64


ARMS = {
    one.arm: one
    for one in (
        Arm("three pairs"),
        Arm("two pairs", PAIRS[:2]),
        Arm("one pair", ("audio_text",)),
        Arm("three pairs, full", learns="all"),
        Arm("two pairs, full", PAIRS[:2], "all"),
        Arm("one pair, full", ("audio_text",), "all"),
        Arm("bridging", bridged="pictures"),
        Arm("six unheard", bridged="never"),
        Arm("permuted", permuted=True),
    )
}


class Triples:
    """Sounds with their pictures and names.   frozen: pictures and names as what CLIP makes of them.

    Batch `step` of a stage is a function of the arm, the stage and the step alone.
    """

    def __init__(self, clip: Clip, arm: Arm, frozen: bool):
        self.arm = arm
        pool = Scenes.cat([pictures_of(name, POOL, POOL_SEED) for name in NAMES]).render()  # (24 · POOL, 3, 64, 64)
        self.pool = clip.encode_images(clip.preprocess_tensor(pool)) if frozen else pool
        self.texts = clip.encode_texts(NAMES) if frozen else clip.tokenize(NAMES)

    def batch(self, stage: int, step: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """(N, 8000) int16, the pictures, and the texts, None where sounds meet pictures alone."""
        arm, rng = self.arm, np.random.default_rng([self.arm.seed, stage, step])
        alone = arm.bridged == "pictures" and step % 2 == 1
        heard = [k for k in range(len(NAMES)) if arm.bridged == "all" or alone or k not in BRIDGED]
        label = np.sort(rng.choice(heard, size=arm.batch))
        counts = np.bincount(label, minlength=len(NAMES))
        sounds = [toysound.draw_class(NAMES[k], int(n), rng) for k, n in enumerate(counts) if n]
        told, shown = (rng.permutation(label) if arm.permuted else label for _ in range(2))
        pictures = self.pool[torch.from_numpy(shown * POOL + rng.integers(POOL, size=arm.batch))]
        return torch.cat(sounds), pictures, None if alone else self.texts[torch.from_numpy(told)]


def settings_of(arm: Arm, stage: int) -> Settings:
    lr = LR[arm.learns if stage == 2 else "audio"]
    steps = arm.steps[stage - 1]
    warmup = min(20, max(1, steps // 5))
    return Settings(steps=steps, batch_size=arm.batch, lr=lr, lr_end=lr / 50, warmup=warmup, weight_decay=0.05,
                    patch_dropout=0.0, seed=arm.seed)  # fmt: skip


def trained(clip: Clip, arm: Arm, folder: Path = FOLDER, *, progress: bool = True) -> AudioCLIP:
    """The model after both stages. Killed at any moment, the same call goes on from the last checkpoint in `folder`."""
    model = newborn(clip, arm)
    files = checkpoints(arm, folder)
    for stage, file in enumerate(files, start=1):
        if stage == 1 and files[1].exists():
            continue
        run = run_of(clip, model, arm, stage)
        going_on(run, file)
        steps = range(run.step, run.settings.steps)
        if not steps:
            continue
        triples = Triples(clip, arm, frozen=stage == 1 or arm.learns == "audio")
        for step in tqdm(steps, desc=f"{arm.arm}, stage {stage}", disable=not progress, mininterval=5):
            loss = run.train_step(*triples.batch(stage, step))
            if run.step % SAVE_EVERY == 0 or run.step == run.settings.steps:
                run.save(file, settings=asdict(run.settings), record=json.dumps({"loss": round(loss, 4)}))
    return model.eval()


def newborn(clip: Clip, arm: Arm) -> AudioCLIP:
    model = with_audio(clip, seed=arm.seed)
    with torch.no_grad():
        for name, start in START.items():
            getattr(model, name).fill_(np.log(start))
    return model


def checkpoints(arm: Arm, folder: Path) -> list[Path]:
    """Of both stages."""
    return [folder / f"{digest(asdict(arm))[:12]}_stage{stage}.pt" for stage in (1, 2)]


def run_of(clip: Clip, model: AudioCLIP, arm: Arm, stage: int) -> AudioRun:
    return AudioRun(model.learn(arm.learns if stage == 2 else "audio"), settings_of(arm, stage),
                    clip.preprocess_tensor, clip.device, make_towers=partial(AudioTowers, pairs=arm.pairs),
                    loss=three_way_loss)  # fmt: skip


def finished(clip: Clip, arm: Arm, folder: Path = FOLDER) -> AudioCLIP | None:
    """The model as its last checkpoint has it, or None where the training is not at its end."""
    model, file = newborn(clip, arm), checkpoints(arm, folder)[1]
    run = run_of(clip, model, arm, 2)
    going_on(run, file)
    return model.eval() if run.step == run.settings.steps else None


def measured(clip: Clip, model: AudioCLIP, pictures: int = PICTURES) -> Iterator[Row]:
    """Percent right. Of sounds, among the 24 names: all ("sounds"), those of the bridged classes and of the others, all
    with the texts as ToyCLIP had them, and all in noise, where there is room left above; of pictures of 80 things and
    actions, with their own texts and the old."""
    hears, task = as_clip(model, clip), ll.load_task(toysound.TASK.name)
    method = ll.ZeroShot(hears).fit(task)
    label, answers = task.test.labels, method.predict(task.test).cpu()
    old = (method.features(task.test) @ clip.encode_texts(NAMES).T).argmax(dim=1).cpu()
    bridged = torch.isin(label, torch.tensor(BRIDGED))
    yield Row("sounds", "accuracy", accuracy(answers, label))
    yield Row("sounds, old texts", "accuracy", accuracy(old, label))
    noisy = method.predict(in_noise(task.test.tensor())).cpu()
    yield Row("sounds in noise", "accuracy", accuracy(noisy, label))
    yield Row("bridged", "accuracy", accuracy(answers[bridged], label[bridged]))
    yield Row("others", "accuracy", accuracy(answers[~bridged], label[~bridged]))
    scenes, labels, names = [], [], []
    for task_name in ("toy_things", "toy_actions"):
        drawn, of = toyworld.draw_scenes(task_name, "val", per_class=pictures)
        scenes.append(drawn)
        labels.append(of + len(names))
        names += toyworld.TASKS[task_name].classnames
    seen = hears.encode_images(clip.preprocess_tensor(Scenes.cat(scenes).render()))
    for on, texts in (("pictures", hears), ("pictures, old texts", clip)):
        found = (seen @ texts.encode_texts(names).T).argmax(dim=1).cpu()
        yield Row(on, "accuracy", accuracy(found, torch.cat(labels)))


def in_faint_noise(clip: Clip, model: AudioCLIP) -> dict[int, float]:
    """Decibels of white noise, against the sound's -> percent of test sounds named right, among 24. At 6, where
    `measured` asks, arms do no better than chance: here is room on both sides."""
    task, hears = ll.load_task(toysound.TASK.name), as_clip(model, clip)
    method = ll.ZeroShot(hears).fit(task)
    waves, labels = task.test.tensor(), task.test.labels
    found = {level: method.predict(in_noise(waves, level)).cpu() for level in LEVELS}
    return {level: round(accuracy(answers, labels), 2) for level, answers in found.items()}


class AudioStudy(Work):
    kind = "an AudioCLIP around ToyCLIP"

    def __init__(self, folder: Path = FOLDER):
        self.folder = folder

    def start(self, place: Place) -> None:
        self.clip = ll.load_clip("toyclip", device=place.device, precision="fp32", verbose=False)

    def identity(self, cell: Arm) -> dict[str, Any]:
        settings = {
            "lr": LR,
            "start": START,
            "pool": [POOL, POOL_SEED],
            "pictures": PICTURES,
            "bridged": BRIDGED,
            "noise": 6.0,
        }
        return asdict(cell) | settings | {"world": WORLD, "clip": toyclip_fingerprint(), "format": 1}

    def columns(self, cell: Arm) -> dict[str, Any]:
        return {"arm": cell.arm, "seed": cell.seed}

    def unit(self, metric: str) -> str:
        return "%"

    def alike(self, cell: Arm) -> str:
        return "full" if cell.learns == "all" else "partial"

    def size(self, cell: Arm) -> float:
        return float(cell.batch * sum(cell.steps))

    def cost(self, cell: Arm) -> float:
        """A sound takes one core 11 ms, and with its picture and its text through towers that learn 45."""
        second = 0.045 if cell.learns == "all" else 0.011
        return 40 + cell.batch * (0.011 * cell.steps[0] + second * cell.steps[1])

    def carry_out(self, cell: Arm) -> Result:
        model = trained(self.clip, cell, self.folder, progress=False)
        if cell.arm in TOWERS:
            save_audio_tower(
                model, self.folder / f"{cell.arm.replace(' ', '_')}_seed{cell.seed}.safetensors", self.clip
            )
        learned = sum(p.numel() for p in model.learn(cell.learns).parameters() if p.requires_grad)
        return Result(list(measured(self.clip, model.eval())), learned)


@cache
def toyclip_fingerprint() -> str:
    return ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False).fingerprint


def cells(seeds: range) -> list[Arm]:
    """Seed after seed, so that an unfinished study is whole for its first seeds."""
    return [replace(arm, seed=seed) for seed in seeds for arm in ARMS.values()]
