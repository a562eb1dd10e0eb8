"""The study of SLIP: what learning from one's own pictures adds to learning from captions (F41 to F44, F46).

    python data_scripts/studies/study_slip.py plan       # what there is to do
    python data_scripts/studies/study_slip.py run        # hours (see `plan`); goes on where it stopped
    python data_scripts/studies/study_slip.py collect    # the record; `make findings` reads it
    python data_scripts/studies/study_slip.py ship       # three trunks of seed 0, for looking at, into the package

Five arms are trained on the same fixed pairs, for three seeds: CLIP; SimCLR; SLIP; CLIP with SLIP's compute, which is
what SLIP has to beat; SimCLR and then CLIP, one after the other. Before that, the learning rate of each objective is
searched for a quarter of the epochs, with pairs and pictures that are not used afterwards; the rate with the best
linear probe stays. `study_slip_fresh.py` asks the same where no pair is seen twice.
"""

import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from slip_work import BATCH, DRAWN, EPOCHS, MATCHED, MORE, SERIAL, TASKS, WORK, Arm, as_clip, pre_trained
from worlds_work import SMALL

from lessons_lib.clip import Clip
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.estimate import in_words
from lessons_lib.runs.study import STORE, Study, main
from lessons_lib.teaching import recorded_runs, trained_models

SEEDS = (0, 1, 2)
SEARCH_SEED, SEARCHED, RATES = 100, 3, (6e-4, 2e-3, 6e-3)  # of the pairs; epochs
SEARCH_PICTURES = 1_001  # the seed of those on which the rate is chosen
SHOWN = ("CLIP", "SimCLR", "SLIP")

Rates = dict[str, float]  # objective -> learning rate


def search() -> list[Arm]:
    shared = {"epochs": SEARCHED, "pictures": SEARCH_PICTURES}
    return [Arm(name, SEARCH_SEED, lr, **shared) for name in SHOWN for lr in RATES]


def best(rows: pd.DataFrame) -> Rates:
    """Of each objective the rate with the best linear probe, on average over tasks; of equal ones the lowest."""
    means = rows.groupby(["method", "lr"]).linear.mean()
    return {name: float(means[name].idxmax()) for name in SHOWN}


def arms(rates: Rates, seeds: Sequence[int] = SEEDS) -> list[Arm]:
    """Seed after seed, so that an unfinished study is whole for its first seeds. SimCLR's weights are another's start,
    so it comes first."""
    clip = rates["CLIP"]
    return [
        arm
        for seed in seeds
        for arm in (
            Arm("SimCLR", seed, rates["SimCLR"]),
            Arm("SLIP", seed, rates["SLIP"]),
            Arm("CLIP", seed, clip),
            Arm(MATCHED, seed, clip, epochs=MORE),
            Arm(SERIAL, seed, clip, before=rates["SimCLR"]),
        )
    ]


def found_rates(store: Store, plan: Plan) -> Rates | None:
    """None where the search is not carried out."""
    return best(store.rows(plan)) if len(store.done(plan)) == len(plan.jobs) else None


def stages(store: Store) -> Iterator[Plan]:
    yield (plan := Plan(WORK, search(), {"study": STUDY.name, "stage": "rates"}))
    if rates := found_rates(store, plan):
        yield Plan(WORK, arms(rates), {"study": STUDY.name, "stage": "arms"})


def about(rows: pd.DataFrame) -> dict:
    tried = rows[rows.seed == SEARCH_SEED]
    settings = {"pairs": DRAWN, "epochs": EPOCHS, "rates": RATES, "search_seed": SEARCH_SEED, "search_epochs": SEARCHED}
    return {"clip": None, "tasks": list(TASKS), "chosen": best(tried), "settings": settings}


def later(seeds: Sequence[int] = SEEDS) -> str:
    """What follows the search, foretold."""
    costs = [(arm.arm, WORK.cost(arm)) for arm in arms(dict.fromkeys(SHOWN, 0.0), seeds[:1])]
    each = ", ".join(f"{name} {in_words(seconds)}" for name, seconds in costs)
    whole = in_words(len(seeds) * sum(seconds for _, seconds in costs))
    return f"After the search, on one core for each of {len(seeds)} seeds: {each}; {whole} in all, half on two cores."


def ship(store: Store, folder: Path = trained_models.TRAINED) -> list[Path]:
    """Keeps the trunks of the first seed's arms, about 1 MB each. Raises SystemExit where there are none yet."""
    rates = found_rates(store, Plan(WORK, search()))
    wanted = [arm for arm in arms(rates, SEEDS[:1]) if arm.arm in SHOWN] if rates else []
    if not wanted or len(store.done(Plan(WORK, wanted))) < len(SHOWN):
        raise SystemExit(
            "the first seed is not trained yet: go on with `python data_scripts/studies/study_slip.py run`"
        )
    return [trained_models.keep_trunk(f"trunk_{arm.arm.lower()}", *shipped(arm), folder) for arm in wanted]


def shipped(arm: Arm) -> tuple[Clip, dict]:
    """The model, and the page on its weights."""
    trained = pre_trained(arm)
    clip = as_clip(trained.model)
    return clip, {
        "date": datetime.date.today().isoformat(),
        "hardware": trained_models.hardware(clip.device),
        "settings": {"model": SMALL, "pairs": DRAWN, "batch_size": BATCH, "tasks": TASKS},
        "fit": {"arm": arm.arm, "lr": arm.lr, "epochs": arm.epochs, "seed": arm.seed},
        "core_minutes": round(trained.seconds / 60, 1),
    }


STUDY = Study("slip", "data_scripts/studies/study_slip.py", recorded_runs.RECORDED, stages, about=about, note=later())


if __name__ == "__main__":
    if sys.argv[1:2] == ["ship"]:
        with Store(sys.argv[2] if sys.argv[2:] else STORE, read_only=True) as opened:
            print("\n".join(map(str, ship(opened))))
    else:
        main(STUDY, __doc__)
