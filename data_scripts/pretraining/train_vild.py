"""Trains ViLD on one fold of ToyWorld's scenes: boxes of 48 classes are told, 16 are novel.

    python data_scripts/pretraining/train_vild.py --fold 0 --variant both
    python data_scripts/pretraining/train_vild.py --pictures 600 --tests 100 --width 32 --epochs 4 --proposal-epochs 3

Killed at any moment, the same command goes on from its last epoch. Writes <name>.safetensors, the method, and
<name>.json: settings, seconds, and beside AP50 its floor and ceiling, of base and of novel classes; what CLIP itself
says of the true boxes' crops (`teacher`), and CLIP on crops in the place of the second stage (`clip on crops`).
"""

import argparse
import json
import time
from pathlib import Path

import torch

import lessons_lib as ll
from lessons_lib.data import Split
from lessons_lib.files import atomic_write
from lessons_lib.methods.detect.vild import VARIANTS
from lessons_lib.methods.detector import Regions, pictures_of
from lessons_lib.methods.parts.regions import crop_embeddings

TASK = "toy_scene_boxes"


class CropsOfClip(ll.ViLD):
    """The same proposals, each cut out and shown to CLIP: what ViLD's image branch imitates, far slower."""

    @torch.inference_mode()
    def regions(self, pictures: torch.Tensor) -> list[Regions]:
        boxes = self.proposer.fixed(pictures, self.proposals)  # (n, P, 4)
        embeddings = crop_embeddings(self.clip, pictures, boxes, tuple(self.crops))
        p_image = (embeddings @ self.texts.T / self.temperature).softmax(dim=-1)
        sure = torch.zeros(boxes.shape[:2], device=boxes.device)
        for row, some in zip(sure, self.proposer.rpn.objectness):
            row[: len(some[: self.proposals])] = some[: self.proposals]
        scores = (sure[..., None] * p_image).sqrt()
        return [Regions(*each) for each in zip(boxes, sure, scores)]


def on_crops(method: ll.ViLD) -> CropsOfClip:
    """The method with CLIP itself in the place of its second stage."""
    other = CropsOfClip(method.clip, **method.settings()).for_classes(method.classnames)
    other.load_state_dict(method.state_dict())
    return other.eval()


def teacher_accuracy(method: ll.ViLD, split: Split, batch: int = 8) -> float:
    """Percent of true boxes whose crops CLIP gives the right name of those of the split."""
    right = total = 0
    for rows in torch.arange(len(split)).split(batch):
        given = split.targets.batch(rows)  # (n, M, 5)
        pictures, scale = pictures_of(split, rows, method.image_size)
        seen = crop_embeddings(method.clip, pictures, given[:, :, 1:] / scale[:, None], tuple(method.crops))
        there = given[:, :, 0] >= 0
        answers = (seen @ method.texts.T).argmax(dim=-1).cpu()
        right += int((answers[there] == given[:, :, 0][there]).sum())
        total += int(there.sum())
    return 100 * right / total


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold", type=int, default=0, choices=range(4))
    parser.add_argument("--variant", default="both", choices=VARIANTS)
    parser.add_argument("--weight", type=float, default=0.5, help="w, of the distillation")
    parser.add_argument("--pictures", type=int, help="of training, the first of them (default: all 4,000)")
    parser.add_argument("--tests", type=int, help="pictures to test on (default: all 400)")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--proposal-epochs", type=int, default=4)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crops", action="store_true", help="measure CLIP on crops as well, a third of a second each")
    parser.add_argument("--out", type=Path, default=Path("build/vild"))
    return parser.parse_args()


def first(task: ll.Task, pictures: int | None, tests: int | None) -> ll.Task:
    """The same with fewer pictures."""
    parts = {"train": (task.pool, pictures), "val": (task.val_pool, None), "test": (task.test, tests)}
    parts = {name: split if count is None else split.subset(range(count)) for name, (split, count) in parts.items()}
    return ll.Task.from_pools(task.name, templates=task.templates, **parts)


def main() -> None:
    asked = arguments()
    clip = ll.load_clip("toyclip")
    base, novel = first(ll.load_task(TASK), asked.pictures, asked.tests).fold(asked.fold)
    name = f"{asked.variant}_w{asked.weight:g}_fold{asked.fold}_seed{asked.seed}"
    asked.out.mkdir(parents=True, exist_ok=True)
    start = time.time()
    method = ll.ViLD(clip, asked.variant, weight=asked.weight, width=asked.width).fit(
        base,
        epochs=asked.epochs,
        proposal_epochs=asked.proposal_epochs,
        seed=asked.seed,
        checkpoint=asked.out / f"{name}.pt",
    )
    seconds = time.time() - start
    method.save(asked.out / f"{name}.safetensors")
    parts = {"base": (method, base.test), "novel": (method.for_classes(novel.classnames), novel.test)}
    found = {part: one.measure(split) for part, (one, split) in parts.items()}
    found |= {"teacher": {part: teacher_accuracy(one, split) for part, (one, split) in parts.items()}}
    if asked.crops:
        found |= {"clip on crops": {part: on_crops(one).measure(split) for part, (one, split) in parts.items()}}
    settings = {**vars(asked), "out": str(asked.out)}
    record = {"settings": settings, "seconds": round(seconds), "history": method.history, "measured": found}
    atomic_write(asked.out / f"{name}.json", json.dumps(record, indent=1).encode())
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
