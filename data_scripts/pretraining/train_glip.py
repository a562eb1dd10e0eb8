"""Trains GLIP on one fold of ToyWorld's scenes: boxes of 48 classes are told, 16 are novel.

    python data_scripts/pretraining/train_glip.py --arm detection                      # base boxes alone
    python data_scripts/pretraining/train_glip.py --arm detection --no-fusion
    python data_scripts/pretraining/train_glip.py --arm grounding                      # and captions with their boxes
    python data_scripts/pretraining/train_glip.py --arm grounding --contrast 1         # GLIPv2, with masks behind it
    python data_scripts/pretraining/train_glip.py --arm student --teacher build/glip/<name>.safetensors
    python data_scripts/pretraining/train_glip.py --pictures 400 --tests 60 --width 32 --epochs 4

    python data_scripts/pretraining/train_glip.py --arm grounding --ship               # trains or, if it has, ships

Killed at any moment, the same command goes on from its last epoch. Captions with boxes speak of base classes alone,
unless --captions all; a student also learns from further captions, of all 64 names, with the boxes that its teacher
finds for them (score above 0.5). Writes <name>.safetensors, the method, and <name>.json: settings, seconds, history,
and, beside their floors and ceilings, AP50 of base and of novel classes, the grounding of captions, and of those
phrases alone that are about one of two things of a class, where only a colour or trait decides ("attributes"); of a
student how many boxes its teacher gave, and how many of them were right; seconds a picture for 1, 16 and 64 names.
A picture and epoch takes one core 25 to 90 ms with fusion: boxes and captions and 12 epochs half an hour to two hours.

What ships (lesson 14 loads it) is measured as it ships, with weights of 16 bits; of the phrases about one of two things
of a class it is kept what each found (`choices`): r, what is meant; t, its twin; o, neither. `--as-it-is` ships what
the checkpoint holds, though epochs are left. study_glip.py then measures all arms on the same test pictures.
"""

import argparse
import datetime
import json
import time
from pathlib import Path

import torch
from study_vild import rounded

import lessons_lib as ll
from lessons_lib.data import Split
from lessons_lib.files import atomic_write, from_json
from lessons_lib.methods.parts.grounding import SURE, grounding, pseudo_labelled
from lessons_lib.metrics.detection import overlaps
from lessons_lib.sealed import load_state
from lessons_lib.teaching import trained_models
from lessons_lib.teaching.lesson14.asking import choices, of_twins, rightly

BOXES, CAPTIONS = "toy_scene_boxes", "toy_scene_captions"
ARMS = ("detection", "grounding", "student")
SHIPPED = {("grounding", True): "glip", ("grounding", False): "glip_unfused", ("detection", True): "glip_detection"}
DRAWN = 1  # other captions than those of the task, whose pool's seed is 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", type=int, default=0, choices=range(4))
    parser.add_argument("--arm", default="grounding", choices=ARMS)
    parser.add_argument("--no-fusion", dest="fusion", action="store_false")
    parser.add_argument("--contrast", type=float, help="w, of GLIPv2's contrast between pictures (default: GLIP)")
    parser.add_argument("--captions", default="base", choices=("base", "all"), help="what captions with boxes speak of")
    parser.add_argument("--teacher", type=Path, help="the student's: a method that was saved")
    parser.add_argument("--pictures", type=int, help="of training, of each task the first (default: all 4,000)")
    parser.add_argument("--labelled", type=int, default=4000, help="captions that the teacher labels")
    parser.add_argument("--tests", type=int, help="pictures to test on (default: all 400)")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--mask-epochs", type=int, default=4, help="of GLIPv2's masks, behind all else")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/glip"))
    parser.add_argument("--ship", action="store_true", help="into the package, where lesson 14 loads it")
    parser.add_argument(
        "--as-it-is", action="store_true", help="ship what the checkpoint holds, though epochs are left"
    )
    asked = parser.parse_args()
    if (asked.ship or asked.as_it_is) and ((asked.arm, asked.fusion) not in SHIPPED or asked.contrast is not None):
        parser.error(f"what ships is GLIP, of (arm, fusion): {', '.join(map(str, SHIPPED))}")
    if (asked.arm == "student") != (asked.teacher is not None):
        parser.error("a student has a teacher, and nobody else: give --arm student with --teacher")
    return asked


