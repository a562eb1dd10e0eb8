"""How long a run of `sweeps` takes, to deal runs out in equal parts. Plans ask the methods instead (`Method.cost`)."""

import math

from lessons_lib.runs.sweeps import Run

FORWARD, BOTH_WAYS = 170, 90  # images a second through ToyCLIP's image tower on one core: embedded, and trained on
PER_IMAGE = {  # seconds of training per image and epoch on one core, from short runs on toy_pets and toy_satellite
    "CoOp": 5e-4, "KgCoOp": 7.5e-5, "CLIPAdapter": 3.6e-5, "TextProbe": 2.7e-5, "LPPlusPlus": 1e-5, "CoCoOp": 0.014,
    "TipAdapter": 2e-5, "VPT": 1 / BOTH_WAYS, "VisualPrompting": 1 / BOTH_WAYS, "IVLP": 1.25 / BOTH_WAYS,
    "MaPLe": 1.25 / BOTH_WAYS, "DAPT": 1 / 77,
}  # fmt: skip
EPOCHS = {"KgCoOp": 100, "TextProbe": 300, "LPPlusPlus": 300, "CoCoOp": 10, "TipAdapter": 20, "VPT": 5, "IVLP": 5,
          "MaPLe": 5, "VisualPrompting": 1000}  # published; the others' depend on shots, as CoOp's do  # fmt: skip
PROBE = 1e-3  # seconds a training image, with the search
IN_IMAGE_TOWER = ("VPT", "VisualPrompting", "IVLP", "MaPLe", "DAPT")


def toy_seconds(run: Run) -> float | None:
    """Of a run on a toy task with ToyCLIP, on one quiet core, once the frozen features of plain images are cached."""
    from lessons_lib.toyworld import SPLIT_SIZES, TASKS

    tests = [run.task, *run.others]
    if any(task not in TASKS for task in tests):
        return None
    classes = len(TASKS[run.task].classnames)
    trained_on = run.shots * (math.ceil(classes / 2) if run.protocol == "base-to-new" else classes)
    tested = sum(SPLIT_SIZES["test"] * len(TASKS[task].classnames) for task in tests)
    seconds = 0.1
    if run.method == "LinearProbe":
        seconds += PROBE * trained_on
    elif run.method != "ZeroShot":
        published = EPOCHS.get(run.method, 50 if run.shots == 1 else 100 if run.shots <= 4 else 200)
        epochs = run.fit.get("epochs", published)
        wider = 1 + classes / 64 if run.method == "CoOp" else 1
        seconds += PER_IMAGE[run.method] * trained_on * epochs * wider
    if run.method == "TipAdapter":
        seconds += 10 * trained_on / FORWARD  # its views
    if run.method in IN_IMAGE_TOWER:
        seconds += tested / FORWARD
    elif run.method == "CoCoOp":
        seconds += 5e-5 * tested * classes
    return seconds
