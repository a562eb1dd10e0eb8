"""DAPT and CoOp+VPT with settings searched for each task, as DAPT's paper has them: finding F11 on its own terms.

    python data_scripts/studies/study_dapt.py        # half an hour on two cores; goes on where it stopped

In the comparison both methods have one learning rate, and DAPT one pair of betas, for all tasks. Here they are searched
for each of three tasks, on all of its validation images, with 16 shots of a seed that is not used afterwards: first the
learning rate of CoOp+VPT; at that rate DAPT's beta_v; then its beta_t. With what was found both are fitted to the shots
of five seeds and tested. The rest is as in the comparison (`comparison_plan.py`). `make findings` reads the record.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path

import torch
from comparison_plan import PAIR, PAIR_BATCH, PAIR_EPOCHS, SEEDS, SHARED
from run_comparison import dispersion, toyclip
from tqdm.auto import tqdm

import lessons_lib as ll
from lessons_lib.data.toys import renderer_fingerprint
from lessons_lib.files import atomic_write
from lessons_lib.runs import sweeps
from lessons_lib.teaching import recorded_runs

SHOTS, SEARCH_SEED = 16, 6
GRIDS = {"lr": (0.002, 0.02, 0.2), "beta_v": (10.0, 100.0, 1000.0), "beta_t": (0.01, 1.0, 10.0)}  # searched in turn
START = {"beta_t": 0.01}  # while beta_v is searched
BEGUN = Path(__file__).resolve().parents[2] / "build" / "dapt_study.json"  # rows, while it goes on


@dataclass(frozen=True)
class Fit:
    """One fit, and what it is measured on. label: CoOp+VPT, which has betas of 0, or DAPT."""

    label: str
    task: str
    seed: int
    on: str  # "val" or "test"
    lr: float
    beta_v: float = 0.0
    beta_t: float = 0.0


Measure = Callable[[Iterable[Fit]], list[dict]]  # a row for each fit: its fields, accuracy, how embeddings lie, seconds


def carry(fit: Fit) -> dict:
    """The row of one fit."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    whole = sweeps.task_of(fit.task)
    task = whole.sample(SHOTS, seed=fit.seed)
    method = ll.DAPT(clip_of_process(), beta_v=fit.beta_v, beta_t=fit.beta_t)
    method.fit(task, seed=fit.seed, lr=fit.lr, epochs=PAIR_EPOCHS[SHOTS], batch_size=PAIR_BATCH, progress=False)
    found = {"accuracy": method.score(getattr(whole, fit.on)), **dispersion(method, task)}
    return {**asdict(fit), **{name: round(x, 5) for name, x in found.items()}, "seconds": time.perf_counter() - start}


@cache
def clip_of_process() -> ll.Clip:
    return toyclip()


def search(measure: Measure) -> dict[str, dict[str, float]]:
    """task -> lr, beta_v, beta_t: one after the other, each the best on validation images; of equal ones the first."""
    chosen = {task: {} for task in SHARED}
    for name, values in GRIDS.items():
        asked = [fit_of("val", task, SEARCH_SEED, chosen[task] | {name: x}) for task in SHARED for x in values]
        rows = measure(asked)
        for task in SHARED:
            best = max((row for row in rows if row["task"] == task), key=lambda row: row["accuracy"])
            chosen[task][name] = best[name]
    return chosen


def fit_of(on: str, task: str, seed: int, settings: dict[str, float], label: str | None = None) -> Fit:
    """With the settings that the method has: CoOp+VPT a learning rate alone. label: what the settings say."""
    plain, dapt = PAIR
    label = label or (dapt if "beta_v" in settings else plain)
    return Fit(label, task, seed, on, **(START | settings if label == dapt else {"lr": settings["lr"]}))


def study(measure: Measure) -> dict:
    """The search, and what was measured with its result."""
    chosen = search(measure)
    asked = [fit_of("test", task, seed, chosen[task], label) for seed in SEEDS for task in SHARED for label in PAIR]
    return {"chosen": chosen, "test": measure(asked)}


def measuring(pool: ProcessPoolExecutor, rows: list[dict]) -> Measure:
    """Measures what `rows` has not yet, adds it there, and keeps them on disk after each."""
    there = {fit_in(row): row for row in rows}

    def measure(fits: Iterable[Fit]) -> list[dict]:
        fits = list(fits)
        todo = {pool.submit(carry, fit): fit for fit in dict.fromkeys(fits) if fit not in there}
        for done in tqdm(as_completed(todo), total=len(todo), unit="fit", disable=not todo):
            there[todo[done]] = done.result()
            atomic_write(BEGUN, json.dumps(list(there.values())).encode())
        return [there[fit] for fit in fits]

    return measure


def fit_in(row: dict) -> Fit:
    return Fit(**{name: row[name] for name in Fit.__dataclass_fields__})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="processes, one core each")
    parser.add_argument("--out", type=Path, default=recorded_runs.DAPT_STUDY)
    args = parser.parse_args()
    rows = json.loads(BEGUN.read_text()) if BEGUN.exists() else []
    with ProcessPoolExecutor(args.jobs) as pool:
        found = study(measuring(pool, rows))
    searched = [row for row in json.loads(BEGUN.read_text()) if row["on"] == "val"]
    searched.sort(key=lambda row: [row["task"], row["label"], row["lr"], row["beta_v"], row["beta_t"]])
    record = {
        "script": "data_scripts/studies/study_dapt.py",
        "date": date.today().isoformat(),
        "clip": toyclip().fingerprint,
        "world": renderer_fingerprint(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "lessons_lib": ll.__version__},
        "settings": {"shots": SHOTS, "epochs": PAIR_EPOCHS[SHOTS], "batch_size": PAIR_BATCH, "grids": GRIDS,
                     "search_seed": SEARCH_SEED, "seeds": SEEDS},
        "search": searched,
        **found,
    }  # fmt: skip
    atomic_write(args.out, (json.dumps(record, indent=1) + "\n").encode())
    print(
        json.dumps(record["chosen"], indent=1), "\nnow: make findings, and python data_scripts/studies/update_readme.py"
    )


if __name__ == "__main__":
    main()
