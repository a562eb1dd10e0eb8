"""Measures the GroupViT that pretrain_groupvit.py made, and ships it: lesson 12 loads it, F22 to F27 are asked of it.

    python data_scripts/pretraining/study_groupvit.py build/pretrain/groupvit
    python data_scripts/pretraining/study_groupvit.py build/pretrain/groupvit --tests 40 --out /tmp/trial    # briefly

It is measured as it ships, with weights of 16 bits, on the test pictures of "toy_masks" (20 names) and
"toy_scene_masks" (64). Thresholds are chosen on validation pictures. Beside it stands what looks at no mask either: the
patches of ToyCLIP (MaskCLIP's value path), k-means of them, named by the same rule, and k-means of colours and places.
Intervals are of a bootstrap over test pictures: of one training they say nothing of other seeds. Some ten minutes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.data import Masks, Split
from lessons_lib.data.toys import SceneImages
from lessons_lib.files import from_json
from lessons_lib.methods import METHODS
from lessons_lib.metrics import effect
from lessons_lib.metrics.by_picture import Counts, counted, difference, middle
from lessons_lib.metrics.segmentation import patch_labels
from lessons_lib.teaching import trained_models
from lessons_lib.teaching.lesson12 import groups, naming, shipped
from lessons_lib.templates import IMAGENET_80

FEW, MANY, SIZE = "toy_masks", "toy_scene_masks", 64
TEXTS = 20_000  # captions that are searched for the tokens that texts may hold
DRAWS = 1000


def tokens_said(clip: Clip) -> set[int]:
    """Of captions, class names and templates."""
    _, captions = toyworld.draw_pairs(TEXTS, seed=9)
    names = {name for specs in (toyworld.TASKS, toyworld.SEVERAL) for s in specs.values() for name in s.classnames}
    texts = [*captions, *names, *(template.replace("{}", "") for template in IMAGENET_80)]
    return set(clip.tokenize(texts).flatten().tolist())


def pictures(task: str, role: str, count: int | None) -> tuple[Split, Any]:
    """A split of a task and the scenes that it draws; fewer pictures for a trial."""
    scenes, classes = toyworld.draw_several(task, role)
    picks = list(range(min(count or len(scenes), len(scenes))))
    scenes, classes = scenes[picks], classes[picks]
    masks = Masks(toyworld.class_masks(scenes, classes))
    return Split(SceneImages(scenes), masks, toyworld.SEVERAL[task].classnames), scenes


def judged(answers: Tensor, split: Split) -> Counts:
    return counted(answers, split.targets.masks.long(), len(split.classnames))


def things_of(split: Split) -> list[int]:
    return list(range(1, len(split.classnames)))


def said(counts: Counts, things: list[int]) -> dict[str, float]:
    low, high = counts.interval(things)
    return {"mIoU": counts.mean_iou(things), "low": low, "high": high}


def between(values: Tensor, mean: float) -> dict[str, float]:
    low, high = middle(values)
    return {"mean": mean, "low": low, "high": high}


def paired(first: list[float], second: list[float]) -> dict[str, float]:
    """Mean difference over pictures, with its Student interval."""
    one = effect([a - b for a, b in zip(first, second, strict=True)])
    return {"mean": one["mean"], "low": one["mean"] - one["half_width"], "high": one["mean"] + one["half_width"]}


def apart(few: list[float], many: list[float]) -> dict[str, float]:
    """Mean of one set of pictures less that of another, each drawn again."""
    chance = torch.Generator().manual_seed(0)
    means = []
    for values in (few, many):
        rows = torch.tensor(values, dtype=torch.double)
        means.append(rows[torch.randint(len(rows), (DRAWS, len(rows)), generator=chance)].mean(dim=1))
    return between(means[0] - means[1], sum(few) / len(few) - sum(many) / len(many))


def measured(vit: Clip, clip: Clip, tests: int | None) -> dict[str, Any]:
    val, test = (pictures(FEW, role, tests)[0] for role in ("val", "test"))
    crowd_val, crowd = (pictures(MANY, role, tests)[0] for role in ("val", "test"))
    things, truth = things_of(test), test.targets.masks.long()
    eight = val.of_classes(range(9))
    count, patch = vit.model.visual.grouping[-1].mix.second.out_features, vit.model.visual.patch_size[0]
    by = {
        "soft": (naming.by_groupvit(vit, val), naming.by_groupvit(vit, test)),
        "hard": (naming.by_groupvit(vit, val, "hard"), naming.by_groupvit(vit, test, "hard")),
        "k-means": (naming.by_clusters(clip, val, count), naming.by_clusters(clip, test, count)),
    }
    curves = {who: naming.curve(found, val) for who, (found, _) in by.items()}
    curves |= {"8 names": naming.curve(naming.by_groupvit(vit, eight), eight)}
    curves |= {"64 names": naming.curve(naming.by_groupvit(vit, crowd_val), crowd_val)}
    best = {who: naming.best(values) for who, values in curves.items()}
    found = {who: judged(naming.answers(one, best[who], SIZE), test) for who, (_, one) in by.items()}
    found["t = 0.95"] = judged(naming.answers(by["soft"][1], 0.95, SIZE), test)
    last = groups.at_pixels(by["soft"][1].maps, SIZE)
    of_colours = groups.k_means(groups.colours(test.tensor().float() / 255, patch), count)
    found["oracle"] = judged(groups.by_oracle(last, truth), test)
    found["k-means, oracle"] = judged(groups.by_oracle(groups.at_pixels(by["k-means"][1].maps, SIZE), truth), test)
    found["colours, oracle"] = judged(groups.by_oracle(groups.at_pixels(of_colours, SIZE), truth), test)
    dense = METHODS["DenseZeroShot"](clip, "value").for_classes(test.classnames)
    found["patches"] = judged(dense.predict(test).cpu(), test)
    found["ceiling"] = judged(patch_labels(truth, patch, len(test.classnames)), test)
    found["floor"] = judged(torch.full_like(truth, 1 + int(torch.bincount(truth.flatten())[1:].argmax())), test)
    many = naming.by_groupvit(vit, crowd)
    crowded = {who: judged(naming.answers(many, best[who], SIZE), crowd) for who in ("64 names", "8 names")}
    kinds = kinds_of_groups(vit, tests)
    apart_by = found["oracle"], found["soft"], found["ceiling"]
    oracle, own, ceiling = (one.spread(things) for one in apart_by)
    means = [one.mean_iou(things) for one in apart_by]
    return {
        "test": {who: said(counts, things) for who, counts in found.items()},
        "64 names": {f"t of {who}": said(counts, things_of(crowd)) for who, counts in crowded.items()},
        "thresholds": {"grid": list(naming.GRID), "best": best, "validation": curves},
        "agreement": {name: sum(values) / len(values) for name, values in kinds["agreement"].items()},
        "found": {str(count): sum(values) / len(values) for count, values in kinds["found"].items()},
        "findings": {
            "F22": {
                "GroupViT − ToyCLIP's patches": difference(found["soft"], found["patches"], things),
                "GroupViT − k-means of them, named": difference(found["soft"], found["k-means"], things),
            },
            "F23": {
                "named by the truth − by texts": difference(found["oracle"], found["soft"], things),
                "that − what the ceiling has above": between(
                    2 * oracle - own - ceiling, 2 * means[0] - means[1] - means[2]
                ),
            },
            "F24": {"soft − hard maps": difference(found["soft"], found["hard"], things)},
            "F25": {
                "64 names, their own threshold − that of 8 names": difference(
                    crowded["64 names"], crowded["8 names"], things_of(crowd)
                )
            },
            "F26": kinds["F26"],
            "F27": {"% of things found, of 2 − of 4": apart(kinds["found"][2], kinds["found"][4])},
        },
        "pictures": len(test),
    }


def kinds_of_groups(vit: Clip, tests: int | None) -> dict[str, Any]:
    """What groups follow: things, parts, or colours? Of the test pictures of `MANY`, which show all kinds."""
    split, scenes = pictures(MANY, "test", tests)
    truth, parts = split.targets.masks.long(), groups.parts_at(scenes, SIZE)
    maps = naming.by_groupvit(vit, split).maps
    colours = groups.colours(split.tensor().float() / 255, vit.model.visual.patch_size[0])
    cuts = {
        "GroupViT": groups.at_pixels(maps, SIZE),
        "colours": groups.at_pixels(groups.k_means(colours, maps.shape[1]), SIZE),
    }
    agree = {
        (name, what): groups.agreement(cut, is_)
        for name, cut in cuts.items()
        for what, is_ in (("things", truth), ("parts", parts))
    }
    counts = [len(set(mask.unique().tolist()) - {0}) for mask in truth]
    found = groups.found_things(cuts["GroupViT"], truth)
    by_count = {n: [share for share, count in zip(found, counts) if count == n] for n in (2, 3, 4)}
    return {
        "agreement": {f"{name} with {what}": values for (name, what), values in agree.items()},
        "found": by_count,
        "F26": {
            "with things: groups − clusters of colours": paired(
                agree["GroupViT", "things"], agree["colours", "things"]
            ),
            "of groups: with things − with parts": paired(agree["GroupViT", "things"], agree["GroupViT", "parts"]),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder that pretrain_groupvit.py wrote")
    parser.add_argument("--tests", type=int, help="pictures of each split (default: all)")
    parser.add_argument("--out", type=Path, default=trained_models.TRAINED)
    args = parser.parse_args()
    clip = ll.load_clip("toyclip", precision="fp32", verbose=False)
    trained = ll.load_clip(f"local-dir:{args.model}", precision="fp32", verbose=False)
    config = from_json((args.model / "open_clip_config.json").read_bytes())
    training = from_json((args.model / "groupvit_training.json").read_bytes())
    weights = trained.model, config["model_cfg"], config["preprocess_cfg"], tokens_said(clip)
    shipped.keep(*weights, {}, args.out)
    page = training | {"settings": config["model_cfg"], "fit": training["settings"]}
    page |= measured(shipped.groupvit(clip, args.out), clip, args.tests)
    page = json.loads(json.dumps(page), parse_float=lambda digits: round(float(digits), 4))
    path = shipped.keep(*weights, page, args.out)
    for who, one in page["test"].items():
        print(f"{who:>24}: mIoU of things {one['mIoU']:5.1f} ({one['low']:.1f} to {one['high']:.1f})")
    for key, found in page["findings"].items():
        for name, one in found.items():
            print(f"{key} {name}: {one['mean']:+.1f} ({one['low']:+.1f} to {one['high']:+.1f})")
    print(f"wrote '{path}', {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
