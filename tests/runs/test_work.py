"""Any kind of work is a class in any file: it is told apart by its identity alone, and nothing stale is ever read."""

import os
import pickle
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lessons_lib.runs import Place, Plan, Result, Row, Store, Work
from lessons_lib.runs.estimate import in_words, seconds_left
from lessons_lib.runs.work import Worker

SCRIPT = """
import sys
from dataclasses import dataclass
from lessons_lib.runs import Plan, Result, Row, Store, Work, run

EPOCHS = 4  # of the study

@dataclass(frozen=True)
class Fit:
    label: str
    rate: float
    seed: int

class Study(Work):
    kind = "a fit of the study"

    def identity(self, cell):
        return {"epochs": EPOCHS, "rate": cell.rate, "seed": cell.seed}

    def cost(self, cell):
        return 0.1 * EPOCHS

    def start(self, place):
        self.base = 50.0

    def carry_out(self, cell):
        rows = [Row("test", "accuracy", self.base + cell.seed), Row("test", "dispersion", cell.rate)]
        return Result([*rows, *(Row("train", "loss", 1 / (1 + epoch), epoch) for epoch in range(EPOCHS))])

if __name__ == "__main__":
    EPOCHS = int(sys.argv[2])
    plan = Plan(Study(), [Fit("ours", rate, seed) for seed in (1, 2) for rate in (0.1, 0.2)])
    with Store(sys.argv[1]) as store:
        run(plan, store, processes=1, progress=False)
        print(store.rows(plan).to_csv(index=False))
"""


@dataclass(frozen=True)
class Cell:
    label: str
    seed: int = 1
    what: str = "a"


class Adding(Work):
    """Carried out in this process. done: what was."""

    kind = "adding"

    def __init__(self, settings: int = 0, refuses: str = ""):
        self.settings, self.refuses = settings, refuses

    def identity(self, cell: Cell) -> dict:
        return {"what": cell.what, "seed": cell.seed, "settings": self.settings}

    def check(self, cells) -> None:
        for cell in cells:
            if cell.what == self.refuses:
                raise ValueError(f"{cell.what} cannot be added")

    def carry_out(self, cell: Cell) -> Result:
        return Result([Row("test", "sum", 10 * self.settings + cell.seed)], seconds=1.0)


def carried_out(plan: Plan, store: Store, only: int | None = None) -> int:
    """Here and now: how many there were to do."""
    store.claim()
    waiting = store.enter(plan)
    worker = Worker(plan.work, Place())
    for job in waiting[:only]:
        store.start(job.id, "here")
        store.finish(job.id, worker(job.cell), "here")
    store.release()
    return len(waiting)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.sqlite") as store:
        yield store


