"""What lesson 06 reads from the record: means, H of means, differences where both ran, and their figures."""

import pandas as pd
import pytest

from lessons_lib.teaching.lesson06 import plots, record

TASKS, SEEDS = ("toy_pets", "toy_cars", "toy_food"), (1, 2, 3)
LEVEL = {"ZeroShot": (60, 70), "IVLP": (70, 68), "MaPLe": (72, 71), "PromptSRC": (75, 75)}


def run(method, task, seed, on, accuracy, protocol="base-to-new"):
    return {"protocol": protocol, "setting": "searched", "method": method, "task": task, "shots": 16, "seed": seed,
            "on": on, "accuracy": accuracy, "epochs": 5, "steps": 100 + 10 * TASKS.index(task)}  # fmt: skip


@pytest.fixture
def runs():
    rows = [
        run(method, task, seed, on, value + seed + 4 * i)
        for method, halves in LEVEL.items()
        for i, task in enumerate(TASKS)
        for seed in (SEEDS if method != "PromptSRC" else SEEDS[:2])
        for on, value in zip(("base", "new"), halves)
    ]
    return pd.DataFrame(rows)


def test_h_is_of_the_two_means_and_steps_are_shown_from_to(runs):
    table = record.standing(record.base_to_new(runs))
    base, new = 60 + 2 + 4, 70 + 2 + 4
    assert table.loc["ZeroShot", "base"].startswith(f"{base:.1f} ±")
    assert table.loc["ZeroShot", "H of means"].startswith(f"{2 * base * new / (base + new):.1f}")
    assert list(table.loc["PromptSRC", ["tasks", "seeds", "epochs", "steps"]]) == [3, 2, "5", "100 to 120"]


def test_a_difference_is_of_what_both_ran_on(runs):
    found = record.between(record.base_to_new(runs), "PromptSRC", "IVLP", "new")
    assert (found["mean"], found["n"], found["told"]) == (7, 2, "seen")
    assert record.between(record.base_to_new(runs), "PromptSRC", "IVLP", "new", -1)["told"] == "the opposite is seen"


def test_the_papers_rows_are_those_of_both_sides_and_of_one():
    table = record.papers()
    assert list(table.loc["MaPLe"]) == [82.28, 75.14, 78.55]
    assert list(table.loc["VPT (deep)"]) == [80.24, 73.43, 76.68]
    assert "ZeroShot (photo)" not in table.index


def test_figures_of_the_record_can_be_drawn(runs):
    rows = record.base_to_new(runs)
    fields = plots.gains_by_task(rows, ["IVLP", "MaPLe", "PromptSRC"], title="")
    assert [label.get_text() for label in fields.get_yticklabels()][0].startswith("pets")
    assert len(plots.gain_against_level(rows, title="").texts) >= len(TASKS)
    plots.pairs([{"setting": "searched", **record.between(rows, "MaPLe", "IVLP")}], title="")


def test_length_two_of_the_ablation_is_maple_itself(runs):
    names = ("MaPLe (depth 1)", "MaPLe (depth 3)", "MaPLe (length 1)", "MaPLe (length 4)", "MaPLe†")
    more = [run(name, "toy_pets", seed, on, 60 + seed, "ablation")
            for name in names for seed in SEEDS for on in ("base", "new")]  # fmt: skip
    rows = record.ablation(pd.concat([runs, pd.DataFrame(more)]))
    assert set(rows.task) == {"toy_pets"} and set(rows.on) == {"base", "new", "H"}
    _, right = plots.depth_and_length(rows, title="").axes[:2]
    assert [list(line.get_xdata()) for line in right.lines][0] == [1, 2, 4]