def first(task: ll.Task, pictures: int | None, tests: int | None) -> ll.Task:
    """Of a task the first pictures of training, and of test; None for all."""
    shorter = {part: getattr(task, part) for part in ("train", "val", "test")}
    for part, count in (("train", pictures), ("test", tests)):
        if count is not None:
            shorter[part] = shorter[part].subset(range(min(count, len(shorter[part]))))
    return ll.Task.from_pools(task.name, templates=task.templates, **shorter)


def teachers_record(labelled: Split, truth: Split) -> dict[str, float]:
    """Boxes a phrase, and percent of the boxes that overlap what the phrase is about by half."""
    right = [one for each in rightly(labelled, truth) for one in each]
    phrases = sum(map(len, truth.targets.phrases))
    return {"boxes a phrase": len(right) / max(1, phrases), "right": 100 * sum(right) / max(1, len(right))}


def masks_of(split: Split) -> list[torch.Tensor]:
    """Of every picture (m, H, W) bool: the pixels of the thing in each box."""
    found = []
    for i, (boxes, size) in enumerate(zip(split.targets.boxes, split.targets.sizes)):
        every, around = split.scenes.masks(i, size=size[0]), split.scenes.boxes(i, size=size[0])
        shares = overlaps(boxes.numpy(), around.nan_to_num().numpy())  # (m, things)
        found.append(every[torch.from_numpy(shares.argmax(axis=1))] if len(boxes) else torch.zeros(0, *size) > 0)
    return found


def mask_iou(method: ll.GLIPv2, split: Split) -> float:
    """Percent: the mean overlap of true masks with those of what was found at them, 0 where nothing was."""
    found, shares = method.detect(split), []
    for one, masks, boxes, labels, true in zip(
        found, method.masks(split, found), split.targets.boxes, split.targets.labels, masks_of(split)
    ):
        for box, label, wanted in zip(boxes, labels, true):
            mine = (one.labels == label).nonzero().flatten()
            near = overlaps(box[None].numpy(), one.boxes[mine].numpy())[0]
            if not len(near) or near.max() < 0.5:
                shares.append(0.0)
                continue
            mask = masks[mine[int(near.argmax())]] > 0.5
            shares.append(((mask & wanted).sum() / (mask | wanted).sum()).item())
    return 100 * sum(shares) / len(shares)


def seconds_a_picture(method: ll.GLIP, classnames: list[str], count: int = 32) -> dict[int, float]:
    """By how many names are asked for."""
    found, size = {}, method.image_size
    pictures = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))
    for names in (1, 16, 64):
        other = method.for_classes(classnames[:names])
        other.detect(pictures[:2])
        start = time.perf_counter()
        other.detect(pictures)
        found[names] = round((time.perf_counter() - start) / count, 4)
    return found


def ship(asked: argparse.Namespace, name: str, method: ll.GLIP, record: dict, fit: dict) -> None:
    """Keeps the method in the package, as it is measured with its numbers in 16 bits."""
    boxes, captions = (first(ll.load_task(task), None, asked.tests) for task in (BOXES, CAPTIONS))
    base, novel = boxes.fold(asked.fold)
    method, found = rounded(method).eval(), {}
    for on, part in (("base", base), ("novel", novel)):
        found[on] = method.for_classes(part.classnames).measure(part.test)
    about = {
        "date": datetime.date.today().isoformat(),
        "hardware": trained_models.hardware(method.clip.device),
        "settings": method.settings(),
        "fit": fit,
        "arm": asked.arm,
        "fold": asked.fold,
        "novel": novel.classnames,
        **{key: record[key] for key in ("seconds", "pictures", "history")},
        "measured": found | {"captions": grounding(method, captions.test)},
        "attributes": grounding(method, of_twins(captions.test)),
        "choices": "".join(one[0] for one in choices(method, captions.test)),
    }
    path = trained_models.keep(name, method, about)
    print(json.dumps({key: about[key] for key in ("measured", "attributes")}, indent=1))
    print(f"wrote '{path}' and, beside it, what made it")


