"""Measures the ViLDs that train_vild.py has trained, on the test pictures of base and novel classes (F29 to F34).

    python data_scripts/studies/study_vild.py build/vild      # the folder that train_vild.py wrote to

Ships three of them (`trained_models.keep`) and writes lessons_lib/teaching/recorded/vild.json: AP50 of each arm, with
floor and ceiling, on base and on novel classes, asked twice: among all 64 names at once, as the paper does, and among
the names of the part alone. Intervals are of a bootstrap over test pictures, since each arm was trained once; what two
arms differ by is taken on the same draws. `make findings` reads the record.
"""

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pretraining"))
from pretrain_toyclip import hardware
from train_vild import TASK

import lessons_lib as ll
from lessons_lib.data import Split
from lessons_lib.files import from_json
from lessons_lib.metrics.detection import BoxMatches
from lessons_lib.teaching import trained_models
from lessons_lib.teaching.lesson13 import record
from lessons_lib.teaching.lesson13.crops import CropsOfClip, ImageHead, TextHead, as_one, teacher_accuracy
from lessons_lib.teaching.lesson13.regions import cells_of, embedded, percent_named, true_regions

DRAWS = 200  # of the bootstrap
SHIPPED = {"vild_text": "text_w0.5", "vild": "both_w0.5", "vild_ensemble": "ensemble_w0.5"}
ARMS = {  # arm -> the run that it is of, and what detects
    "text alone": ("text_w0.5", None),
    "both, w = 0.5": ("both_w0.5", None),
    "both, w = 2": ("both_w2", None),
    "ensemble": ("ensemble_w0.5", None),
    "ensemble, text head": ("ensemble_w0.5", TextHead),
    "ensemble, image head": ("ensemble_w0.5", ImageHead),
    "CLIP on crops": ("text_w0.5", CropsOfClip),
}
DIFFERENCES = (
    ("both, w = 0.5", "text alone"),
    ("both, w = 2", "text alone"),
    ("both, w = 2", "both, w = 0.5"),
    ("ensemble", "both, w = 0.5"),
    ("ensemble", "ensemble, text head"),
    ("ensemble", "ensemble, image head"),
    ("CLIP on crops", "both, w = 0.5"),
    ("CLIP on crops", "ensemble"),
)


class Measured:
    """One arm among some names: AP50 of groups of them, and of bootstrap draws of the pictures."""

    def __init__(self, method: ll.ViLD, split: Split, groups: dict[str, list[str]]):
        self.parts = list(zip(*method.for_classes(split.classnames).matches(split)))
        places = {name: i for i, name in enumerate(split.classnames)}
        self.groups = {on: [places[name] for name in names] for on, names in groups.items()}

    def ap50(self, which: int, chosen: Sequence[int] | None = None) -> dict[str, float]:
        """which: 0 answers, 1 ceiling, 2 floor."""
        some = self.parts[which] if chosen is None else [self.parts[which][i] for i in chosen]
        found = BoxMatches.joined(some).precision()[0]
        return {on: found[places].nanmean().item() for on, places in self.groups.items()}

    def recall(self) -> float:
        return BoxMatches.joined(self.parts[3]).recall()[0, 0].item()

    def draws(self) -> dict[str, np.ndarray]:
        """on -> AP50 of each draw; the same pictures in the same draw, whatever the arm."""
        chance, n = np.random.default_rng(0), len(self.parts[0])
        found = [self.ap50(0, chance.integers(n, size=n)) for _ in range(DRAWS)]
        return {on: np.array([each[on] for each in found]) for on in self.groups}


