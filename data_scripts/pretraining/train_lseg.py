"""Trains LSeg on the seen classes of a fold of "toy_masks", around ToyCLIP, and measures it on seen and unseen ones.

    python data_scripts/pretraining/train_lseg.py --fold 0                        # 4,000 pictures, 10 epochs
    python data_scripts/pretraining/train_lseg.py --fold 0 --pictures 500 --epochs 6 --out /tmp/lseg

Killed at any moment, the same command goes on from the last epoch. Pictures are drawn for it, more than the task has;
unseen things are background while it learns, as in PASCAL-5i. Writes lseg_fold0.safetensors and, beside it,
lseg_fold0.json: settings, hardware, the history, and mIoU with floor and ceiling on the task's validation pictures, of
LSeg and of ToyCLIP's own patches untouched (MaskCLIP).
The published 240 epochs are much for a toy: the default here is its rate, 0.004 for 16 pictures, for 10 epochs. Five
times that rate says background everywhere after two epochs of 600 pictures (loss 1.16). A picture and epoch takes one
quiet core about 33 ms.
"""

import argparse
import datetime
import json
import time
from pathlib import Path

from pretrain_toyclip import hardware

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.data import Masks, Split, Task
from lessons_lib.data.toys import SceneImages
from lessons_lib.files import atomic_write
from lessons_lib.methods import METHODS

TASK = "toy_masks"
DRAWN = 1  # other pictures than those of the task, whose seed is 0


def larger_task(pictures: int) -> Task:
    """The task, with so many other training pictures."""
    task = ll.load_task(TASK)
    scenes, classes = toyworld.draw_several(TASK, "train", seed=DRAWN, count=pictures)
    train = Split(SceneImages(scenes), Masks(toyworld.class_masks(scenes, classes)), task.classnames)
    return Task.from_pools(TASK, train=train, val=task.val, test=task.test, templates=task.templates)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", type=int, default=0, help="of 4: which classes are unseen")
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--optimizer", choices=["sgd", "adamw"], default="sgd")
    parser.add_argument("--lr", type=float, default=0.004, help="for each 16 pictures of a batch")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--block", choices=["depthwise", "bottleneck"], help="(default: none)")
    parser.add_argument("--block-depth", type=int, default=1)
    parser.add_argument("--start", choices=["clip", "random"], default="clip", help="of the image tower")
    parser.add_argument("--out", type=Path, default=Path("build/lseg"), help="a folder")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    clip = ll.load_clip("toyclip", verbose=False)
    base, new = larger_task(args.pictures).fold(args.fold)
    method = METHODS["LSeg"](clip, args.block, block_depth=args.block_depth, start=args.start)
    fit = {"epochs": args.epochs, "lr": args.lr * args.batch_size / 16, "batch_size": args.batch_size}
    fit["optimizer"] = args.optimizer
    name, began = f"lseg_fold{args.fold}", time.perf_counter()
    try:
        method.fit(base, **fit, seed=args.seed, checkpoint=args.out / f"{name}.pt")
    except ValueError as error:
        raise SystemExit(str(error)) from None
    about = {
        "task": TASK,
        "unseen": new.test.named,
        "pictures": len(base.train),
        "settings": method.settings(),
        "fit": method.fit_settings(**fit, seed=args.seed),
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(clip.device),
        "seconds_of_this_sitting": round(time.perf_counter() - began, 1),
        "history": method.history,
        "validation": measured(method, base, new),
        "untouched": measured(METHODS["DenseZeroShot"](clip).fit(base), base, new),
    }
    path = method.save(args.out / f"{name}.safetensors")
    atomic_write(args.out / f"{name}.json", json.dumps(about, indent=1).encode())
    print(json.dumps({kept: about[kept] for kept in ("validation", "untouched")}, indent=1))
    print(f"wrote '{path}' and, beside it, what made it")


def measured(method, base: Task, new: Task) -> dict[str, dict[str, float]]:
    """On the validation pictures of the seen classes, and, carried to them, of the unseen ones."""
    splits = {"seen": base.val, "unseen": new.val}
    found = {on: method.for_classes(split.classnames).measure(split) for on, split in splits.items()}
    return {on: {name: round(value, 2) for name, value in each.items()} for on, each in found.items()}


if __name__ == "__main__":
    main()
