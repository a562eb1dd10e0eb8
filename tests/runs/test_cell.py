"""What a sweep's processes measure is what the protocols measure."""

from dataclasses import asdict

import pandas as pd
import pytest
import torch
from photo_folders import photo_folder

from lessons_lib import load_task
from lessons_lib.methods import CoOp, ZeroShot
from lessons_lib.runs import Bench, Store, protocols, run
from lessons_lib.runs.work import MEASURED, Setup, Worker, in_a_line

EXACT = ["on", "accuracy", "n_parameters"]


@pytest.fixture
def photos(tmp_path):
    return photo_folder(tmp_path / "photos", {"cat": 8, "dog": 8, "owl": 8, "fox": 8})


@pytest.fixture
def spec(photos):
    settings = {"CoOp": {"n_ctx": 2}}
    return Bench(
        methods=["ZeroShot", "CoOp"],
        tasks="photos",
        shots=[2],
        seeds=[3],
        protocol="base-to-new",
        device="cpu",
        precision="fp32",
        root=str(photos.parent),
        settings=settings,
        fit={"CoOp": {"epochs": 1}},
    )


@pytest.fixture
def expected(photos, toyclip) -> pd.DataFrame:
    task = load_task(photos)
    common = {"shots": 2, "seeds": [3], "progress": False}
    zero = protocols.base_to_new(lambda: ZeroShot(toyclip), task, **common)
    coop = protocols.base_to_new(lambda: CoOp(toyclip, n_ctx=2), task, epochs=1, **common)
    return pd.concat([zero, coop], ignore_index=True)


def test_a_worker_measures_what_the_protocol_measures(spec, expected):
    threads = torch.get_num_threads()
    worker = Worker(Setup.of(spec))
    torch.set_num_threads(threads)
    rows = [row for cell, seed in spec.jobs() for row in worker(asdict(cell), seed)]
    assert set(rows[0]) == set(MEASURED)
    pd.testing.assert_frame_equal(pd.DataFrame(rows)[EXACT], expected[EXACT])


def test_a_sweep_in_processes_gives_the_same_table(spec, expected, tmp_path):
    with Store(tmp_path / "bench.sqlite") as store:
        assert run(spec, store, processes=1, progress=False) == (0, 2, 0)
        rows = store.rows(spec)
    columns = ["protocol", "method", "task", "shots", "seed", *EXACT]
    pd.testing.assert_frame_equal(rows[columns], expected[columns])
    assert rows["clip"].tolist() == ["toyclip"] * 4 and rows.settings.nunique() == 2


def test_a_model_that_does_not_exist_is_an_error_before_any_process_starts(spec, tmp_path):
    wrong = Bench(**{**spec.to_dict(), "model": "ViT-B-61", "pretrained": "openai"})
    with Store(tmp_path / "bench.sqlite") as store:
        with pytest.raises(ValueError, match="unknown model 'ViT-B-61'. Did you mean"):
            run(wrong, store, progress=False)
        assert store.writer() is None


def test_an_error_is_told_in_a_line():
    assert in_a_line(ValueError("two\n  lines")) == "ValueError: two lines"
    assert len(in_a_line(ValueError("x" * 9999))) == 500
