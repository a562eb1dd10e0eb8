"""How much the wording matters to ToyCLIP: the zero-shot table of the eleven toy tasks, and findings F1, F2, F3.

    python data_scripts/studies/findings_zero_shot.py plan       # what there is to do
    python data_scripts/studies/findings_zero_shot.py run        # about 5 minutes on two CPU cores
    python data_scripts/studies/findings_zero_shot.py collect    # the record, and the tables

Every wording is scored on the same test pictures, drawn five times over; differences are paired draw by draw, intervals
are Student's t at 95 %. The best template, and the probe's regularisation, are chosen on validation pictures.
"""

from collections.abc import Iterator

import pandas as pd
from wordings_work import (
    BARE,
    DRAWS,
    EIGHTY,
    FRAMED,
    OWN,
    PLAIN,
    SHIFT_PER_CLASS,
    Found,
    Subject,
    Wordings,
)  # fmt: skip

from lessons_lib import toyworld
from lessons_lib.metrics import interval, paired_difference
from lessons_lib.runs import Plan, Store
from lessons_lib.runs.study import Study, main
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson03.wordings import SENSES


def mean_by_draw(runs: list[list[float]]) -> list[float]:
    """The mean over tasks of each draw: [[draw, …] a task] -> [draw, …]."""
    return [sum(draw) / len(draw) for draw in zip(*runs)]


def findings(tasks: dict[str, Found], senses: dict[str, Found]) -> dict[str, dict]:
    """F1, F2, F3: each a claim, the interval that answers it (points), whether it is seen, and by task."""

    def gain(a: str, b: str) -> dict:
        by_task = {name: paired_difference(scores[a], scores[b])._asdict() for name, scores in tasks.items()}
        means = [mean_by_draw([scores[wording] for scores in tasks.values()]) for wording in (a, b)]
        overall = paired_difference(*means)
        return {"difference": overall._asdict(), "seen": overall.low > 0, "by_task": by_task}

    two, word, kind = (mean_by_draw([s[k] for s in senses.values()]) for k in ("two senses", "word", "kind"))
    above_chance, found = paired_difference(two, [50.0] * len(two)), paired_difference(kind, word)
    by_task = {name: interval(scores[OWN]) for name, scores in tasks.items()}
    ordered = sorted(by_task, key=lambda name: by_task[name].mean)
    worst, top = ordered[0], ordered[-1]
    spread = paired_difference(tasks[top][OWN], tasks[worst][OWN])
    mean = interval(mean_by_draw([scores[OWN] for scores in tasks.values()]))
    return {
        "F1 plain": {"claim": "'a photo of a {}.' beats the bare name", **gain(PLAIN, BARE)},
        "F1": {"claim": "the default template beats the bare name", **gain(OWN, BARE)},
        "F1 senses": {
            "claim": "naming the kind tells the two senses of a word apart (above 50 %)",
            "difference": above_chance._asdict(),
            "seen": above_chance.low > 0,
        },
        "F1 kinds": {
            "claim": "among 64 things, the kind finds an ambiguous word's pictures better than the word",
            "difference": found._asdict(),
            "seen": found.low > 0,
        },
        "F2": {"claim": "the caption ensemble beats the default template", **gain(FRAMED, OWN)},
        "F2 ImageNet": {"claim": "the 80 ImageNet templates beat 'a photo of a {}.'", **gain(EIGHTY, PLAIN)},
        "F3": {
            "claim": f"zero-shot is far better on {top} than on {worst}, mean of the eleven between 45 and 75 %",
            "difference": spread._asdict(),
            "mean": mean._asdict(),
            "seen": spread.low > 20 and 45 <= mean.mean <= 75,
        },
    }


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
        "findings": findings(scores["task"], scores["word"]),
    }


STUDY = Study("zero_shot", "data_scripts/studies/findings_zero_shot.py", recorded_runs.RECORDED, stages, about=about,
              each="")  # fmt: skip


if __name__ == "__main__":
    main(STUDY, __doc__)