def between(values: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return {"low": round(float(low), 2), "high": round(float(high), 2)}


def named(method: ll.ViLD, split: Split, head: str) -> float:
    """Percent of true boxes whose embedding is nearest to their own name, of the split's."""
    pictures, regions = true_regions(split, range(len(split)), method.image_size)
    e = embedded(method, cells_of(method, pictures, regions), head)
    return percent_named(e, method.for_classes(split.classnames).texts.cpu(), regions.labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tests", type=int, help="of the test pictures, the first (default: all)")
    parser.add_argument("--without-crops", action="store_true", help="leave out CLIP on crops, which is slow")
    asked = parser.parse_args()
    clip = ll.load_clip("toyclip", verbose=False)
    paths = {name: asked.folder / f"{name}_fold0_seed1.safetensors" for name in {run for run, _ in ARMS.values()}}
    there = {name: path for name, path in paths.items() if path.is_file()}
    for name, run in SHIPPED.items():
        if run in there:
            trained_models.keep(name, ll.load_method(there[run], clip), from_json(told(there[run])))
    runs = {run: trained_models.load(name, clip) for name, run in SHIPPED.items() if run in there}
    runs |= {run: ll.load_method(path, clip) for run, path in there.items() if run not in runs}
    task = ll.load_task(TASK)
    base, novel = task.fold(0)
    groups = {"base": base.classnames, "novel": novel.classnames}
    asks = [("all 64", task.test, groups)]
    asks += [("its own", part.test, {on: part.classnames}) for on, part in (("base", base), ("novel", novel))]
    rows, differences = [], []
    for among, split, parts in asks:
        split = split if asked.tests is None else split.subset(range(min(asked.tests, len(split))))
        drawn = {}
        for arm, (run, kind) in ARMS.items():
            if run not in runs or (kind is CropsOfClip and asked.without_crops):
                continue
            method = runs[run] if kind is None else as_one(runs[run], kind)
            one = Measured(method, split, parts)
            drawn[arm] = one.draws()
            bounds = [one.ap50(which) for which in range(3)]
            for on in parts:
                found = {name: round(bound[on], 2) for name, bound in zip(("AP50", "ceiling", "floor"), bounds)}
                row = {"arm": arm, "on": on, "among": among, "pictures": len(split), **found, **between(drawn[arm][on])}
                row["recall"] = round(one.recall(), 2)
                rows.append(row)
                print(row, flush=True)
        for first, second in DIFFERENCES:
            for on in parts if first in drawn and second in drawn else ():
                apart = drawn[first][on] - drawn[second][on]
                means = {row["arm"]: row["AP50"] for row in rows if row["on"] == on and row["among"] == among}
                gain = round(means[first] - means[second], 2)
                differences.append({"first": first, "second": second, "on": on, "among": among, "mean": gain,
                                    **between(apart), "n": len(split)})  # fmt: skip
                print(differences[-1], flush=True)
    naming = [
        {"run": run, "head": head, "on": on, "among": among, "percent": round(named(method, split, head), 2)}
        for run, method in runs.items()
        for head in (("text", "image") if run.startswith("ensemble") else ("only",))
        for on, among, split in splits(task, base, novel)
    ]
    any_run = next(iter(runs.values()))
    teacher = [
        {"crops": list(crops), "on": on, "among": among, "percent": round(seen_by_clip(any_run, split, crops), 2)}
        for crops in ((1.0,), (1.0, 1.5))
        for on, among, split in splits(task, base, novel)
        if among == "its own"
    ]
    about = {
        "script": "data_scripts/studies/study_vild.py",
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(torch.device("cpu")),
        "clip": clip.fingerprint,
        "task": TASK,
        "fold": 0,
        "seed": 1,
        "draws": DRAWS,
        "arms": {arm: {"run": run, "detects": kind and kind.__name__} for arm, (run, kind) in ARMS.items()},
        "trained": {run: from_json(told(path)) for run, path in there.items()},
    }
    record.write(about | {"rows": rows, "differences": differences, "named": naming, "teacher": teacher})


def told(path: Path) -> bytes:
    return path.with_suffix(".json").read_bytes()


def splits(task: ll.Task, base: ll.Task, novel: ll.Task) -> list[tuple[str, str, Split]]:
    return [("base", "its own", base.test), ("novel", "its own", novel.test), ("all", "all 64", task.test)]


def seen_by_clip(method: ll.ViLD, split: Split, crops: tuple[float, ...]) -> float:
    method = method.for_classes(split.classnames)
    method.crops = list(crops)
    return teacher_accuracy(method, split)


if __name__ == "__main__":
    main()
