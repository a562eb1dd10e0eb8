"""Trains ViLD on one fold of ToyWorld's scenes: boxes of 48 classes are told, 16 are novel.

    python data_scripts/pretraining/train_vild.py --fold 0 --variant both
    python data_scripts/pretraining/train_vild.py --pictures 600 --width 32 --epochs 4 --proposal-epochs 3

Killed at any moment, the same command goes on from its last epoch. Writes <name>.safetensors, the method, and
<name>.json: settings, hardware, seconds, and what it finds on validation pictures of base classes, AP50 beside floor and
ceiling, and how often CLIP itself names the crops of true boxes right (`teacher`). Novel classes and test pictures are
looked at by data_scripts/studies/study_vild.py alone, when nothing is chosen any more.
"""

import argparse
import datetime
import json
import time
from pathlib import Path

from pretrain_toyclip import hardware

import lessons_lib as ll
from lessons_lib.files import atomic_write
from lessons_lib.methods.detect.vild import VARIANTS
from lessons_lib.teaching.lesson13.crops import teacher_accuracy

TASK = "toy_scene_boxes"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", type=int, default=0, choices=range(4))
    parser.add_argument("--variant", default="both", choices=VARIANTS)
    parser.add_argument("--weight", type=float, default=0.5, help="w, of the distillation")
    parser.add_argument("--pictures", type=int, help="of training, the first of them (default: all 4,000)")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--proposal-epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--proposals", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/vild"))
    return parser.parse_args()


def first(task: ll.Task, pictures: int | None) -> ll.Task:
    """The same with fewer pictures to learn from."""
    train = task.pool if pictures is None else task.pool.subset(range(pictures))
    return ll.Task.from_pools(task.name, templates=task.templates, train=train, val=task.val_pool, test=task.test)


def main() -> None:
    asked = arguments()
    clip = ll.load_clip("toyclip", verbose=False)
    base, _ = first(ll.load_task(TASK), asked.pictures).fold(asked.fold)
    name = f"{asked.variant}_w{asked.weight:g}_fold{asked.fold}_seed{asked.seed}"
    asked.out.mkdir(parents=True, exist_ok=True)
    sizes = {"width": asked.width, "hidden": asked.hidden, "proposals": asked.proposals}
    method, began = ll.ViLD(clip, asked.variant, weight=asked.weight, **sizes), time.process_time()
    fit = {"epochs": asked.epochs, "proposal_epochs": asked.proposal_epochs, "lr": asked.lr, "batch_size": asked.batch_size,
           "seed": asked.seed}  # fmt: skip
    method.fit(base, **fit, checkpoint=asked.out / f"{name}.pt", progress=False)
    about = {
        "task": TASK,
        "fold": asked.fold,
        "pictures": len(base.train),
        "boxes": sum(map(len, base.train.targets.boxes)),
        "settings": method.settings(),
        "fit": method.fit_settings(**fit),
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(clip.device),
        "core_seconds_of_this_sitting": round(time.process_time() - began),
        "history": method.history,
        "validation": method.measure(base.val) | {"teacher": teacher_accuracy(method, base.val)},
    }
    path = method.save(asked.out / f"{name}.safetensors")
    atomic_write(path.with_suffix(".json"), json.dumps(about, indent=1).encode())
    print(json.dumps(about["validation"], indent=1))


if __name__ == "__main__":
    main()
