"""A study: plans that are carried out in one store, and the record that is collected from it. A script's command line.

    python a_study.py plan        # what there is to do, and what it costs
    python a_study.py run         # does it; goes on where it stopped
    python a_study.py collect     # writes the record
    python a_study.py keep        # writes what is done so far, for another machine to go on from

The store may hold any number of studies. What one of them measured, or a record that ships with the package, counts for
all that plan the same run: it is found by its identity, never by its label.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pandas as pd

from lessons_lib.files import expanded
from lessons_lib.runs import record
from lessons_lib.runs.driver import ENGINES, run
from lessons_lib.runs.estimate import in_words
from lessons_lib.runs.plan import Plan
from lessons_lib.runs.store import Store
from lessons_lib.runs.tables import COST
from lessons_lib.runs.work import Result, Row, Work

STORE = Path("build", "studies.sqlite")


@dataclass(frozen=True)
class Study:
    """name: of its record.   script: from the project's folder.   folder: of the records.

    stages: the plans, each when those before it are carried out; those that hang on results end where these lack.
    table: what the record has, from the rows of `Store.rows`.   about: what the record says besides, from that table.
    each: the column of which a value is left out where one of its runs is not done; "" where all have to be.
    known: records, by name, that may hold some of its runs.   note: what `plan` says below its table.
    """

    name: str
    script: str
    folder: Path
    stages: Callable[[Store], Iterator[Plan]]
    table: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows
    about: Callable[[pd.DataFrame], Mapping[str, Any]] = lambda rows: {}
    each: str = "seed"
    known: tuple[str, ...] = ()
    note: str = ""

    def plan(self, store: Store) -> None:
        """Prints what there is, what is done, and what the rest takes on one core."""
        counts, seconds = Counter(), Counter()
        recorded, done, total = self._recorded(), 0, 0
        for plan in self.stages(store):
            there = store.done(plan) | {key for key in plan.jobs if key[: record.RUN_DIGITS] in recorded}
            for key, cell in plan.jobs.items():
                total, done = total + 1, done + (key in there)
                if key not in there:
                    counts[plan.work.alike(cell)] += 1
                    seconds[plan.work.alike(cell)] += plan.work.cost(cell) or 0.0
        for what, count in counts.items():
            print(f"{count:>5} × {what:<40} {in_words(seconds[what])}")
        print(f"\n{done} of {total} runs are done; the rest takes about {in_words(seconds.total())} on one core.")
        print(self.note)

    def run(self, store: Store, engine: str = "local", processes: int | None = None, **settings) -> None:
        """Carries out what is not done. Raises SystemExit where runs failed."""
        for plan in self.stages(store):
            self.take_over(store, plan)
            if failed := run(plan, store, engine, processes=processes, **settings).failed:
                raise SystemExit(f"{failed} runs failed: run the same again once their errors are mended")

    def collect(self, store: Store, folder: Path | None = None) -> pd.DataFrame:
        """Writes the record; returns its rows. Raises SystemExit where too little is done."""
        plans = list(self.stages(store))
        left = []
        for plan in plans:
            done = store.done(plan)
            left += [cell for key, cell in plan.jobs.items() if key not in done]
        rows = pd.concat([store.rows(plan) for plan in plans]).drop_duplicates()
        if left and not self.each:
            raise SystemExit(f"{len(left)} runs are not done: go on with `python {self.script} run`")
        if left:
            lacking = {getattr(cell, self.each) for cell in left}
            rows = rows[~rows[self.each].isin(lacking)]
            if rows.empty:
                raise SystemExit(f"no {self.each} is complete yet: go on with `python {self.script} run`")
            print(f"{self.each} {sorted(lacking)} not complete: left out")
        rows = self.table(rows.reset_index(drop=True))
        cells = [cell for plan in plans for cell in plan.cells]
        metrics = list(dict.fromkeys(metric for plan in plans for metric in store.results(plan)["metric"]))
        record.write(
            folder or self.folder, self.name, rows, metrics, cells, {"script": self.script, **self.about(rows)}
        )
        if not left:  # what was kept on the way is in it
            for ending in ("csv", "json"):
                ((folder or self.folder) / f"{self._so_far}.{ending}").unlink(missing_ok=True)
        return rows

    def keep(self, store: Store, folder: Path | None = None) -> int:
        """Writes what is done, and in no record yet, as one of its own, "<name>_so_far": whoever goes on elsewhere
        takes it over. Returns of how many runs. Raises SystemExit where nothing is."""
        folder = folder or self.folder
        recorded, parts, cells, metrics = self._recorded(so_far=False), [], [], []
        for plan in self.stages(store):
            new = {key for key in store.done(plan) if key[: record.RUN_DIGITS] not in recorded}
            cells += [cell for key, cell in plan.jobs.items() if key in new]
            rows = store.rows(plan)
            parts.append(rows[rows["identity"].isin(new)])
            metrics += store.results(plan)["metric"].unique().tolist()
        if not cells:
            raise SystemExit(f"nothing is done beyond what is recorded: `python {self.script} run` does more")
        rows = pd.concat([part for part in parts if len(part)]).drop_duplicates().reset_index(drop=True)
        record.write(folder, self._so_far, rows, list(dict.fromkeys(metrics)), cells, {"script": self.script})
        return rows["identity"].nunique()

    @property
    def _so_far(self) -> str:
        return f"{self.name}_so_far"

    def take_over(self, store: Store, plan: Plan) -> int:
        """Enters what the package's records hold of a plan's runs, by identity; returns of how many."""
        known = self._recorded()
        return enter(store, plan, lambda key, cell: known.get(key[: record.RUN_DIGITS]))

    def _recorded(self, so_far: bool = True) -> dict[str, tuple[Result, datetime]]:
        found, names = {}, [self.name, *self.known]
        for name in [*names, self._so_far] if so_far else names:
            if (self.folder / f"{name}.json").exists():
                found |= results(record.read(self.folder, name, self.script))
        return found


Known = Callable[[str, Any], "tuple[Result, datetime] | None"]  # identity, cell -> what came of it, and when


def enter(store: Store, plan: Plan, known: Known) -> int:
    """Keeps of a plan's runs what is known and not done yet; returns of how many.

    The results' rows may call what they were measured on as tables do.
    """
    entered = 0
    store.claim()
    try:
        keys = {id(cell): key for key, cell in plan.jobs.items()}
        for job in store.enter(plan):
            if (found := known(keys[id(job.cell)], job.cell)) is not None:
                result, when = found
                store.finish(
                    job.id, _as_kept(result, plan.work, job.cell), "", _units(plan.work, result), when.timestamp()
                )
                entered += 1
    finally:
        store.release()
    return entered


def results(of: record.Record) -> dict[str, tuple[Result, datetime]]:
    """What a record holds, by run."""
    when = datetime.fromisoformat(of.about["date"]).replace(tzinfo=timezone.utc)
    versions = of.about["versions"][0] if len(of.about["versions"]) == 1 else {}
    machine = of.about["machines"][0] if len(of.about["machines"]) == 1 else ""
    metrics, found = of.about["metrics"], {}
    for name, rows in of.rows.groupby("run", sort=False):
        measured = {}
        for row in rows.to_dict("records"):
            for metric in metrics:
                if row[metric] == row[metric]:
                    at = row.get("at")
                    at = None if at is None or at != at else at
                    measured[row["on"], metric, at] = Row(row["on"], metric, row[metric], at)
        count, *cost = (None if rows[name].isna().iloc[0] else rows[name].iloc[0].item() for name in COST)
        count = None if count is None else int(count)
        found[name] = Result(list(measured.values()), count, *cost, versions, machine), when
    return found


def _as_kept(result: Result, work: Work, cell: Any) -> Result:
    kept = {called: on for on, called in work.names(cell).items()}
    rows = [row._replace(on=kept.get(row.on, row.on)) for row in result.rows]
    return Result(rows, result.n_parameters, result.seconds, result.peak_mib, result.versions, result.machine)


def _units(work: Work, result: Result) -> dict[str, str]:
    return {row.metric: work.unit(row.metric) for row in result.rows}


def _path(text: str) -> Path:
    return expanded(text)


def main(study: Study, doc: str, arguments: Iterable[str] | None = None, report: Callable | None = None) -> None:
    """The command line. doc: of the script.   report: prints something of the rows that were collected."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plan", "run", "collect", "keep"])
    parser.add_argument("--processes", type=int, help="at most so many runs at a time (default: one a core)")
    parser.add_argument("--engine", choices=list(ENGINES), default="local", help="ray: a cluster that runs already")
    parser.add_argument("--store", type=_path, default=STORE, help=f"the file of all runs (default: {STORE})")
    parser.add_argument("--out", type=_path, default=study.folder, help="where the record goes (default: the package)")
    args = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    with Store(args.store) as store:
        if args.what == "plan":
            study.plan(store)
        elif args.what == "run":
            study.run(store, args.engine, args.processes)
        elif args.what == "keep":
            print(f"{study.keep(store, args.out)} runs in '{args.out}': another machine's `run` goes on from there")
        else:
            rows = study.collect(store, args.out)
            if report is not None:
                print(report(rows))
            print(f"in '{args.out}'; now: make findings, and python data_scripts/studies/update_readme.py")
