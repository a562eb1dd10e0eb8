"""Measures the GLIPs that train_glip.py has trained, on test pictures and captions (F47 to F50).

    python data_scripts/pretraining/study_glip.py build/glip      # the folder that train_glip.py wrote to

Writes lessons_lib/teaching/recorded/glip.json: of each arm that is there AP50 of base and of novel classes, all 64
names asked of every picture; the percent of phrases that found their box, of all and of those that are about one of two
things of a class; and seconds a picture by how many names are asked. Intervals are of a bootstrap over test pictures,
since each arm was trained once; what two arms differ by is taken on the same draws. Lesson 14 and `make findings` read
the record.
"""

import argparse
import datetime
import time
from pathlib import Path

import numpy as np
import torch
from study_vild import DRAWS, Measured, apart, between, rounded, told
from torchvision.ops import box_iou
from train_glip import BOXES, CAPTIONS

import lessons_lib as ll
from lessons_lib.data import Split
from lessons_lib.files import from_json
from lessons_lib.methods.parts.grounding import about, found_in
from lessons_lib.teaching import sealed_json
from lessons_lib.teaching.lesson14.asking import of_twins
from lessons_lib.teaching.trained_models import hardware

ARMS = {  # arm -> the run that it is of
    "grounding": "glip_grounding",
    "grounding, unfused": "glip_grounding_unfused",
    "detection": "glip_detection",
    "student": "glip_student",
    "GLIPv2": "glipv2_grounding",
}
DIFFERENCES = (
    ("grounding", "grounding, unfused"),
    ("grounding", "detection"),
    ("student", "grounding"),
    ("GLIPv2", "grounding"),
)
NAMES, REPEATS, TIMED = (1, 16, 64), 7, 32  # names that are asked, how often it is timed, and on how many pictures


def phrases_found(method: ll.GLIP, split: Split) -> np.ndarray:
    """(N, 2): of each picture how many phrases found their box, by half, and how many there are."""
    counts = []
    for i, (phrases, found) in enumerate(found_in(method, split)):
        right = 0
        for number, phrase in enumerate(phrases):
            answer = found.boxes[found.scores[:, number].argmax()][None]
            right += bool((box_iou(answer, split.targets.boxes[i][about(split, i, phrase)]) >= 0.5).any())
        counts.append([right, len(phrases)])
    return np.array(counts)


def drawn(counts: np.ndarray) -> np.ndarray:
    """Percent of phrases found in each draw of the pictures: the same pictures in the same draw, whatever the arm."""
    chance, n = np.random.default_rng(0), len(counts)
    sums = np.stack([counts[chance.integers(n, size=n)].sum(axis=0) for _ in range(DRAWS)])
    return 100 * sums[:, 0] / sums[:, 1]


def seconds_a_picture(method: ll.GLIP, classnames: list[str]) -> dict[int, list[float]]:
    """By how many names are asked for, one number a repetition; the numbers of names take turns."""
    size, found = method.image_size, {count: [] for count in NAMES}
    pictures = torch.rand(TIMED, 3, size, size, generator=torch.Generator().manual_seed(0))
    asked = {count: method.for_classes(classnames[:count]) for count in NAMES}
    for one in asked.values():
        one.detect(pictures[:2])
    for _ in range(REPEATS):
        for count, one in asked.items():
            start = time.perf_counter()
            one.detect(pictures)
            found[count].append(round((time.perf_counter() - start) / TIMED, 5))
    return found


def measure(methods: dict[str, ll.GLIP], boxes: ll.Task, captions: Split, fold: int) -> dict[str, list]:
    """rows: an arm and what it is measured on; differences of two arms; seconds of one."""
    halves = dict(zip(("base", "novel"), boxes.fold(fold)))
    groups = {on: half.classnames for on, half in halves.items()}
    texts = {"phrases": captions, "attributes": of_twins(captions)}
    rows, draws, means, seconds = [], {}, {}, []
    for arm, method in methods.items():
        one = Measured(method, boxes.test, groups)
        draws[arm], bounds = one.draws(), [one.ap50(which) for which in range(3)]
        means[arm] = bounds[0]
        for on in groups:
            each = {name: round(bound[on], 2) for name, bound in zip(("value", "ceiling", "floor"), bounds)}
            rows.append({"arm": arm, "on": on, "metric": "AP50", "pictures": len(boxes.test), **each})
        for on, split in texts.items():
            counts = phrases_found(method, split)
            draws[arm][on], means[arm][on] = drawn(counts), 100 * counts[:, 0].sum() / counts[:, 1].sum()
            value = round(float(means[arm][on]), 2)
            rows.append({"arm": arm, "on": on, "metric": "found", "pictures": len(split), "value": value})
        for row in rows[-len(groups) - len(texts) :]:
            row |= between(draws[arm][row["on"]])
            print(row, flush=True)
        for count, each in seconds_a_picture(method, boxes.classnames).items():
            seconds.append({"arm": arm, "names": count, "seconds": each})
    differences = [
        {"first": first, "second": second, "on": on, **difference(draws, means, first, second, on, len(boxes.test))}
        for first, second in DIFFERENCES
        if {first, second} <= set(methods)
        for on in (*groups, *texts)
    ]
    return {"rows": rows, "differences": differences, "seconds": seconds}


def difference(draws: dict, means: dict, first: str, second: str, on: str, pictures: int) -> dict[str, float]:
    return apart(draws[first][on], draws[second][on], float(means[first][on] - means[second][on]), pictures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fold", type=int, default=0, choices=range(4))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    paths = {arm: asked.folder / f"{run}_fold{asked.fold}_seed{asked.seed}.safetensors" for arm, run in ARMS.items()}
    paths = {arm: path for arm, path in paths.items() if path.with_suffix(".json").is_file()}
    if "grounding" not in paths:
        raise SystemExit(f"not trained yet in '{asked.folder}': run data_scripts/pretraining/train_glip.py first")
    clip = ll.load_clip("toyclip", verbose=False)
    boxes, captions = ll.load_task(BOXES), ll.load_task(CAPTIONS).fold(asked.fold)[0].test
    methods = {arm: rounded(ll.load_method(path, clip)) for arm, path in paths.items()}
    made_by = {
        "script": "data_scripts/pretraining/study_glip.py",
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(torch.device("cpu")),
        "clip": clip.fingerprint,
        "task": BOXES,
        "captions": CAPTIONS,
        "fold": asked.fold,
        "draws": DRAWS,
        "trained": {arm: from_json(told(path)) for arm, path in paths.items()},
    }
    sealed_json.write("glip", made_by | measure(methods, boxes, captions, asked.fold))


if __name__ == "__main__":
    main()
