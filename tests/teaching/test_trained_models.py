"""What the package brings trained belongs together, loads, and says in words what is missing or wrong."""

import json

import pytest
import torch
from tiny_clip import tiny_audioclip, tiny_clip

from lessons_lib.methods import CoOp
from lessons_lib.teaching import trained_models


@pytest.fixture
def kept(clip, task, tmp_path):
    method = CoOp(clip, n_ctx=2).fit(task, epochs=1, progress=False)
    trained_models.keep("lseg", method, {"date": "today"}, tmp_path)
    return method


def test_what_was_kept_comes_back_and_says_what_made_it(kept, clip, task, tmp_path):
    found = trained_models.load("lseg", clip, tmp_path)
    assert found.ctx.dtype == torch.float32
    torch.testing.assert_close(found.ctx, kept.ctx.half().float(), rtol=0, atol=0)
    assert found.classnames == task.classnames
    assert trained_models.about("lseg", tmp_path)["date"] == "today"


def test_an_audio_tower_is_kept_in_16_bits_and_belongs_to_its_clip(tmp_path):
    clip, hears = tiny_clip(), tiny_audioclip()
    trained_models.keep_tower("audioclip", hears.model, clip, {"date": "today"}, tmp_path)
    found = trained_models.load_tower("audioclip", clip, tmp_path)
    rounded = hears.model.audio.projection.weight.half().float()
    torch.testing.assert_close(found.model.audio.projection.weight, rounded, rtol=0, atol=0)
    assert trained_models.about("audioclip", tmp_path)["date"] == "today"
    with pytest.raises(ValueError, match="another CLIP"):
        trained_models.load_tower("audioclip", tiny_clip(seed=5), tmp_path)


def test_a_name_that_does_not_exist_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="no trained model 'lsge'.* Did you mean 'lseg'"):
        trained_models.path_of("lsge")


@pytest.mark.parametrize("missing", ["safetensors", "json"])
def test_a_file_that_is_not_there_is_named_with_the_script_that_makes_it(kept, clip, tmp_path, missing):
    (tmp_path / f"lseg.{missing}").unlink()
    with pytest.raises(FileNotFoundError, match=f"lseg.{missing}' is not there.*train_lseg.py"):
        trained_models.load("lseg", clip, tmp_path)


def test_a_page_about_other_weights_is_refused(kept, clip, tmp_path):
    kept.ctx.data += 1
    kept.save(tmp_path / "lseg.safetensors", half=True)
    with pytest.raises(ValueError, match="speaks of other weights"):
        trained_models.load("lseg", clip, tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", '{"date": "today"}'])
def test_a_damaged_page_is_refused(kept, clip, tmp_path, content):
    (tmp_path / "lseg.json").write_text(content)
    with pytest.raises(ValueError, match="lseg.json' is damaged.*train_lseg.py"):
        trained_models.load("lseg", clip, tmp_path)


def test_all_scripts_are_there():
    root = trained_models.TRAINED.parents[2]
    assert [script for script in trained_models.SCRIPTS.values() if not (root / script).is_file()] == []


@pytest.mark.parametrize("name", sorted(path.stem for path in trained_models.TRAINED.glob("*.safetensors")))
def test_what_the_package_brings_is_small_and_belongs_together(name):
    about = trained_models.about(name)
    assert trained_models.path_of(name).stat().st_size <= 10e6
    assert {"date", "hardware", "settings", "fit"} <= about.keys(), json.dumps(sorted(about))
