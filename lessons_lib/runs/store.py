"""One SQLite file of runs of any kind: which there are, what became of each, and what was measured.

A run is known by its identity alone, so it is done once, whoever asks for it under whatever label. One process writes
at a time; any number may read meanwhile. A run is written in one transaction: a kill or a full disk in the middle
leaves the file as it was before.
"""

import json
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lessons_lib.files import expanded, from_json
from lessons_lib.identity import canonical, digest
from lessons_lib.runs import sealing
from lessons_lib.runs.engine import Job
from lessons_lib.runs.plan import Plan
from lessons_lib.runs.schema import LATER, SCHEMA
from lessons_lib.runs.sqlite_file import errors_in_words, open_to_read, open_to_write, transaction
from lessons_lib.runs.tables import COST, long_table, status_table, wide_table
from lessons_lib.runs.work import Result
from lessons_lib.runs.writer import Writer

if TYPE_CHECKING:
    import pandas as pd


class Store:
    """The file of one or several plans. Use it in a `with`, or call `close`.

    path: made, with the folders above it, where it is not there.   read_only: it must be there, and is not changed.
    Raises FileNotFoundError, PermissionError, and ValueError for a file that is damaged or of something else.
    """

    def __init__(self, path: str | os.PathLike, *, read_only: bool = False):
        self.path, self.read_only = expanded(path), read_only
        if self.path.is_dir():
            raise ValueError(f"'{self.path}' is a folder: give the name of a file, such as '{self.path}/runs.sqlite'")
        if read_only and not self.path.is_file():
            raise FileNotFoundError(f"there are no runs at '{self.path}': run a sweep first, or check the path")
        with errors_in_words(self.path):
            self.file = open_to_read(self.path) if read_only else open_to_write(self.path, SCHEMA, LATER)
        self._writer = Writer(self.file, self.path)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        try:
            self.release()
        finally:
            self.file.close()

    # --- what is there

    def rows(self, plan: Plan | None = None, *, whole: str | None = None) -> "pd.DataFrame":
        """What was measured, a column a metric: the columns of the cells, on, (at,) the metrics, n_parameters, seconds,
        peak_mib, date (UTC), versions, machine; in the order of the plan.

        plan: exactly the runs that it asks for, by their identity, under its labels; None for all that the file's plans
            asked for.
        whole: a column, such as "seed", of which only those values are kept whose every cell is done.
        """
        return wide_table(self.results(plan, whole=whole))

    def results(self, plan: Plan | None = None, *, whole: str | None = None) -> "pd.DataFrame":
        """The same with a row a number: on, at, metric, value, unit."""
        asked, (jobs, numbers) = self._asked(plan), self._whole()
        if whole is not None:
            done = {identity for identity, job in jobs.items() if job["state"] == "done"}
            missing = {columns[whole] for identity, columns, _ in asked if identity not in done}
            asked = [one for one in asked if one[1][whole] not in missing]
        return long_table(asked, jobs, numbers)

    def status(self, plan: Plan | None = None) -> "pd.DataFrame":
        """A run a row: the columns of its cell, kind, state ("waiting", "running", "done" or "failed"), attempts, error
        (of its last crash), host, started and finished (UTC). Of a plan's cells that the file does not know, none."""
        return status_table(self._asked(plan), self._whole()[0], is_written=self.writer() is not None)

    def done(self, plan: Plan) -> set[str]:
        """The digests of a plan's runs that are done."""
        jobs = self._whole()[0]
        return {key for key in plan.jobs if key in jobs and jobs[key]["state"] == "done"}

    def plans(self) -> list[dict]:
        """What the file was asked for, the last one last: `about` of each plan."""
        with errors_in_words(self.path):
            return [from_json(about) for (about,) in self.file.execute("SELECT about FROM plan ORDER BY started, id")]

    def writer(self) -> str | None:
        """Who is writing now, "process 12 on host"; None where nobody is."""
        with errors_in_words(self.path):
            return self._writer.other()

    def _asked(self, plan: Plan | None) -> list[tuple[str, dict, dict]]:
        """(identity, columns, names) of each cell."""
        if plan is not None:
            names = map(plan.work.names, plan.cells)
            return list(zip(plan.digests, plan.columns(), names))
        query = """SELECT asked.*, identity FROM asked JOIN job ON job.id = job JOIN plan ON plan.id = plan
                   ORDER BY plan.started, plan.id, place"""
        found = dict.fromkeys(  # what several plans asked for alike is there once
            (row["identity"], row["columns"], row["names"], row.get("digest")) for row in self._select(query)
        )
        whole = [row[:3] for row in found if row[3] is None or row[3] == sealing.of_asked(*row[:3])]
        self._warn(len(found) - len(whole))
        return [(identity, from_json(columns), from_json(names)) for identity, columns, names in whole]

    def _whole(self) -> tuple[dict[str, dict[str, Any]], dict[int, list[tuple]]]:
        """Jobs by identity, and the numbers of each. A job that was damaged waits, without numbers, with a warning."""
        jobs, results = self._jobs(), self._results()
        self._warn(sealing.take_out_damaged(jobs, results))
        return jobs, results

    def _warn(self, damaged: int) -> None:
        if damaged:
            warnings.warn(
                f"{damaged} of the runs in '{self.path}' are damaged and count as not done: run the same sweep again, "
                "and they are measured anew",
                stacklevel=4,
            )

    def _jobs(self) -> dict[str, dict[str, Any]]:
        return {job["identity"]: job for job in self._select("SELECT * FROM job ORDER BY id")}

    def _select(self, query: str) -> list[dict[str, Any]]:
        with errors_in_words(self.path):
            cursor = self.file.execute(query)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, values)) for values in cursor]

    def _results(self) -> dict[int, list[tuple]]:
        """Job -> (on, at, metric, value, unit) of each of its numbers."""
        found: dict[int, list[tuple]] = {}
        with errors_in_words(self.path):
            query = 'SELECT job, "on", at, metric, value, unit FROM result ORDER BY job, place'
            for job, *row in self.file.execute(query):
                found.setdefault(job, []).append(tuple(row))
        return found

    # --- what a sweep writes

    def claim(self) -> None:
        """Makes this the one that writes. What a sweep that was killed was at waits again.

        Raises RuntimeError, naming the other process and its host, where another sweep is writing.
        """
        if self.read_only:
            raise RuntimeError(f"'{self.path}' was opened to be read only")
        with errors_in_words(self.path), transaction(self.file):
            self._writer.claim()
            self.file.execute("UPDATE job SET state = 'waiting' WHERE state = 'running'")

    def release(self) -> None:
        """Lets others write. What was running waits again. Does nothing where another sweep has taken over."""
        if self._writer.token is None:
            return
        try:
            with errors_in_words(self.path), transaction(self.file):
                if self._writer.release():
                    self.file.execute("UPDATE job SET state = 'waiting' WHERE state = 'running'")
        finally:
            self._writer.forget()  # also where the disk is full, and the file says otherwise

    def beat(self) -> None:
        """A sign of life, for sweeps on other hosts."""
        with self._writing() as file:
            file.execute("UPDATE writer SET seen = ?", (time.time(),))

    def enter(self, plan: Plan) -> list[Job]:
        """Enters a plan's runs, and returns those that are not done, in order; failed ones are tried again."""
        work, ids, waiting = plan.work, {}, []
        about = json.dumps({"kind": work.kind, **(plan.about or {"cells": digest(sorted(plan.jobs))})})
        contents = {key: canonical(identity) for key, identity in zip(plan.digests, plan.identities)}
        jobs = self._whole()[0]
        with self._writing() as file:
            for key, cell in plan.jobs.items():
                file.execute(
                    "INSERT OR IGNORE INTO job (identity, kind, content) VALUES (?, ?, ?)",
                    (key, work.kind, contents[key]),
                )
                (ids[key],) = file.execute("SELECT id FROM job WHERE identity = ?", (key,)).fetchone()
                if key not in jobs or jobs[key]["state"] != "done":
                    what = (work.kind, contents[key], ids[key])
                    file.execute("UPDATE job SET kind = ?, content = ? WHERE id = ?", what)
                    waiting.append(Job(ids[key], cell, work.shares(cell), work.describe(cell)))
            file.execute("INSERT OR IGNORE INTO plan (about, started) VALUES (?, ?)", (about, time.time()))
            file.execute("UPDATE plan SET started = ? WHERE about = ?", (time.time(), about))
            (number,) = file.execute("SELECT id FROM plan WHERE about = ?", (about,)).fetchone()
            file.execute("DELETE FROM asked WHERE plan = ?", (number,))
            said = [(key, json.dumps(columns), json.dumps(names)) for key, columns, names in self._asked(plan)]
            asked = [(number, n, ids[row[0]], *row[1:], sealing.of_asked(*row)) for n, row in enumerate(said)]
            file.executemany("INSERT INTO asked VALUES (?, ?, ?, ?, ?, ?)", asked)
            file.executemany("UPDATE job SET state = 'waiting' WHERE id = ?", [(job.id,) for job in waiting])
            stray = [(job["id"],) for job in jobs.values() if job.get("damaged")]  # its own identity may be what broke
            file.executemany("DELETE FROM job WHERE id = ? AND id NOT IN (SELECT job FROM asked)", stray)
            file.execute("DELETE FROM result WHERE job NOT IN (SELECT id FROM job)")
        return waiting

    def start(self, id: int, host: str) -> None:
        """A run is being carried out on a host."""
        self._set(id, "state = 'running', attempts = attempts + 1, host = ?, started = ?", host, time.time())

    def finish(
        self, id: int, result: Result, host: str, units: dict[str, str] | None = None, when: float | None = None
    ) -> None:
        """Keeps what a run measured.   units: metric -> unit of its values.   when: seconds since 1970, if not now."""
        rows = [(id, place, row.on, row.metric, row.at, row.value, (units or {}).get(row.metric, ""))
                for place, row in enumerate(result.rows)]  # fmt: skip
        versions = json.dumps(dict(result.versions))
        cost = [getattr(result, name) for name in COST]
        about = f"state = 'done', error = NULL, host = ?, finished = ?, {', '.join(f'{name} = ?' for name in COST)}"
        with self._writing() as file:
            file.execute("DELETE FROM result WHERE job = ?", (id,))
            file.executemany("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            what = (host, when or time.time(), *cost, versions, result.machine, id)
            file.execute(f"UPDATE job SET {about}, versions = ?, machine = ? WHERE id = ?", what)
            [job] = self._select(f"SELECT * FROM job WHERE id = {int(id)}")
            kept = sealing.of_run(job, [(on, at, metric, *rest) for _, _, on, metric, at, *rest in rows])
            file.execute("UPDATE job SET digest = ? WHERE id = ?", (kept, id))

    def fail(self, id: int, error: str, host: str, *, again: bool) -> None:
        """Keeps why a run came to nothing.   again: whether it will be tried again."""
        state = "waiting" if again else "failed"
        self._set(id, "state = ?, error = ?, host = ?, finished = ?", state, error, host, time.time())

    def _set(self, id: int, what: str, *values) -> None:
        with self._writing() as file:
            file.execute(f"UPDATE job SET {what} WHERE id = ?", (*values, id))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. Raises RuntimeError where the file is no longer this sweep's to write."""
        with errors_in_words(self.path), transaction(self.file):
            self._writer.check()
            yield self.file
