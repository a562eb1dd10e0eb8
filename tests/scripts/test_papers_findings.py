"""The report of the findings: read off the records, seen where rows show it, not seen where they show the contrary."""

import shutil
import subprocess
import sys
from pathlib import Path

import claims_glip
import claims_lseg
import comparison_plan as plan
import findings as script
import numpy as np
import pandas as pd
import pytest
from claims import COOP, of_comparison
from claims_slip import of_slip
from made_up_comparison import rows, spread

from lessons_lib.runs import record
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson01 import recorded as pretraining_study

ALL = ["F4", "F5", "F6", "F14", "F7", "F8", "F15", "F10", "F7 searched", "F8 searched", "F15 searched", "F10 searched",
       "F9", "F11", "F16"]  # fmt: skip


def seen(*tables: pd.DataFrame) -> list[str]:
    return [key for key, one in of_comparison(*tables).items() if one["seen"]]


def test_findings_are_seen_in_rows_that_show_them():
    assert seen(rows(), spread()) == ALL


def test_none_is_seen_in_rows_that_show_the_contrary_or_noise():
    assert seen(rows(sign=-1), spread(sign=-1)) == []
    assert seen(rows(noise=200), spread(noise=3e-2)) == []


def test_effects_are_paired_within_seeds_and_tasks():
    found = of_comparison(rows(noise=0), spread(noise=0))
    effect = found["F7"]["effects"]["CoOp − ZeroShot, new classes"]
    wanted = [-10 * (80 - 40 - 4 * i) / 20 for i in range(11)]
    assert effect["mean"] == pytest.approx(np.mean(wanted), abs=1e-3)
    assert effect["half_width"] == pytest.approx(0, abs=1e-9) and effect["n"] == 5


def test_the_coop_of_base_to_new_is_the_literature_s():
    table = rows()
    table.loc[(table.method == COOP) & (table.on == "new"), "accuracy"] += 30
    assert not {"F7", "F8", "F7 searched", "F8 searched"} & set(seen(table, spread()))


def test_dapt_has_to_win_and_to_spread_texts_and_to_tighten_images():
    assert "F11" not in seen(rows(margin={1: 0, 2: 0, 16: -1}), spread())
    assert "F11" not in seen(rows(), spread(sign=-1))
    texts_alone = spread().assign(intra_class_variance=spread(sign=-1).intra_class_variance)
    assert "F11" not in seen(rows(), texts_alone)


def test_tip_adapter_has_to_beat_each_of_its_rivals():
    for better in ("ZeroShot", "CLIP-Adapter", "CoOp"):
        table = rows()
        table.loc[table.method == better, "accuracy"] += 60
        assert not {"F10", "F10 searched"} & set(seen(table, spread())), better


@pytest.mark.parametrize(
    "margin, shrinks",
    [
        ({1: 0.0, 2: 0.0, 16: 2.0}, True),  # vanishes
        ({1: -2.0, 2: -1.0, 16: 2.0}, True),  # turns
        ({1: 1.0, 2: 1.0, 16: 2.0}, True),  # is less, and still there
        ({1: 0.0, 2: 2.0, 16: 2.0}, False),  # is the same at 2 shots
        ({1: 2.0, 2: 2.0, 16: 2.0}, False),
        ({1: -2.0, 2: -2.0, 16: 0.0}, False),  # was never there
    ],
)
def test_a_margin_shrinks_where_there_was_one_and_it_is_smaller_with_few_shots(margin, shrinks):
    assert ("F16" in seen(rows(margin=margin), spread())) == shrinks


def test_what_longer_prompts_keep_is_not_seen_to_fall():
    for better in ("MaPLe (length 1)", "MaPLe (length 4)"):
        table = rows()
        table.loc[(table.method == better) & (table.on == "base"), "accuracy"] += 10
        assert ("F9" in seen(table, spread())) == (better == "MaPLe (length 4)")


def test_dispersion_is_compared_in_percent():
    effects = of_comparison(rows(), spread(noise=0))["F11"]["effects"]
    assert effects["DAPT − CoOp+VPT, inter-class dispersion of texts, %"]["mean"] == pytest.approx(9.531, abs=1e-3)
    assert effects["DAPT − CoOp+VPT, intra-class variance of images, %"]["mean"] == pytest.approx(-10.536, abs=1e-3)


def test_without_searched_settings_what_rests_on_them_is_not_measured_and_says_what_to_run():
    whole, table = of_comparison(rows(), spread()), rows()
    found = of_comparison(table[table.setting == "published"], pd.DataFrame())
    waiting = ["F9", "F11", "F16", "F7 searched", "F8 searched", "F15 searched", "F10 searched"]
    assert [key for key, one in found.items() if one["seen"] is None] == waiting
    assert all("run_comparison.py run" in found[key]["missing"] and not found[key]["effects"] for key in waiting)
    assert {key: one["claim"] for key, one in found.items()} == {key: one["claim"] for key, one in whole.items()}
    assert all(found[key] == whole[key] for key in found if key not in waiting)


