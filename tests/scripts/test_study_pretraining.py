"""Lesson 1's study: each objective trains, runs depend on their spec and world alone, and are told apart by both."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest
import small_clips as study
import study_pretraining as script
import torch

from lessons_lib.runs import Plan, Result, Row, Store
from lessons_lib.runs.record import in_short
from lessons_lib.runs.study import Study, enter
from lessons_lib.teaching import recorded_runs
from lessons_lib.teaching.lesson01 import recorded as reader


def tiny(**changes):
    spec = study.Spec(study.CONTRASTIVE, width=16, pairs=256, seed=0, layers=(1, 1), drawn=128, batch_size=32)
    return replace(spec, **changes)


def losses(result: Result) -> list[float]:
    return [row.value for row in result.rows if row.metric == "loss"]


def test_a_run_depends_on_its_spec_alone():
    run = study.train(tiny(), points=2)
    again = study.train(tiny(), points=2)
    assert (again.rows, again.n_parameters) == (run.rows, run.n_parameters)
    assert {row.at for row in run.rows if row.metric == "accuracy"} == {128, 256}
    assert {row.on for row in run.rows if row.metric == "accuracy"} == set(study.TASKS)


def test_all_objectives_train_the_same_image_tower():
    sizes = set()
    for objective in (study.CONTRASTIVE, study.CONTRASTIVE_BAG, study.PREDICTIVE):
        spec = tiny(objective=objective)
        run = study.train(spec, points=2)
        assert losses(run)[-1] < losses(run)[0], f"{objective}: the loss should fall"
        model = study.build(spec, study.draw_world(spec.seed, spec.drawn))
        sizes.add(sum(p.numel() for p in model.visual.transformer.parameters()))
    assert len(sizes) == 1


def test_a_bag_of_words_does_not_see_their_order():
    spec = tiny(objective=study.CONTRASTIVE_BAG)
    world = study.draw_world(spec.seed, spec.drawn)
    towers = study.BagTowers(study.build(spec, world), world.words)
    tokens = world.tokens[:8]
    turned = tokens.clone()
    turned[:, [1, 2]] = tokens[:, [2, 1]]  # the first two words; start and end stay
    with torch.no_grad():
        torch.testing.assert_close(towers.encode_texts(turned), towers.encode_texts(tokens))


def test_the_compute_of_a_pair_is_six_times_parameters_times_tokens():
    spec = tiny(objective=study.PREDICTIVE)
    world = study.draw_world(spec.seed, spec.drawn)
    model = study.build(spec, world)
    assert study.flops(model, spec, world) == 6 * 17 * sum(p.numel() for p in model.visual.transformer.parameters())
    both = replace(spec, objective=study.CONTRASTIVE)
    assert study.flops(study.build(both, world), both, world) > study.flops(model, spec, world)


def test_another_world_is_another_run(monkeypatch):
    """What was trained on other pictures or captions is not taken for what this world would give."""
    before = script.WORK.identity(tiny())
    assert script.WORK.identity(tiny()) == before and script.WORK.identity(tiny(seed=1)) != before
    draw = study.toyworld.draw_pairs

    def otherwise(*args, **settings):
        images, captions = draw(*args, **settings)
        return images, [f"{captions[0]} indeed", *captions[1:]]

    monkeypatch.setattr(study.toyworld, "draw_pairs", otherwise)
    study.world_of.cache_clear()
    try:
        assert script.WORK.identity(tiny()) != before
    finally:
        study.world_of.cache_clear()


def test_a_run_is_carried_out_and_found_again_by_its_spec(tmp_path):
    plan = Plan(script.WORK, [tiny()])
    with Store(tmp_path / "runs.sqlite") as store:
        result = study.train(tiny(), points=2)
        assert enter(store, plan, lambda key, cell: (result, datetime.now(timezone.utc))) == 1
        rows = store.rows(plan)
    assert set(rows.layers) == {"1+1"} and rows.n_parameters.eq(result.n_parameters).all()
    assert rows.flops.dropna().tolist() == [row.value for row in result.rows if row.metric == "flops"]


def test_the_recorded_study_is_whole():
    about, rows = recorded_runs.record("pretraining_study")
    assert about["plan"] == in_short(script.cells()), "run: python data_scripts/studies/study_pretraining.py run"
    assert rows.run.nunique() == len(script.cells()) == about["runs"]["count"]
    assert about["compare"] == script.COMPARED and about["tasks"] == study.TASKS
    assert (recorded_runs.RECORDED / "pretraining_study.csv").stat().st_size < 500_000


# --- how the lesson reads it


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Matching reaches at 2,000 pairs what predicting reaches at 4,000; errors follow a power law exactly."""
    runs: dict[study.Spec, list[Row]] = {}
    for seed in (0, 1):
        for width in (16, 32):
            for pairs in (4000, 8000):
                flops = 6.0 * width**2 * pairs
                end = 100 - 900 * (flops / pairs) ** -0.1 * pairs**-0.3
                rows = [Row("a", "accuracy", 40, pairs // 2), Row("b", "accuracy", 20, pairs // 2)]
                rows += [Row("a", "accuracy", end, pairs), Row("b", "accuracy", end, pairs)]
                runs[study.Spec("contrastive", width, pairs, seed)] = [*rows, Row("train", "flops", flops, pairs)]
        words = {2000: {"a": 0, "b": 0, "a (prior removed)": 5, "b (prior removed)": 5},
                 4000: {"a": 20, "b": 40, "a (prior removed)": 25, "b (prior removed)": 25}}  # fmt: skip
        for lr in (0.002, 0.004):
            rows = [Row(on, "accuracy", x, at) for at, said in words.items() for on, x in said.items()]
            runs[study.Spec("predicting words", 32, 4000, seed, lr=lr)] = [*rows, Row("train", "flops", 1.0, 4000)]
    monkeypatch.setattr(script, "world_of", str)
    with Store(tmp_path / "runs.sqlite") as store:
        plan = Plan(script.WORK, list(runs), {"study": "made up"})
        enter(store, plan, lambda key, spec: (Result(runs[spec], 1, 1.0), datetime.now(timezone.utc)))
        about = {"clip": None, "tasks": ["a", "b"]}
        Study("pretraining_study", "", tmp_path, lambda store: iter([plan]), about=lambda rows: about).collect(store)
    return tmp_path


def test_moments_hold_means_over_tasks_and_the_better_reading(folder):
    table = reader.moments(folder)
    words = table[(table.objective == reader.PREDICT) & (table.seed == 0) & (table.lr == 0.002)]
    assert dict(zip(words.pairs, words.accuracy)) == {2000: 5, 4000: 30}
    assert list(dict.fromkeys(table.objective)) == [reader.MATCH, reader.PREDICT]
    half = table[(table.pairs == 2000) & (table.objective == reader.MATCH) & (table.width == 16)]
    assert half.flops.tolist() == pytest.approx([6.0 * 16**2 * 2000] * 2)


def test_the_comparison_differs_in_the_objective_alone(folder):
    curves = reader.comparison(reader.moments(folder))
    assert set(curves.width) == {32} and set(curves.budget) == {4000} and set(curves.lr) == {0.002}
    assert set(curves.objective) == {reader.MATCH, reader.PREDICT}


def test_the_comparison_takes_word_prediction_at_its_better_rate(folder):
    table = reader.moments(folder)
    faster = (table.objective == reader.PREDICT) & (table.lr == 0.004)
    curves = reader.comparison(table.assign(accuracy=table.accuracy + 7 * faster))
    assert set(curves[curves.objective == reader.PREDICT].lr) == {0.004}
    assert set(curves[curves.objective == reader.MATCH].lr) == {0.002}


def test_how_many_times_fewer_pairs(folder):
    curves = reader.comparison(reader.moments(folder))
    assert reader.times_fewer_pairs(curves, reader.MATCH, reader.PREDICT) == pytest.approx([2.0, 2.0])


def test_exponents_of_an_exact_power_law_are_found(folder):
    ends = reader.scaling(reader.moments(folder))
    assert len(ends) == 8 and (ends.pairs == ends.budget).all()
    found = reader.exponents(ends)
    assert found.model.tolist() == pytest.approx([0.1, 0.1])
    assert found.data.tolist() == pytest.approx([0.3, 0.3])
    assert found.explained.tolist() == pytest.approx([1, 1])
