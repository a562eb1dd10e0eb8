"""The findings are read off the rows: seen where the rows show them, not seen where they show the contrary or noise."""

import findings_prompt_learning as script
import numpy as np
import pandas as pd
import pytest
from claims import of_prompt_learning

from lessons_lib.runs.record import in_short
from lessons_lib.teaching import recorded_runs

NEW = {  # method -> (base, new) as gains over zero-shot, as the papers have them
    "ZeroShot": (0, 0), "CoOp": (12, -10), "CoCoOp": (10, -2), "VPT (deep)": (8, -1), "IVLP (text only)": (9, -1),
    "IVLP": (11, 0), "MaPLe": (12, 2), "MaPLe†": (12, 1),
    "MaPLe (depth 1)": (8, -1), "MaPLe (depth 2)": (9, 0), "MaPLe (depth 3)": (12, 2), "MaPLe (depth 4)": (12, 1),
    "MaPLe (length 1)": (10, 3), "MaPLe (length 4)": (13, -2),
}  # fmt: skip


def rows(sign: int = 1, noise: float = 0.2) -> pd.DataFrame:
    """Every cell of the plan for five seeds; `sign` -1 turns every gain round."""
    draws = np.random.default_rng(0)
    table = []
    level = {task: 40 + 4 * i for i, task in enumerate(script.ELEVEN)}
    for seed in script.SEEDS:
        for run in script.of_seed(seed):
            weak = (80 - level[run.task]) / 20  # gains are larger where zero-shot is weak
            if run.protocol == "base-to-new":
                base, new = NEW[run.label]
                gains = {"base": base * weak, "new": new * weak}
            elif run.protocol == "domain shift":
                gains = {"test": {"CoOp": 8, "CoOp (M=4)": 5}.get(run.label, 0)}
                gains |= {shift: {"CoOp": 1, "CoOp (M=4)": 3}.get(run.label, 0) for shift in script.SHIFTS}
            else:
                few = np.log2(run.shots)
                unified = weak * (1 + few)
                gain = {"ZeroShot": 0, "CoOp": unified, "CoOp (M=4)": weak * few, "LinearProbe": unified - 20 + 5 * few}
                gains = {"test": gain.get(run.label, unified + 2 * (few - 2))}  # class-specific
            for on, gain in gains.items():
                noisy = 0 if run.label == "ZeroShot" else noise * draws.standard_normal()
                row = {"protocol": run.called or run.protocol, "method": run.label, "task": run.task, "on": on}
                row |= {"shots": run.shots, "seed": seed, "accuracy": level[run.task] + sign * gain + noisy}
                table.append(row)
    return pd.DataFrame(table)


def test_every_finding_is_seen_in_rows_that_show_it():
    found = of_prompt_learning(rows())
    assert list(found) == ["F4", "F5", "F6", "F7", "F8", "F9", "F14", "F15"]
    assert [key for key, finding in found.items() if not finding["seen"]] == []


def test_none_is_seen_in_rows_that_show_the_contrary():
    assert not any(finding["seen"] for finding in of_prompt_learning(rows(sign=-1)).values())


def test_a_difference_within_its_interval_is_not_seen():
    assert not of_prompt_learning(rows(noise=60))["F6"]["seen"]


def test_effects_are_paired_within_seeds():
    table = rows(noise=0)
    effect = of_prompt_learning(table)["F7"]["effects"]["CoOp − ZeroShot, new classes"]
    wanted = [-10 * (80 - 40 - 4 * i) / 20 for i in range(11)]
    assert effect["mean"] == pytest.approx(np.mean(wanted), abs=1e-3)
    assert effect["half_width"] == pytest.approx(0, abs=1e-9) and effect["n"] == 5


def test_the_base_to_new_table_names_every_method():
    lines = script.base_to_new_table(rows()).splitlines()[2:]
    labels = ["ZeroShot", "CoOp", "CoCoOp", "VPT (deep)", "IVLP (text only)", "IVLP", "MaPLe"]
    assert [line.split(" | ")[0].strip("| ") for line in lines] == labels
    assert all(line.count("±") == 3 for line in lines)


def test_the_table_by_task_has_the_means_over_the_seeds():
    lines = script.base_to_new_by_task(rows(noise=0)).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {task}" for task in script.ELEVEN]
    zero_shot = 40 + 4 * 0  # the first task, as `rows` has it
    coop = lines[0].strip("| ").split(" | ").index("CoOp")
    base, new, h = map(float, lines[2].strip("| ").split(" | ")[coop].split(" / "))
    assert (base, new) == pytest.approx((zero_shot + 12 * 2, zero_shot - 10 * 2))
    assert h == pytest.approx(2 * base * new / (base + new), abs=0.05)


def test_the_record_is_of_this_plan_and_of_the_embedded_clip(toyclip):
    about, rows = recorded_runs.record("prompt_learning", toyclip)
    assert about["plan"] == in_short(script.cells()), "run: python data_scripts/studies/findings_prompt_learning.py run"
    assert about["runs"]["count"] == rows.run.nunique() and rows.accuracy.between(0, 100).all()