# --- the whole report


@pytest.fixture
def recorded(tmp_path) -> Path:
    """The package's records, with a made-up comparison."""
    for path in recorded_runs.RECORDED.iterdir():
        if not path.name.startswith("comparison"):
            shutil.copy(path, tmp_path / path.name)
    cost = {"n_parameters": 1, "seconds": 1.0, "peak_mib": None, "kind": "made up"}
    table = pd.concat([rows(), spread()]).assign(**cost, date=pd.Timestamp(0), versions="{}", machine="", identity="x")
    metrics = ["accuracy", *recorded_runs.LOOKED_AT]
    record.write(tmp_path, "comparison", table, metrics, plan.published()[:3], {"script": "", "clip": "w"})
    return tmp_path


def unmeasured() -> list[str]:
    """Of the studies that take hours and have no record yet."""
    found = of_slip(recorded_runs.slip(), recorded_runs.slip(fresh=True))
    found |= claims_lseg.recorded_claims() | claims_glip.recorded_claims()
    return [key for key, one in found.items() if one["seen"] is None]


def test_all_are_reported_in_order(recorded):
    found = script.all_findings(recorded)
    numbers = [int(key.split()[0][1:]) for key in found]
    assert numbers == sorted(numbers) and set(numbers) == {*range(1, 28), *range(29, 35), *range(41, 51)}
    measured = {key: one for key, one in found.items() if key not in unmeasured()}
    assert all(one["effects"] and one["seen"] in (True, False) for one in measured.values())


def test_every_finding_is_printed_with_its_effects_and_intervals(recorded, capsys, monkeypatch):
    found = script.all_findings(recorded)
    monkeypatch.setattr(script, "all_findings", lambda: found)
    script.main()
    out = capsys.readouterr().out
    assert out.count("±") == sum(len(one["effects"]) for one in found.values())
    assert all(f"\n{key} " in f"\n{out}" and one["claim"] in out for key, one in found.items())


def test_a_comparison_whose_files_do_not_belong_together_is_an_error(recorded):
    path = recorded / recorded_runs.COMPARISON.name
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ValueError, match="run_comparison.py"):
        script.all_findings(recorded)


# --- what was recorded before


def test_records_are_read_without_torch():
    folder = Path(script.__file__).parent
    code = "import sys, findings; findings.all_findings(); print('torch' in sys.modules or 'open_clip' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert told.stdout.strip() == "False"


def test_zero_shot_findings_are_those_that_were_recorded():
    found, said = script.of_zero_shot(recorded_runs.zero_shot()), recorded_runs.zero_shot()["findings"]
    assert {key: one["seen"] for key, one in found.items()} == {key: one["seen"] for key, one in said.items()}
    for key, one in found.items():
        assert one["effects"][script.WORDINGS[key]]["mean"] == pytest.approx(said[key]["difference"]["mean"], abs=1e-5)


def study(contrastive: float, predicting: float, by_pairs: float = 5.0) -> pd.DataFrame:
    """Ends and one moment before, for three widths and amounts; `by_pairs`: what twice the pairs add, in points."""
    draws = np.random.default_rng(2)
    table = []
    for seed in range(5):
        for i, width in enumerate((16, 32, 64)):
            for j, pairs in enumerate((100, 200, 400)):
                end = contrastive + by_pairs * (j - 2) + by_pairs * (i - 2) + 0.1 * draws.standard_normal()
                ways = [(pretraining_study.MATCH, end)]
                if width == 64 and pairs == 400:
                    ways += [(pretraining_study.MATCH_BAGS, end), (pretraining_study.PREDICT, predicting)]
                for way, value in ways:
                    common = {"width": width, "lr": 0.1, "seed": seed, "objective": way, "budget": pairs}
                    table.append({**common, "pairs": pairs / 2, "accuracy": value / 2, "flops": width * pairs / 2})
                    table.append({**common, "pairs": pairs, "accuracy": value, "flops": 1.0 * width * pairs})
    return pd.DataFrame(table)


def test_pretraining_findings_are_seen_where_the_study_shows_them_and_not_where_it_does_not():
    found = script.of_pretraining(study(contrastive=60, predicting=30))
    assert found["F12"]["seen"] and found["F13"]["seen"]
    ahead = found["F12"]["effects"]["contrastive − predicting words, in the end"]
    assert ahead["mean"] == pytest.approx(30, abs=0.2)
    assert found["F12"]["effects"]["as far with how many times fewer pairs, above 1"]["mean"] == pytest.approx(
        1, abs=0.1
    )
    contrary = script.of_pretraining(study(contrastive=60, predicting=70, by_pairs=-5))
    assert not contrary["F12"]["seen"] and not contrary["F13"]["seen"]
