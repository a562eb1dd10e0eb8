"""One run of the study of LSeg: what its texts, its training pictures and its training do for things it never saw.

As the model that ships (`data_scripts/pretraining/train_lseg.py`), with half of the pictures. A seed draws the pictures
and the start; the unseen fold is always the first. All are measured on the task's test pictures, in four ways.
"""

import time
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F

import lessons_lib as ll
from lessons_lib.data import Task
from lessons_lib.methods import METHODS, Segmenter
from lessons_lib.runs import Place, Result, Row, Work
from lessons_lib.teaching.lesson11 import scenes
from lessons_lib.teaching.lesson11.protocols import asked, things

PICTURES, EPOCHS, LR = 1500, 6, 1e-4
LSEG, RANDOM, NOTHING = "LSeg", "random texts", "unseen as background"
ARMS = (LSEG, RANDOM, NOTHING)


class LSegOfRandom(METHODS["LSeg"]):
    """LSeg whose labels are no texts: a unit vector for each name, drawn from the name alone."""

    def set_classes(self, classnames) -> None:
        super().set_classes(classnames)
        seeds = [zlib.crc32(name.encode()) for name in self.classnames]
        drawn = [torch.randn(self.clip.embed_dim, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        self.texts = F.normalize(torch.stack(drawn), dim=1).to(self.clip.device)  # (K, D)


@dataclass(frozen=True)
class Arm:
    """arm: one of ARMS."""

    arm: str
    seed: int
    fold: int = 0
    pictures: int = PICTURES
    epochs: int = EPOCHS


class Training(Work):
    kind = "LSeg and its controls"

    def start(self, place: Place) -> None:
        self.clip = ll.load_clip("toyclip", device=place.device, precision="fp32", verbose=False)

    def identity(self, cell: Arm) -> dict[str, Any]:
        return asdict(cell) | {"lr": LR, "optimizer": "adamw", "task": scenes.TASK, "format": 1}

    def columns(self, cell: Arm) -> dict[str, Any]:
        return {"method" if name == "arm" else name: value for name, value in asdict(cell).items()}

    def unit(self, metric: str) -> str:
        return "%"

    def alike(self, cell: Arm) -> str:
        return cell.arm

    def size(self, cell: Arm) -> float:
        return float(cell.pictures * cell.epochs)

    def cost(self, cell: Arm) -> float:
        return 25 + 0.05 * cell.pictures * cell.epochs

    def carry_out(self, cell: Arm) -> Result:
        _, unseen = scenes.fold(cell.fold)
        began = time.process_time()
        method = self.trained(cell, unseen)
        seconds = time.process_time() - began
        rows = []
        for way, counts in asked(method, scenes.test(), unseen).items():
            rows.append(Row(way, "mIoU", counts.mean_iou(things(way, scenes.NAMES, unseen))))
        return Result(rows, sum(p.numel() for p in method.parameters()), seconds)

    def trained(self, cell: Arm, unseen: list[str]) -> Segmenter:
        absent = [] if cell.arm == NOTHING else unseen
        drawn = scenes.drawn("train", cell.pictures, without=absent, seed=100 + cell.seed)
        labels = [name for name in scenes.NAMES if name not in unseen]
        train = scenes.of_labels(drawn, labels)
        task = Task.from_pools("LSeg", train=train, val=train, test=train, templates=["a photo of a {}."])
        method = (LSegOfRandom if cell.arm == RANDOM else METHODS["LSeg"])(self.clip)
        return method.fit(task, epochs=cell.epochs, lr=LR, optimizer="adamw", seed=cell.seed, progress=False)


WORK = Training()
