"""Measures the ViLDs that train_vild.py has trained, on the test pictures of base and novel classes (F29 to F34).

    python data_scripts/pretraining/study_vild.py build/vild      # the folder that train_vild.py wrote to

Ships three of them (`trained_models.keep`) and writes lessons_lib/teaching/recorded/vild.json: AP50 of each arm, with
floor and ceiling, on base and on novel classes, all 64 names asked at once, as the paper does. Intervals are of a
bootstrap over test pictures, since each arm was trained once; what two arms differ by is taken on the same draws.
`make findings` reads the record.
"""

import argparse
import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from train_vild import TASK

import lessons_lib as ll
from lessons_lib.data import Split
from lessons_lib.files import from_json
from lessons_lib.metrics.detection import BoxMatches
from lessons_lib.teaching import trained_models
from lessons_lib.teaching.lesson13 import record
from lessons_lib.teaching.lesson13.checks import widened
from lessons_lib.teaching.lesson13.crops import CropsOfClip, ImageHead, TextHead, as_one
from lessons_lib.teaching.lesson13.regions import Sight, cells_of, embedded, percent_named, true_regions

DRAWS = 100  # of the bootstrap
FLAT = ("text alone", "ensemble, image head")
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


def apart(first: np.ndarray, second: np.ndarray, mean: float, pictures: int) -> dict[str, float]:
    return {"mean": round(mean, 2), **between(first - second), "n": pictures}


def seen_by_clip(method: ll.ViLD, split: Split) -> dict[str, float]:
    """Percent of true boxes whose crops CLIP names right, of tight crops and with wider ones; and what those add."""
    pictures, regions = true_regions(split, range(len(split)), method.image_size)
    see, texts = Sight(method.clip, pictures, regions.picture), method.for_classes(split.classnames).texts.cpu()
    tight = see(regions.boxes)
    right = [(v @ texts.T).argmax(dim=1) == regions.labels - 1 for v in (tight, tight + see(widened(regions.boxes)))]
    right = np.stack([each.double().numpy() for each in right])  # (2, R)
    chance, n, draws = np.random.default_rng(0), len(split), []
    counts = np.stack([np.bincount(regions.picture, weights=each, minlength=n) for each in (*right, right[0] * 0 + 1)])
    for _ in range(DRAWS):
        tight_right, both_right, boxes = counts[:, chance.integers(n, size=n)].sum(axis=1)
        draws.append([100 * tight_right / boxes, 100 * both_right / boxes])
    one, two = np.array(draws).T
    shares = 100 * right.mean(axis=1)
    return {"tight": round(shares[0], 2), "both": round(shares[1], 2), **apart(two, one, shares[1] - shares[0], n)}


def measure(runs: dict[str, ll.ViLD], split: Split, groups: dict[str, list[str]]) -> tuple[list, list, dict]:
    """Rows of the arms, what they differ by, and how flat they are across base and novel classes."""
    rows, differences, drawn, found, n = [], [], {}, {}, len(split)
    for arm, (run, kind) in ARMS.items():
        one = Measured(runs[run] if kind is None else as_one(runs[run], kind), split, groups)
        drawn[arm], bounds = one.draws(), [one.ap50(which) for which in range(3)]
        found[arm] = bounds[0]
        for on in groups:
            each = {name: round(bound[on], 2) for name, bound in zip(("AP50", "ceiling", "floor"), bounds)}
            row = {"arm": arm, "on": on, "pictures": n, **each, **between(drawn[arm][on])}
            rows.append(row | {"recall": round(one.recall(), 2)})
            print(rows[-1], flush=True)
    for first, second in DIFFERENCES:
        for on in groups:
            gain = apart(drawn[first][on], drawn[second][on], found[first][on] - found[second][on], n)
            differences.append({"first": first, "second": second, "on": on, **gain})
    favours = [drawn[arm]["base"] - drawn[arm]["novel"] for arm in FLAT]
    means = [found[arm]["base"] - found[arm]["novel"] for arm in FLAT]
    return rows, differences, apart(*favours, means[0] - means[1], n)


def named(runs: dict[str, ll.ViLD], split: Split, on: str) -> list[dict]:
    """Percent of true boxes nearest to their own name, of the split's names. The runs share a first stage."""
    first = next(iter(runs.values()))
    pictures, regions = true_regions(split, range(len(split)), first.image_size)
    cells, texts = cells_of(first, pictures, regions), first.for_classes(split.classnames).texts.cpu()
    return [
        {"run": run, "head": head, "on": on, "percent": round(percent_named(e, texts, regions.labels), 2)}
        for run, method in runs.items()
        for head in (("text", "image") if run.startswith("ensemble") else ("only",))
        for e in [embedded(method, cells, head)]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tests", type=int, help="of the test pictures, the first; writes no record")
    asked = parser.parse_args()
    clip = ll.load_clip("toyclip", verbose=False)
    paths = {run: asked.folder / f"{run}_fold0_seed1.safetensors" for run, _ in ARMS.values()}
    if missing := [str(path) for path in paths.values() if not path.is_file()]:
        raise SystemExit(f"not trained yet: {', '.join(missing)}. Run data_scripts/pretraining/train_vild.py first")
    for name, run in SHIPPED.items():
        if asked.tests is None:
            trained_models.keep(name, ll.load_method(paths[run], clip), from_json(told(paths[run])))
    runs = {run: rounded(ll.load_method(path, clip)) for run, path in paths.items()}
    task = ll.load_task(TASK)
    task.test.tensor()  # drawn once, for all parts
    base, novel = task.fold(0)
    groups = {"base": base.classnames, "novel": novel.classnames}
    tests = task.test if asked.tests is None else task.test.subset(range(asked.tests))
    rows, differences, flat = measure(runs, tests, groups)
    if asked.tests is not None:
        return
    own = {"base": base.test, "novel": novel.test}
    any_run = next(iter(runs.values()))
    about = {
        "script": "data_scripts/pretraining/study_vild.py",
        "date": datetime.date.today().isoformat(),
        "hardware": trained_models.hardware(torch.device("cpu")),
        "clip": clip.fingerprint,
        "task": TASK,
        "fold": 0,
        "draws": DRAWS,
        "arms": {arm: {"run": run, "detects": kind and kind.__name__} for arm, (run, kind) in ARMS.items()},
        "trained": {run: from_json(told(path)) for run, path in paths.items()},
        "first": from_json((asked.folder / "first_fold0.json").read_bytes()),
        "named": [row for on, split in own.items() for row in named(runs, split, on)],
        "wider": {on: seen_by_clip(any_run, split) for on, split in own.items()},
    }
    record.write(about | {"rows": rows, "differences": differences, "flatness": flat})


def rounded(method: ll.ViLD) -> ll.ViLD:
    """With its numbers as a shipped file has them, in 16 bits."""
    state = method.state_dict()
    method.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k, v in state.items()})
    return method


def told(path: Path) -> bytes:
    return path.with_suffix(".json").read_bytes()


if __name__ == "__main__":
    main()
