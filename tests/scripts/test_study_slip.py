"""SLIP's study: arms see the same pairs and train as they should, a killed run goes on, rates are chosen, and findings
are seen in rows that show them alone."""

from dataclasses import replace

import claims_slip as claims
import findings
import numpy as np
import pandas as pd
import pytest
import slip_measures as measures
import slip_work as work
import study_slip as script
import study_slip_fresh as fresh
import torch
from slip_work import MATCHED, SERIAL, Arm

from lessons_lib.pretrain.slip import CLIP
from lessons_lib.runs import Plan, Result, Row, Store
from lessons_lib.runs.study import enter
from lessons_lib.teaching import recorded_runs, trained_models

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 16, "head_width": 16, "patch_size": 32},
    "text_cfg": {"context_length": 48, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1},
}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Two passes over 16 pairs, 8 a step; few pictures of cars."""
    changes = {"SMALL": TINY, "DRAWN": 16, "BLOCK": 16, "BATCH": 8, "HEAD": (8, 4), "TASKS": ("toy_cars",)}
    for name, value in changes.items():
        monkeypatch.setattr(work, name, value)
    monkeypatch.setattr(work, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(measures, "TASKS", ("toy_cars",))
    monkeypatch.setattr(measures, "PER_CLASS", {"train": 3, "val": 3, "test": 2})
    caches = work.drawn_pairs, work.tokenizer, work.world_of, work.words_of, measures.task_of, measures.colour_task
    for one in caches:
        one.cache_clear()
    yield tmp_path / "kept"
    for one in caches:
        one.cache_clear()


def arm(name: str, **changes) -> Arm:
    return replace(Arm(name, seed=0, lr=1e-3, before=1e-3 if name == SERIAL else 0.0, epochs=2), **changes)


# --- runs


def test_every_arm_trains_and_is_measured(small, monkeypatch):
    monkeypatch.setattr(work, "EPOCHS", 2)
    monkeypatch.setattr(Arm, "first", property(lambda cell: arm("SimCLR") if cell.arm == SERIAL else None))
    names = set(work.build(TINY).state_dict())
    for cell in map(arm, work.OBJECTIVE):
        trained = work.pre_trained(cell, small)
        assert set(trained.model.state_dict()) == names, "no head is kept"
        told = {row.metric for row in trained.curve}
        assert told == ({"loss"} if cell.arm == "SimCLR" else {"loss", "zero_shot"})
        assert {row.at for row in trained.curve} == {1, 2} and trained.seconds > 0
        again = work.pre_trained(cell, small)
        assert again.curve == trained.curve, "what is trained is found again"
    rows = measures.probed(work.as_clip(trained.model), cell.pictures, 2)
    assert [(row.on, row.metric) for row in rows] == [("toy_cars", "linear"), ("toy_cars", "colour")]
    assert all(0 <= row.value <= 100 for row in rows)


def test_a_killed_run_goes_on_to_the_same_weights(small, monkeypatch):
    cell, see = arm("SLIP"), work.seen
    whole = work.pre_trained(cell, small / "whole")

    def killed(cell, start=0):
        for k, each in enumerate(see(cell, start), start):
            if k == 3:
                raise KeyboardInterrupt
            yield each

    monkeypatch.setattr(work, "seen", killed)
    with pytest.raises(KeyboardInterrupt):
        work.pre_trained(cell, small / "killed")
    monkeypatch.setattr(work, "seen", see)
    again = work.pre_trained(cell, small / "killed")
    assert [row[:2] for row in again.curve] == [row[:2] for row in whole.curve]
    assert [row.value for row in again.curve] == pytest.approx([row.value for row in whole.curve], abs=1e-5)
    for name, weights in whole.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], weights, rtol=0, atol=1e-6)
    assert not list((small / "killed").glob("*.unfinished.pt")), "a finished run needs no checkpoint"


def test_what_comes_second_starts_from_simclrs_own_run(small):
    cell = Arm(SERIAL, seed=3, lr=1e-3, before=2e-3)
    assert cell.first == Arm("SimCLR", seed=3, lr=2e-3) and Arm("SLIP", 3, 1e-3).first is None
    assert cell.first in script.arms({"CLIP": 1e-3, "SimCLR": 2e-3, "SLIP": 5e-3}, [3])
    assert work.flops(cell) == pytest.approx(work.flops(cell.first) + work.flops(Arm("CLIP", 3, 1e-3)))


def test_arms_of_a_seed_see_the_same_pairs_and_crops(small):
    (slip, tokens), (clip, same) = (next(work.seen(arm(name))) for name in ("SLIP", "CLIP"))
    assert torch.equal(slip[:, :1], clip) and torch.equal(tokens, same) and slip.shape[1] == 3
    other = next(work.seen(arm("CLIP", fresh=True)))[0]
    assert other.shape == clip.shape and not torch.equal(other, clip)
    decays = {name: work.make_run(arm(name)).settings.weight_decay for name in work.OBJECTIVE}
    assert decays == {"CLIP": 0.5, MATCHED: 0.5, SERIAL: 0.5, "SimCLR": 0.1, "SLIP": 0.1}


def test_another_arm_rate_or_world_is_another_run(small, monkeypatch):
    cell = arm("CLIP")
    before = work.WORK.identity(cell)
    others = [arm("SLIP"), arm("CLIP", lr=2e-3), arm("CLIP", seed=1), arm("CLIP", fresh=True), arm("CLIP", pictures=5)]
    assert all(work.WORK.identity(other) != before for other in others)
    monkeypatch.setattr(work.toyworld, "draw_pairs", lambda *a, **k: (torch.ones(2, 3, 64, 64), ["a", "b"]))
    work.world_of.cache_clear()
    assert work.WORK.identity(cell) != before


def test_clip_alone_is_given_as_much_compute_as_slip():
    slip, clip, serial = (Arm(name, 0, 1e-3, epochs=epochs, before=1e-3 * (name == SERIAL)) for name, epochs in
                          (("SLIP", work.EPOCHS), (MATCHED, work.MORE), (SERIAL, work.EPOCHS)))  # fmt: skip
    assert work.flops(clip) == pytest.approx(work.flops(slip), rel=0.03) and clip.objective is CLIP
    assert work.flops(serial) == pytest.approx(work.flops(slip), rel=0.03)


# --- the plan


def with_search(tmp_path, best_of: dict[str, float]) -> Store:
    """A store in which the search is done; the probe is best at these rates."""
    store = Store(tmp_path / "runs.sqlite")

    def known(key, cell):
        right = 60.0 if cell.lr == best_of[cell.arm] else 50.0
        rows = [Row(task, "linear", right, cell.epochs) for task in measures.TASKS]
        return Result([*rows, Row("train", "loss", 1.0, 1)], 1, 1.0), pd.Timestamp("2026-01-01", tz="UTC")

    enter(store, Plan(work.WORK, script.search()), known)
    return store


def test_arms_follow_at_the_rates_that_the_search_found(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "world_of", lambda seed, pictures: f"{seed} {pictures}")
    with Store(tmp_path / "empty.sqlite") as store:
        assert len(list(script.stages(store))) == len(list(fresh.stages(store))) == 1, "first the search"
    chosen = dict(zip(script.SHOWN, script.RATES))
    with with_search(tmp_path, chosen) as store:
        _, plan = script.stages(store)
        _, free = fresh.stages(store)
        assert {(cell.arm, cell.lr) for cell in free.cells} == {("SLIP", chosen["SLIP"]), ("CLIP", chosen["CLIP"])}
    cells = plan.cells
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells) and len(cells) == 5 * len(script.SEEDS)
    assert {cell.arm: cell.lr for cell in cells} == {**chosen, MATCHED: chosen["CLIP"], SERIAL: chosen["CLIP"]}
    assert {cell.before for cell in cells if cell.arm == SERIAL} == {chosen["SimCLR"]}
    assert all(cell.fresh and cell.epochs == work.EPOCHS for cell in free.cells)


def test_rates_are_searched_on_other_pairs_and_pictures_than_are_measured():
    cells = script.arms(dict.fromkeys(script.SHOWN, 1e-3))
    assert not {cell.seed for cell in script.search()} & {cell.seed for cell in cells}
    assert not {cell.pictures for cell in script.search()} & {cell.pictures for cell in cells}


def test_the_plan_says_what_it_costs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(work, "world_of", lambda seed, pictures: f"{seed} {pictures}")
    with Store(tmp_path / "empty.sqlite") as store:
        script.STUDY.plan(store)
    said = capsys.readouterr().out
    assert "0 of 9 runs are done" in said and all(name in said for name in work.OBJECTIVE) and " h in all" in said


def test_trunks_are_written_once_the_first_seed_is_trained(small, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "world_of", lambda seed, pictures: f"{seed} {pictures}")
    chosen = dict.fromkeys(script.SHOWN, script.RATES[0])
    with with_search(tmp_path, chosen) as store:
        with pytest.raises(SystemExit, match="the first seed is not trained yet"):
            script.ship(store, tmp_path)
        shown = [cell for cell in script.arms(chosen, [0]) if cell.arm in script.SHOWN]
        result = Result([Row("train", "loss", 1.0, 1)], 1, 1.0), pd.Timestamp("2026-01-01", tz="UTC")
        enter(store, Plan(work.WORK, shown), lambda key, cell: result)
        model = work.build(TINY)
        monkeypatch.setattr(script, "pre_trained", lambda cell: work.Trained(model, [], 1.0))
        paths = script.ship(store, tmp_path)
    assert [path.stem for path in paths] == ["trunk_simclr", "trunk_slip", "trunk_clip"]
    assert trained_models.load_trunk("trunk_slip", tmp_path).embed_dim == 16
    about = trained_models.about("trunk_simclr", tmp_path)
    assert about["fit"] == {"arm": "SimCLR", "lr": script.RATES[0], "epochs": work.EPOCHS, "seed": 0}


# --- findings

GAIN = {"CLIP": 0, "SimCLR": -8, "SLIP": 6, MATCHED: 2, SERIAL: 3}


def rows(sign: int = 1, gain: float = 6, noise: float = 0.3) -> pd.DataFrame:
    """Arms' measures in the end and one moment before, which counts for nothing; `gain` is SLIP's over CLIP."""
    draws = np.random.default_rng(int(gain))
    table = []
    for seed in script.SEEDS:
        for method, above in (GAIN | {"SLIP": gain}).items():
            epochs = work.MORE if method == MATCHED else work.EPOCHS
            shared = {"method": method, "seed": seed, "epochs": epochs}
            for task in measures.TASKS:
                value = 50 + 5 * seed + sign * above + noise * draws.standard_normal()
                if method != "SimCLR":
                    table.append({**shared, "on": task, "at": epochs, "zero_shot": value})
                    table.append({**shared, "on": task, "at": epochs / 2, "zero_shot": 99 - value})
                table.append({**shared, "on": task, "at": epochs, "linear": value + 10})
            table.append({**shared, "on": "toy_cars", "at": epochs, "colour": 80 + sign * above})
    return pd.DataFrame(table)


def seen(*tables) -> list[str]:
    return [key for key, one in claims.of_slip(*tables).items() if one["seen"]]


def test_findings_are_seen_in_rows_that_show_them_and_not_in_the_contrary_or_noise():
    assert seen(rows(), rows(gain=1)) == ["F41", "F42", "F43", "F44", "F45", "F46"]
    assert seen(rows(sign=-1), rows(sign=-1, gain=1)) == []
    assert not {"F41", "F43", "F44", "F45"} & set(seen(rows(noise=60), rows(noise=60, gain=1)))


def test_slip_has_to_beat_clip_with_as_much_compute_by_itself():
    table = rows()
    table.loc[table.method == MATCHED, ["zero_shot", "linear"]] += 10
    assert "F43" not in seen(table, None) and "F41" in seen(table, None)


def test_a_single_seed_of_fresh_pairs_shows_a_gap_and_proves_nothing():
    once = rows(gain=1)
    found = claims.of_slip(rows(), once[once.seed == 0])["F45"]
    assert found["seen"] is False and found["effects"]["the same, linear probe"]["n"] == 1


def test_without_a_record_it_is_said_what_to_run(tmp_path, capsys, monkeypatch):
    assert recorded_runs.slip(folder=tmp_path) is None and recorded_runs.slip(fresh=True, folder=tmp_path) is None
    found = claims.of_slip(None, None)
    assert list(found) == [f"F{number}" for number in range(41, 47)] and {one["seen"] for one in found.values()} == {
        None
    }
    assert claims.of_slip(rows(), None)["F45"]["seen"] is None
    monkeypatch.setattr(findings, "all_findings", lambda: found)
    findings.main()
    said = capsys.readouterr().out
    assert said.count("there is no record of it yet: python data_scripts/studies/study_slip") == 6
    assert "6 not measured yet" in said


def test_a_record_is_read_back_without_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "world_of", lambda seed, pictures: f"{seed} {pictures}")
    table = rows()

    def known(key, cell):
        own = table[(table.method == cell.arm) & (table.seed == cell.seed)]
        made = [Row(row["on"], metric, row[metric], row["at"]) for row in own.to_dict("records")
                for metric in ("zero_shot", "linear", "colour") if row[metric] == row[metric]]  # fmt: skip
        return Result(made, 1, 1.0), pd.Timestamp("2026-01-01", tz="UTC")

    with with_search(tmp_path, dict(zip(script.SHOWN, script.RATES))) as store:
        _, plan = script.stages(store)
        enter(store, plan, known)
        script.STUDY.collect(store, tmp_path)
    again = recorded_runs.slip(folder=tmp_path)
    assert set(again.seed) == set(script.SEEDS)
    assert seen(again, None) == seen(table, None) == ["F41", "F42", "F43", "F44", "F46"]


def test_the_lesson_knows_what_guessing_gets():
    from lessons_lib.teaching.lesson15 import record

    classes = [len(measures.task_of(name, 1).classnames) for name in measures.TASKS]
    expected = sum(100 / n for n in classes) / len(classes)
    assert record.guessing() == pytest.approx(
        {"zero_shot": expected, "linear": expected, "colour": 100 / len(measures.colour_task(1).classnames)}
    )
