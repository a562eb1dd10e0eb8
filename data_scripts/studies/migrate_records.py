"""Records of before the one store: into the store under their identities, and out of it in their present shape.

    python data_scripts/studies/migrate_records.py enter FOLDER     # of old files, or of records under old identities
    python data_scripts/studies/migrate_records.py export           # all five records, into the package
    python data_scripts/studies/migrate_records.py again            # 60 drawn runs once more: are they equal?

`enter` takes every row of FOLDER to be of the cell that has its label in today's plan. That is right once: where plan,
settings and world are still those that were recorded, and only the way to name a run has changed. `again` looks whether
it is right: it draws runs over all studies and methods with a fixed seed, carries them out in a store of their own, and
compares with what is recorded, to the digits that are. It leaves out what took more than a minute (`--longest`).
"""

import argparse
import json
import random
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import findings_prompt_learning
import findings_zero_shot
import old_records
import pandas as pd
import run_comparison
import study_dapt
import study_pretraining
from old_records import Old

from lessons_lib.runs import Plan, Store, run
from lessons_lib.runs import record as records
from lessons_lib.runs.study import STORE, Study, enter, results
from lessons_lib.teaching.recorded_runs import RECORDED

MODULES = (findings_prompt_learning, run_comparison, study_dapt, findings_zero_shot, study_pretraining)
STUDIES: tuple[Study, ...] = tuple(module.STUDY for module in MODULES)
DRAWN, LONGEST = 60, 60.0  # runs, seconds of one
ROUNDED = 1e-4  # to so much records of before are


def enter_all(folder: Path, store: Store) -> None:
    """Raises SystemExit where a planned run was not recorded, a recorded one is not planned, or the store has another
    value than was recorded."""
    for study in STUDIES:
        old, used = old_record(study.name, folder), set()
        for plan in study.stages(store):
            entered = enter(store, plan, lambda key, cell, old=old: old.get(label_of(cell)))
            left = len(plan.jobs) - len(store.done(plan))
            values = compared(store, plan, old)
            used |= set(map(label_of, plan.cells))
            counts = f"{len(plan.cells)} cells, {len(plan.jobs)} runs, {entered} entered, {left} not known"
            print(f"{study.name}: {counts}; {values} values as recorded", flush=True)
        if used != set(old):
            raise SystemExit(f"{study.name}: of {len(old)} recorded runs {len(set(old) - used)} are not planned, and "
                             f"{len(used - set(old))} planned ones not recorded")  # fmt: skip


def compared(store: Store, plan: Plan, old: Old) -> int:
    """How many values the store has of those recorded. Raises SystemExit where one is not there, or is another: also
    where two cells are one run, and were recorded with different values."""
    there = values_of(store.results(plan))
    count = 0
    for key, cell in zip(plan.digests, plan.cells):
        for row in old[label_of(cell)][0].rows:
            count += 1
            value = there.get((key, row.on, row.metric, row.at))
            if value is None or abs(value - row.value) > ROUNDED:
                raise SystemExit(f"{label_of(cell)}: {row} was recorded, and the store has {value}")
    return count


def values_of(results: pd.DataFrame) -> dict[tuple, float]:
    """(identity, on, metric, at) -> value."""
    at = results["at"].astype(object).where(results["at"].notna(), None)
    return dict(zip(zip(results["identity"], results["on"], results["metric"], at), results["value"]))


def label_of(cell: Any) -> tuple:
    """What tells a cell from others of its study in tables."""
    if isinstance(cell, findings_zero_shot.Subject):
        return cell.what, cell.name
    if isinstance(cell, study_pretraining.Spec):
        return cell.objective, cell.width, cell.pairs, cell.seed, cell.lr
    label = (cell.called or cell.protocol, cell.label, cell.task, cell.shots, cell.seed)
    betas = tuple(cell.settings.get(name) for name in ("beta_v", "beta_t"))
    return (*label, cell.tested_on, cell.fit["lr"], *betas) if "lr" in cell.fit and cell.method == "DAPT" else label


# --- what was recorded


