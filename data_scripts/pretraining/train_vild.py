"""Trains ViLD on one fold of ToyWorld's scenes: boxes of 48 classes are told, 16 are novel.

    python data_scripts/pretraining/train_vild.py first                      # backbone, proposals, ViLD-text on them
    python data_scripts/pretraining/train_vild.py second                     # second stages on it, arm by arm
    python data_scripts/pretraining/train_vild.py whole --arms both:0.5      # as the paper, all of it together

What the lesson ships is `first` and then `second`: the whole for every arm takes hours of one core
that learns from nothing (480 pictures and 5 epochs, 90 seconds, named 7 % of true boxes right among 48). `whole` is
`ViLD.fit`. Killed, `first` and `whole` go on from their last epoch; `second` begins again, which costs minutes. Each
writes <name>.safetensors, the method, and <name>.json: settings, hardware, seconds, and what it finds on validation
pictures of base classes, AP50 beside floor and ceiling. Novel classes and test pictures are looked at by
data_scripts/studies/study_vild.py alone, when nothing is chosen any more.
"""

import argparse
import datetime
import json
import time
from pathlib import Path

import torch
from pretrain_toyclip import hardware
from vild_work import Started, kept_regions, named_backbone, second_stage

import lessons_lib as ll
from lessons_lib.files import atomic_write
from lessons_lib.methods.detect.vild import VARIANTS

TASK = "toy_scene_boxes"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["first", "second", "whole"])
    parser.add_argument("--fold", type=int, default=0, choices=range(4))
    parser.add_argument("--arms", nargs="+", default=["text:0.5", "both:0.5", "both:2", "ensemble:0.5"],
                        help="of `second` and `whole`: variant:w")  # fmt: skip
    parser.add_argument("--pictures", type=int, default=1000, help="of training, the first of all 4,000")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--proposal-epochs", type=int, default=1, help="of `first` and `whole`: proposals alone")
    parser.add_argument("--things", type=int, default=80, help="of `first`: single things a class, for the backbone")
    parser.add_argument("--thing-epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--proposals", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/vild"))
    return parser.parse_args()


def first_pictures(task: ll.Task, pictures: int) -> ll.Task:
    """The same with fewer pictures to learn from."""
    train = task.pool.subset(range(pictures))
    return ll.Task.from_pools(task.name, templates=task.templates, train=train, val=task.val_pool, test=task.test)


def main() -> None:
    asked = arguments()
    clip = ll.load_clip("toyclip", verbose=False)
    base, _ = first_pictures(ll.load_task(TASK), asked.pictures).fold(asked.fold)
    asked.out.mkdir(parents=True, exist_ok=True)
    sizes = {"width": asked.width, "hidden": asked.hidden, "proposals": asked.proposals}
    fit = {"epochs": asked.epochs, "lr": asked.lr, "batch_size": asked.batch_size, "seed": asked.seed}
    end, checked = f"fold{asked.fold}", [VARIANTS[arm.split(":")[0]] and arm for arm in asked.arms]
    if asked.stage == "second":
        start = ll.load_method(asked.out / f"first_{end}.safetensors", clip)
        kept = kept_regions(start, base.train)
        for arm in checked:
            (variant, weight), began = arm.split(":"), time.process_time()
            how = {"epochs": asked.epochs, "lr": asked.lr, "batch": asked.batch_size, "seed": asked.seed}
            method, losses = second_stage(start, kept, variant, float(weight), **how)
            more = {"regions": len(kept.labels), "loss": [round(loss, 3) for loss in losses]}
            keep(method, f"{variant}_w{weight}_{end}_seed{asked.seed}", base, asked, fit | more, began)
        return
    fit["proposal_epochs"] = asked.proposal_epochs
    for arm in checked if asked.stage == "whole" else ["text:0.5"]:
        (variant, weight), began = arm.split(":"), time.process_time()
        name = f"first_{end}" if asked.stage == "first" else f"whole_{variant}_w{weight}_{end}_seed{asked.seed}"
        Started.start = backbone_of(asked, base.classnames) if asked.stage == "first" else None
        method = Started(clip, variant, weight=float(weight), **sizes)
        method.fit(base, **fit, checkpoint=asked.out / f"{name}.pt", progress=False)
        more = {"loss": [round(row["loss"], 3) for row in method.history]}
        if asked.stage == "first":
            more |= {"things a class": asked.things, "their epochs": asked.thing_epochs}
        keep(as_vild(method), name, base, asked, fit | more, began)


def keep(method: ll.ViLD, name: str, base: ll.Task, asked: argparse.Namespace, fit: dict, began: float) -> None:
    """Writes the method, and what made it."""
    about = {
        "task": TASK,
        "stage": asked.stage,
        "fold": asked.fold,
        "pictures": len(base.train),
        "boxes": sum(map(len, base.train.targets.boxes)),
        "settings": method.settings(),
        "fit": fit,
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(method.clip.device),
        "core_seconds_of_this_sitting": round(time.process_time() - began),
        "validation": {key: round(value, 2) for key, value in method.measure(base.val).items()},
    }
    path = method.save(asked.out / f"{name}.safetensors")
    atomic_write(path.with_suffix(".json"), json.dumps(about, indent=1).encode())
    print(json.dumps(about, indent=1), flush=True)


def backbone_of(asked: argparse.Namespace, names: list[str]) -> dict[str, torch.Tensor]:
    """What has learned to name single things of base classes; kept, since it takes minutes."""
    path = asked.out / f"backbone_fold{asked.fold}_width{asked.width}.pt"
    if not path.is_file():
        torch.save(named_backbone(asked.width, names, per_class=asked.things, epochs=asked.thing_epochs), path)
    return torch.load(path, weights_only=True)


def as_vild(method: ll.ViLD) -> ll.ViLD:
    """A plain ViLD of the same weights, as is to be saved."""
    plain = ll.ViLD(method.clip, **method.settings())
    plain.task_template = method.task_template
    plain.set_classes(method.classnames)
    plain.load_state_dict(method.state_dict())
    return plain.eval()


if __name__ == "__main__":
    main()