def test_a_script_defines_a_kind_of_its_own_with_curves_beside_numbers(tmp_path):
    import io

    import pandas as pd

    (tmp_path / "study.py").write_text(SCRIPT)

    def said(epochs: int) -> pd.DataFrame:
        command = [sys.executable, tmp_path / "study.py", tmp_path / "runs.sqlite", str(epochs)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
        return pd.read_csv(io.StringIO(done.stdout))

    rows = said(4)
    assert rows.columns.tolist()[:8] == ["label", "rate", "seed", "on", "at", "accuracy", "dispersion", "loss"]
    tests = rows[rows.on == "test"]
    assert list(zip(tests.seed, tests.accuracy, tests.dispersion)) == [
        (1, 51, 0.1),
        (1, 51, 0.2),
        (2, 52, 0.1),
        (2, 52, 0.2),
    ]
    curve = rows[(rows.on == "train") & (rows.seed == 1) & (rows.rate == 0.1)]
    assert curve["at"].tolist() == [0, 1, 2, 3] and np.allclose(curve.loss, [1, 1 / 2, 1 / 3, 1 / 4])


def test_rows_are_those_of_the_identity_that_is_asked_for_and_never_stale_ones(store):
    cells = [Cell("one", seed) for seed in (1, 2)]
    before, after = Plan(Adding(1), cells), Plan(Adding(2), cells)
    carried_out(before, store)
    assert store.rows(after).empty, "of other settings there is nothing yet"
    carried_out(after, store, only=1)
    assert store.rows(after)["sum"].tolist() == [21] and store.rows(before)["sum"].tolist() == [11, 12]
    carried_out(after, store)
    assert store.rows(after)["sum"].tolist() == [21, 22]


def test_a_seed_is_whole_by_the_same_identity(store):
    cells = [Cell(label, seed, label) for seed in (1, 2) for label in ("one", "two")]
    carried_out(Plan(Adding(1), cells), store)  # whole, of other settings
    plan = Plan(Adding(2), cells)
    carried_out(plan, store, only=3)
    assert store.rows(plan, whole="seed").seed.tolist() == [1, 1] and len(store.rows(plan)) == 3


def test_the_same_content_under_another_label_is_the_same_run(store):
    assert carried_out(Plan(Adding(), [Cell("one")]), store) == 1
    other = Plan(Adding(), [Cell("uno"), Cell("one"), Cell("two", what="b")])
    assert carried_out(other, store) == 1
    assert store.rows(other).label.tolist() == ["uno", "one", "two"]
    assert Counter(store.rows().label) == Counter(["one", "uno", "two"]), "as it was asked for, once each"


def test_a_plan_that_says_the_same_takes_the_place_of_the_earlier_one(store):
    about = {"what": "a sweep of a folder"}
    for settings in (1, 2):  # such as photos that were added
        carried_out(Plan(Adding(settings), [Cell("one")], about), store)
    assert store.rows()["sum"].tolist() == [21]
    assert store.plans() == [{"kind": "adding", **about}]


def test_rows_say_when_with_what_and_where(store):
    plan = Plan(Adding(), [Cell("one")])
    carried_out(plan, store)
    [row] = store.rows(plan).to_dict("records")
    assert row["kind"] == "adding" and row["identity"] == plan.digests[0] and row["seconds"] == 1.0
    assert "python" in row["versions"] and "lessons_lib" in row["versions"] and row["machine"]
    assert str(row["date"].tz) == "UTC" and row["date"].year >= 2026


def test_a_cell_that_cannot_be_carried_out_is_refused_with_the_plan():
    with pytest.raises(ValueError, match="b cannot be added"):
        Plan(Adding(refuses="b"), [Cell("one"), Cell("two", what="b")])
    with pytest.raises(ValueError, match="at least one cell"):
        Plan(Adding(), [])


def test_identities_are_plain_values():
    class Loose(Adding):
        def identity(self, cell):
            return {"what": object()}

    with pytest.raises(TypeError, match="plain values"):
        _ = Plan(Loose(), [Cell("one")]).digests


def test_kinds_do_not_share_runs_by_accident():
    class Other(Adding):
        kind = "another kind"

    assert Plan(Adding(), [Cell("one")]).digests != Plan(Other(), [Cell("one")]).digests


def test_a_number_is_measured_once():
    Result([Row("test", "loss", 1.0, 0), Row("test", "loss", 1.0, 1), Row("new", "loss", 1.0, 0)])
    with pytest.raises(ValueError, match="one value of a metric"):
        Result([Row("test", "loss", 1.0), Row("test", "loss", 2.0)])


def test_a_result_goes_to_another_process_as_it_is():
    result = Result([("test", "accuracy", np.float32(0.5), None)], 5, 0.5, float("nan"))
    assert pickle.loads(pickle.dumps(result)).rows == [Row("test", "accuracy", 0.5)]


def test_peak_memory_that_was_not_measured_is_missing_and_one_that_was_is_kept(store):
    class Measuring(Adding):
        def carry_out(self, cell):
            return Result([Row("test", "sum", 1.0)], peak_mib=float("nan") if cell.label == "nan" else 7.0)

    plan = Plan(Measuring(), [Cell("nan", what="b"), Cell("seven")])
    carried_out(plan, store)
    rows = store.rows(plan)
    assert rows.peak_mib.isna().tolist() == [True, False] and rows.peak_mib[1] == 7.0
    assert (rows.seconds > 0).all(), "measured where the work does not say"


# --- how long it takes


class Timed(Adding):
    def cost(self, cell: Cell) -> float | None:
        return None if cell.what == "unknown" else 2.0

    def alike(self, cell: Cell) -> str:
        return cell.what

    def size(self, cell: Cell) -> float:
        return float(cell.seed)


def test_the_estimate_is_what_the_work_says_until_something_alike_was_measured(store):
    import pandas as pd

    plan = Plan(Timed(), [Cell("one", 1), Cell("one", 4), Cell("two", 1, "unknown")])
    assert seconds_left(plan) is None, "of one of them nothing is known"
    known = Plan(Timed(), [Cell("one", 1), Cell("one", 4)])
    assert seconds_left(known) == 4.0
    carried_out(known, store, only=1)
    status = store.status(known)
    status.loc[0, "finished"] = status["started"][0] + pd.Timedelta(seconds=30)
    assert seconds_left(known, status) == pytest.approx(4 * 30), "four times the size, four times the time"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.01, "1 s"), (40, "40 s"), (720, "12 min"), (12600, "3.5 h")]
)  # fmt: skip
def test_times_in_words(seconds, words):
    assert in_words(seconds) == words


def test_nothing_heavy_is_imported_with_the_room():
    code = "import sys, lessons_lib.runs; print([m for m in ('torch', 'pandas', 'ray', 'tqdm') if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
