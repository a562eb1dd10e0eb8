"""How much the wording matters to ToyCLIP: the zero-shot table of the eleven toy tasks, and findings F1, F2, F3.

    python data_scripts/studies/findings_zero_shot.py plan       # what there is to do
    python data_scripts/studies/findings_zero_shot.py run        # about 5 minutes on two CPU cores
    python data_scripts/studies/findings_zero_shot.py collect    # the record, and the tables

Every wording is scored on the same test pictures, drawn five times over; differences are paired draw by draw, intervals
are Student's t at 95 %. The best template, and the probe's regularisation, are chosen on validation pictures.
"""

from collections.abc import Iterator

import pandas as pd
from claims import mean_by_draw, of_wordings
from wordings_work import DRAWS, SHIFT_PER_CLASS, Subject, Wordings

from lessons_lib import toyworld
from lessons_lib.metrics import interval
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson03.wordings import SENSES


def markdown(record: dict) -> str:
    """The zero-shot tables: accuracy in percent, mean ± half-width over draws. record: as `recorded_runs.zero_shot`
    gives it."""
    tasks, senses, best = record["accuracy"], record["senses"], record["best_template"]
    wordings = list(next(iter(tasks.values())))
    rows = [f"| task | {' | '.join(wordings)} | best template |", f"|---|{'---|' * (len(wordings) + 1)}"]
    for name, scores in tasks.items():
        rows.append(f"| {name} | {' | '.join(str(interval(v)) for v in scores.values())} | `{best[name]}` |")
    means = [interval(mean_by_draw([scores[wording] for scores in tasks.values()])) for wording in wordings]
    rows += [f"| **mean of {len(tasks)}** | {' | '.join(map(str, means))} | |", ""]
    rows += ["| ambiguous word | two senses by kind | among 64 things: by word | by kind |", "|---|---|---|---|"]
    rows += [f"| {word} | {' | '.join(str(interval(v)) for v in s.values())} |" for word, s in senses.items()]
    rows += ["", "| shift of toy_things | default template |", "|---|---|"]
    rows += [f"| {name} | {interval(scores)} |" for name, scores in record["shifts"].items()]
    return "\n".join(rows)


WORK = Wordings()


def stages(store: Store) -> Iterator[Plan]:
    of = {"task": toyworld.ELEVEN, "word": SENSES, "shift": toyworld.SHIFTS}
    yield Plan(WORK, [Subject(what, name) for what, names in of.items() for name in names], {"study": STUDY.name})


def about(rows: pd.DataFrame) -> dict:
    scores = recorded_runs.scores(rows)
    return {
        "clip": WORK.clip.fingerprint,
        "settings": {
            "draws": DRAWS,
            "test pictures a class": toyworld.SPLIT_SIZES["test"],
            "of the shifts": f"{SHIFT_PER_CLASS} (toy_things_a: its one test split)",
            "best template": "chosen on 16 validation pictures a class of draw 0",
            "probe": "16 shots, seed 1, of draw 0",
            "intervals": "Student's t, 95 %, over draws of the test pictures; differences paired",
        },
        "findings": of_wordings(scores["task"], scores["word"]),
    }


STUDY = Study("zero_shot", "data_scripts/studies/findings_zero_shot.py", recorded_runs.RECORDED, stages, about=about,
              each="")  # fmt: skip


if __name__ == "__main__":
    main(STUDY, __doc__)
