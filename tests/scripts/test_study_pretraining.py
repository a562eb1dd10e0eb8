"""Lesson 1's study: each objective trains, runs depend on their spec alone, and what is finished is not done again."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lessons_lib.teaching.lesson01 import recorded as reader

SCRIPTS = str(Path(__file__).resolve().parents[2] / "data_scripts" / "pretraining")
RECORDED = Path(__file__).resolve().parents[2] / "lessons_lib/teaching/recorded/pretraining_study.json"


@pytest.fixture(scope="module")
def study():
    sys.path.insert(0, SCRIPTS)
    try:
        import study_pretraining

        yield study_pretraining
    finally:
        sys.path.remove(SCRIPTS)


def tiny(study, **changes):
    spec = study.Spec(study.CONTRASTIVE, width=16, pairs=256, seed=0, layers=(1, 1), drawn=128, batch_size=32)
    return replace(spec, **changes)


def without_time(run: dict) -> dict:
    return {name: value for name, value in run.items() if name != "cpu_seconds"}


def test_a_run_depends_on_its_spec_alone(study):
    run = study.train(tiny(study), points=2)
    assert without_time(study.train(tiny(study), points=2)) == without_time(run)
    assert [pairs for pairs, _ in run["zero_shot"]] == [128, 256]
    assert set(run["zero_shot"][-1][1]) == set(study.TASKS)


def test_all_objectives_train_the_same_image_tower(study):
    sizes = set()
    for objective in (study.CONTRASTIVE, study.CONTRASTIVE_BAG, study.PREDICTIVE):
        spec = tiny(study, objective=objective)
        run = study.train(spec, points=2)
        assert run["loss"][-1][1] < run["loss"][0][1], f"{objective}: the loss should fall"
        model = study.build(spec, study.draw_world(spec.seed, spec.drawn))
        sizes.add(sum(p.numel() for p in model.visual.transformer.parameters()))
    assert len(sizes) == 1


def test_a_bag_of_words_does_not_see_their_order(study):
    spec = tiny(study, objective=study.CONTRASTIVE_BAG)
    world = study.draw_world(spec.seed, spec.drawn)
    towers = study.BagTowers(study.build(spec, world), world.words)
    tokens = world.tokens[:8]
    turned = tokens.clone()
    turned[:, [1, 2]] = tokens[:, [2, 1]]  # the first two words; start and end stay
    with torch.no_grad():
        torch.testing.assert_close(towers.encode_texts(turned), towers.encode_texts(tokens))


def test_the_compute_of_a_pair_is_six_times_parameters_times_tokens(study):
    spec = tiny(study, objective=study.PREDICTIVE)
    world = study.draw_world(spec.seed, spec.drawn)
    model = study.build(spec, world)
    assert study.flops(model, spec, world) == 6 * 17 * sum(p.numel() for p in model.visual.transformer.parameters())
    both = replace(spec, objective=study.CONTRASTIVE)
    assert study.flops(study.build(both, world), both, world) > study.flops(model, spec, world)


def test_finished_runs_are_kept_and_only_missing_ones_are_done(study, tmp_path, monkeypatch, capsys):
    out = tmp_path / "study.json"
    first, second = tiny(study), tiny(study, seed=1)
    kept = {**study.train(first, points=2), "cpu_seconds": -1.0}  # to be recognised
    unplanned = {**kept, "seed": 9}
    out.write_text(json.dumps({"runs": [unplanned, kept]}))
    monkeypatch.setattr(study, "plan", lambda trial: [first, second])
    monkeypatch.setattr(sys, "argv", ["study_pretraining.py", "--out", str(out)])
    study.main()
    assert "1 runs are there, 1 to do" in capsys.readouterr().out
    runs = json.loads(out.read_text())["runs"]
    assert [run["seed"] for run in runs] == [0, 1]
    assert runs[0]["cpu_seconds"] == -1.0


def test_the_recorded_study_is_whole(study):
    record = json.loads(RECORDED.read_text())
    planned = sorted(spec.key for spec in study.plan(trial=False))
    fields = study.Spec.__dataclass_fields__
    recorded = sorted(study.Spec(**{name: run[name] for name in fields}).key for run in record["runs"])
    assert recorded == planned
    assert record["compare"] == study.COMPARED and record["tasks"] == study.TASKS
    assert RECORDED.stat().st_size < 500_000


# --- how the lesson reads it


def fake_record(tmp_path):
    """Matching reaches at 2,000 pairs what predicting reaches at 4,000; errors follow a power law exactly."""
    runs = []
    for seed in (0, 1):
        for width in (16, 32):
            for pairs in (4000, 8000):
                flops = 6.0 * width**2 * pairs
                error = 900 * (flops / pairs) ** -0.1 * pairs**-0.3
                curve = [[pairs // 2, {"a": 40, "b": 20}], [pairs, {"a": 100 - error, "b": 100 - error}]]
                runs.append(dict(objective="contrastive", width=width, pairs=pairs, lr=0.002, seed=seed, flops=flops,
                                 zero_shot=curve))  # fmt: skip
        words = [[2000, {"a": 0, "b": 0, "a (prior removed)": 5, "b (prior removed)": 5}],
                 [4000, {"a": 20, "b": 40, "a (prior removed)": 25, "b (prior removed)": 25}]]  # fmt: skip
        for lr in (0.002, 0.004):
            runs.append(dict(objective="predicting words", width=32, pairs=4000, lr=lr, seed=seed, flops=1.0,
                             zero_shot=words))  # fmt: skip
    path = tmp_path / "study.json"
    path.write_text(json.dumps({"tasks": ["a", "b"], "runs": runs}))
    return path


def test_moments_hold_means_over_tasks_and_the_better_reading(tmp_path):
    table = reader.moments(fake_record(tmp_path))
    words = table[(table.objective == reader.PREDICT) & (table.seed == 0) & (table.lr == 0.002)]
    assert dict(zip(words.pairs, words.accuracy)) == {2000: 5, 4000: 30}
    assert list(dict.fromkeys(table.objective)) == [reader.MATCH, reader.PREDICT]
    half = table[(table.pairs == 2000) & (table.objective == reader.MATCH) & (table.width == 16)]
    assert half.flops.tolist() == pytest.approx([6.0 * 16**2 * 2000] * 2)


def test_the_comparison_differs_in_the_objective_alone(tmp_path):
    curves = reader.comparison(reader.moments(fake_record(tmp_path)))
    assert set(curves.width) == {32} and set(curves.budget) == {4000} and set(curves.lr) == {0.002}
    assert set(curves.objective) == {reader.MATCH, reader.PREDICT}


def test_the_comparison_takes_word_prediction_at_its_better_rate(tmp_path):
    table = reader.moments(fake_record(tmp_path))
    faster = (table.objective == reader.PREDICT) & (table.lr == 0.004)
    curves = reader.comparison(table.assign(accuracy=table.accuracy + 7 * faster))
    assert set(curves[curves.objective == reader.PREDICT].lr) == {0.004}
    assert set(curves[curves.objective == reader.MATCH].lr) == {0.002}


def test_how_many_times_fewer_pairs(tmp_path):
    curves = reader.comparison(reader.moments(fake_record(tmp_path)))
    assert reader.times_fewer_pairs(curves, reader.MATCH, reader.PREDICT) == pytest.approx([2.0, 2.0])


def test_exponents_of_an_exact_power_law_are_found(tmp_path):
    ends = reader.scaling(reader.moments(fake_record(tmp_path)))
    assert len(ends) == 8 and (ends.pairs == ends.budget).all()
    found = reader.exponents(ends)
    assert found.model.tolist() == pytest.approx([0.1, 0.1])
    assert found.data.tolist() == pytest.approx([0.3, 0.3])
    assert found.explained.tolist() == pytest.approx([1, 1])