def old_record(name: str, folder: Path) -> Old:
    """Of the shape that it had, or has."""
    shape = folder / f"{name}.json"
    if shape.exists() and "metrics" in json.loads(shape.read_text(encoding="utf-8")):
        return of_record(name, folder)
    return old_records.READERS[name](folder)


def of_record(name: str, folder: Path) -> Old:
    """Of the present shape, under identities of whatever code."""
    record = records.read(folder, name, "")
    rows, found = record.rows, results(record)
    if name == "comparison":
        protocols = rows.groupby("run").protocol.transform("nunique")
        rows = rows.assign(protocol=rows.protocol.where(protocols == 1, "transfer"))
    columns = {"zero_shot": ["what", "name"], "pretraining_study": ["objective", "width", "pairs", "seed", "lr"]}
    label = columns.get(name, ["protocol", "method", "task", "shots", "seed"])
    if name == "dapt_study":
        rows, label = rows[rows.on != "train"], [*label, "on", "lr", "beta_v", "beta_t"]
    return {tuple(values): found[run] for *values, run in rows[[*label, "run"]].drop_duplicates().values.tolist()}


# --- once more


def again(store: Store, fresh: Store, count: int, longest: float, seed: int) -> int:
    """How many drawn runs came to other values than are in the store; prints each."""
    wrong = 0
    for plan in draw(store, count, longest, seed):
        run(plan, fresh)
        before, after = values_of(store.results(plan)), values_of(fresh.results(plan))
        said = {key: (plan.work.alike(cell), cell) for key, cell in plan.jobs.items()}
        for key, (alike, cell) in said.items():
            values = {what: value for what, value in before.items() if what[0] == key}
            off = {what[1:]: abs(after.get(what, float("inf")) - value) for what, value in values.items()}
            worst = max(off, key=off.get)
            wrong += not off[worst] <= ROUNDED
            mark = "equal" if off[worst] <= ROUNDED else f"OFF by {off[worst]:.4g} at {worst}"
            print(f"{mark:<8}{len(off):>4} values  {alike}: {plan.work.describe(cell)}", flush=True)
    return wrong


def draw(store: Store, count: int, longest: float, seed: int) -> Iterator[Plan]:
    """Of each study and method in turn a run, at random, of those that took at most `longest` seconds; as plans."""
    chance, groups, drawn = random.Random(seed), {}, set()
    for study in STUDIES:
        for plan in study.stages(store):
            took = store.rows(plan).groupby("identity").seconds.first()
            for key, cell in plan.jobs.items():
                if key not in drawn and not took.get(key, float("inf")) > longest:
                    drawn.add(key)
                    groups.setdefault((study.name, getattr(cell, "label", "")), []).append((plan, cell))
    for group in groups.values():
        chance.shuffle(group)
    in_turn = [one for turn in zip_longest(*groups.values()) for one in turn if one is not None][:count]
    for plan in dict.fromkeys(plan for plan, _ in in_turn):
        yield Plan(plan.work, [cell for of, cell in in_turn if of is plan], {"drawn": f"{count} with seed {seed}"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["enter", "export", "again"])
    parser.add_argument("folder", type=Path, nargs="?", default=RECORDED, help="of the files that are entered")
    parser.add_argument("--store", type=Path, default=STORE)
    parser.add_argument("--fresh", type=Path, default=STORE.with_name("again.sqlite"), help="where runs are run again")
    parser.add_argument("--draw", type=int, default=DRAWN, help="how many runs")
    parser.add_argument("--longest", type=float, default=LONGEST, help="recorded seconds of a run that may be drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    args = parser.parse_args()
    with Store(args.store) as store:
        if args.what == "enter":
            enter_all(args.folder, store)
        elif args.what == "export":
            for study in STUDIES:
                print(study.name, len(study.collect(store)), "rows")
        else:
            with Store(args.fresh) as fresh:
                wrong = again(store, fresh, args.draw, args.longest, args.seed)
            print(f"{wrong} of {args.draw} runs came to other values")
            raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