def main() -> None:
    asked = arguments()
    clip = ll.load_clip("toyclip")
    base, novel = first(ll.load_task(BOXES), asked.pictures, asked.tests).fold(asked.fold)
    captions = first(ll.load_task(CAPTIONS), asked.pictures, asked.tests)
    told, found, more = captions.fold(asked.fold)[0] if asked.captions == "base" else captions, {}, []
    if asked.arm != "detection":
        more = [told.train]
    if asked.arm == "student":
        further = ll.load_task(CAPTIONS, pool_seed=DRAWN).train.subset(range(asked.labelled))
        more.append(pseudo_labelled(ll.load_method(asked.teacher, clip), further, SURE))
        found["teacher"] = teachers_record(more[-1], further)
    kind = "glip" if asked.contrast is None else "glipv2"
    name = "_".join([kind, asked.arm, *([] if asked.fusion else ["unfused"]), f"fold{asked.fold}_seed{asked.seed}"])
    settings = {"width": asked.width} | ({} if asked.contrast is None else {"contrast": asked.contrast})
    method = (ll.GLIP if asked.contrast is None else ll.GLIPv2)(clip, asked.fusion, **settings)
    asked.out.mkdir(parents=True, exist_ok=True)
    start, checkpoint, told_in = time.time(), asked.out / f"{name}.pt", asked.out / f"{name}.json"
    fit = {"epochs": asked.epochs, "lr": asked.lr, "seed": asked.seed}
    shipped, pictures = SHIPPED.get((asked.arm, asked.fusion)), sum(map(len, [base.train, *more]))
    if asked.as_it_is:
        state = load_state(checkpoint, "train first")
        method.begin(base)
        method.load_state_dict(state["method"])
        seconds = round(sum(row["seconds"] for row in state["history"]))
        record = {"seconds": seconds, "pictures": pictures, "history": state["history"]}
        return ship(asked, shipped, method, record, method.fit_settings(**fit))
    if asked.ship and told_in.is_file():
        method, record = ll.load_method(told_in.with_suffix(".safetensors"), clip), from_json(told_in.read_bytes())
        return ship(asked, shipped, method, record | {"pictures": pictures}, method.fit_settings(**fit))
    method.fit(base, grounding=more, **fit, checkpoint=checkpoint)
    if kind == "glipv2":
        method.fit_masks(base.train, masks_of(base.train), epochs=asked.mask_epochs, seed=asked.seed)
    seconds = time.time() - start
    method.save(asked.out / f"{name}.safetensors")
    of_novel = method.for_classes(novel.classnames)
    found |= {"base": method.measure(base.test), "novel": of_novel.measure(novel.test)}
    found |= {"captions": grounding(method, captions.test), "attributes": grounding(method, of_twins(captions.test))}
    if kind == "glipv2":
        found |= {"mask IoU": {"base": mask_iou(method, base.test), "novel": mask_iou(of_novel, novel.test)}}
    found |= {"seconds a picture": seconds_a_picture(method, captions.classnames)}
    about = {key: str(value) if isinstance(value, Path) else value for key, value in vars(asked).items()}
    record = {"settings": about, "seconds": round(seconds), "pictures": pictures}
    record |= {"history": method.history, "measured": found}
    atomic_write(told_in, json.dumps(record, indent=1).encode())
    print(json.dumps(found, indent=1))
    if asked.ship:
        ship(asked, shipped, method, record, method.fit_settings(**fit))


if __name__ == "__main__":
    main()
