"""A mistake of the data is found once, before the first run, can be left out, and is not tried twice."""

import json
import warnings

import pytest
from dataset_layouts import split_set
from photo_folders import photo_folder

from lessons_lib.cli.main import main
from lessons_lib.runs import Bench, Store, run
from lessons_lib.runs.cell import FitAndTest

SWEEP = {"methods": "ZeroShot", "shots": 1, "seeds": (1, 2), "device": "cpu", "precision": "fp32"}


@pytest.fixture
def photos(tmp_path):
    photo_folder(tmp_path / "photos", {"cat": 6, "dog": 6})
    file = tmp_path / "photos" / "cat" / "photo 0.png"
    file.write_bytes(file.read_bytes()[:60])
    return tmp_path / "photos"


def test_a_damaged_photo_stops_a_sweep_before_anything_is_written(tmp_path, photos, capsys):
    store = tmp_path / "r.sqlite"
    words = ["bench", "--methods", "ZeroShot", "--tasks", str(photos), "--shots", "1", "--store", str(store)]
    assert main(words) == 2 and not store.exists()
    said = capsys.readouterr().err
    assert "1 unreadable image file(s)" in said and "cat/photo 0.png" in said and "skip_unreadable" in said


def test_it_is_left_out_by_the_option_and_by_the_yaml_and_said_once(tmp_path, photos, capsys):
    sweep = f"methods: ZeroShot\ntasks: {photos}\nshots: 1\nseeds: 1\n"
    (tmp_path / "plain.yaml").write_text(sweep)
    (tmp_path / "skips.yaml").write_text(sweep + "skip_unreadable: true\n")
    for words in (["plain.yaml", "--skip-unreadable"], ["skips.yaml"]):
        assert main(["bench", str(tmp_path / words[0]), *words[1:], "--dry-run"]) == 0
        assert capsys.readouterr().err.count("left out 1 unreadable image file(s)") == 1


def test_its_runs_are_those_of_a_folder_without_it(tmp_path, photos):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        skipping = Bench(tasks=str(photos), skip_unreadable=True, **SWEEP).plan()
    (photos / "cat" / "photo 0.png").unlink()
    assert skipping.digests == Bench(tasks=str(photos), **SWEEP).plan().digests


def test_skip_unreadable_is_true_or_false():
    with pytest.raises(ValueError, match="skip_unreadable must be true or false; got 'yes'"):
        Bench(tasks="toy_pets", skip_unreadable="yes", **SWEEP)


def test_a_damaged_image_of_a_published_set_stops_a_sweep_before_its_first_run(tmp_path):
    root = split_set(tmp_path, "eurosat")
    (root / "eurosat/2750/Class1/test_0.jpg").write_bytes(b"spoilt")
    plan = Bench(tasks="eurosat", root=str(root), **SWEEP).plan()
    with (
        Store(tmp_path / "r.sqlite") as store,
        pytest.raises(ValueError, match=r"test_0\.jpg \(not an image\).*skip_un"),
    ):
        run(plan, store, processes=1, progress=False)
    with Store(tmp_path / "r.sqlite") as store:
        assert store.status().attempts.sum() == 0


@pytest.mark.parametrize(
    ("error", "may_pass"), [(ValueError, False), (FloatingPointError, False), (OSError, True), (MemoryError, True)]
)
def test_errors_that_cannot_change_are_told_from_those_that_may(error, may_pass):
    assert FitAndTest().may_pass(error("…")) is may_pass


def test_what_was_asked_for_makes_the_same_sweep_again():
    spec = Bench(tasks="toy_pets", skip_unreadable=True, **SWEEP)
    assert Bench(**json.loads(json.dumps(spec.to_dict()))) == spec
