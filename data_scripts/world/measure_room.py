"""How much a CLIP leaves to win on ToyWorld: zero-shot, and probes on few shots, of every task.

    python data_scripts/world/measure_room.py                                 # the embedded ToyCLIP, tasks as they are
    python data_scripts/world/measure_room.py --looks 0 0.5 1 --weights FILE  # other strengths of looks, other weights

Prints Markdown. All pictures are drawn with seeds of their own: no other study, and no lesson, is measured on them. So
it is what looks, captions and shares are chosen by.
"""

import argparse
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.clip import Clip
from lessons_lib.data.split import Split
from lessons_lib.data.task import Task
from lessons_lib.data.toys import SceneImages

SHOTS, DRAW = 16, 2_000  # the seeds of pictures are DRAW and above
PHOTO = "a photo of a {}."


def task_of(name: str, looks: float, draw: int) -> Task:
    """As `load_task`, on pictures that are drawn for this alone."""
    spec = toyworld.TASKS[name]
    drawn = {role: toyworld.draw_scenes(name, role, seed=DRAW + draw, looks=looks) for role in ("train", "val", "test")}
    splits = {role: Split(SceneImages(scenes), labels, spec.classnames) for role, (scenes, labels) in drawn.items()}
    return Task.from_pools(name, **splits, templates=spec.templates, shots=SHOTS, seed=1 + draw)


def measured(clip: Clip, task: Task) -> dict[str, float]:
    """Percent right on the task's test pictures."""
    return {
        "zero-shot": ll.ZeroShot(clip).fit(task).score(task.test),
        "a photo of a": ll.ZeroShot(clip, templates=PHOTO).fit(task).score(task.test),
        "probe": ll.LinearProbe(clip).fit(task).score(task.test),
        "probe on pixels": on_pixels(task),
    }


def on_pixels(task: Task) -> float:
    """A probe on the pictures at a quarter of their size: the best of three strengths on validation pictures."""
    (x, y), (x_val, y_val), (x_test, y_test) = (
        (F.avg_pool2d(split.tensor() / 255, 4).flatten(1).numpy(), np.asarray(split.labels))
        for split in (task.train, task.val, task.test)
    )
    probes = [LogisticRegression(C=C, max_iter=200).fit(x, y) for C in (1e-4, 1e-3, 1e-2)]
    best = max(probes, key=lambda probe: probe.score(x_val, y_val))
    return 100 * best.score(x_test, y_test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=toyworld.ELEVEN, help="default: the eleven")
    parser.add_argument(
        "--looks", type=float, nargs="+", default=[toyworld.LOOKS], help="strengths of the tasks' looks"
    )
    parser.add_argument("--draws", type=int, default=1, help="how often pictures are drawn; means of them are shown")
    parser.add_argument("--weights", type=Path, help="a checkpoint in the place of the embedded one")
    args = parser.parse_args()
    clip = ll.load_clip("toyclip", args.weights, device="cpu", precision="fp32", verbose=False)
    for looks in args.looks:
        print(f"\nlooks {looks:g}, {SHOTS} shots, {args.draws} draw{'s' * (args.draws > 1)}\n")
        table = {}
        for name in args.tasks:
            each = [measured(clip, task_of(name, looks, draw)) for draw in range(args.draws)]
            table[name] = {what: sum(one[what] for one in each) / len(each) for what in each[0]}
            if name == args.tasks[0]:
                print(f"| task | {' | '.join(table[name])} | probe − zero-shot |")
                print("|---" * (len(table[name]) + 2) + "|")
            print(line(name, table[name]), flush=True)
        means = {what: sum(one[what] for one in table.values()) / len(table) for what in table[args.tasks[0]]}
        print(line("mean", means))


def line(name: str, found: dict[str, float]) -> str:
    numbers = " | ".join(f"{value:.1f}" for value in found.values())
    return f"| {name} | {numbers} | {found['probe'] - found['zero-shot']:+.1f} |"


if __name__ == "__main__":
    main()
