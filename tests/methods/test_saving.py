"""A saved method comes back as it was, on its own CLIP and no other, or says what is wrong with the file."""

import json

import pytest
import torch
from noise_task import NAMES
from safetensors.torch import load_file, safe_open, save_file
from tiny_clip import tiny_clip

from lessons_lib.methods import (
    IVLP,
    METHODS,
    VPT,
    CoCoOp,
    CoOp,
    LinearProbe,
    MaPLe,
    Method,
    VisualPrompting,
    ZeroShot,
    load_method,
)
from lessons_lib.methods.learned import Learned

MAKERS = {
    "default template": lambda clip: ZeroShot(clip),
    "ensemble": lambda clip: ZeroShot(clip, "imagenet7"),
    "probability ensemble": lambda clip: ZeroShot(clip, ["{}", "a {}."], ensemble="probability"),
    "other words": lambda clip: ZeroShot(clip, classnames=["kitten", "crane", "puppy", "kettle", "bird"]),
    "linear probe": lambda clip: LinearProbe(clip, refinements=0),
    "CoOp": lambda clip: Briefly(CoOp(clip, ctx_init="a photo of a", class_token_position="middle")),
    "class-specific CoOp": lambda clip: Briefly(CoOp(clip, n_ctx=3, class_specific=True)),
    "CoCoOp": lambda clip: Briefly(CoCoOp(clip, ctx_init=None, n_ctx=2, max_prompts=50)),
    "VPT": lambda clip: Briefly(VPT(clip, n_ctx=3, depth=2)),
    "VisualPrompting": lambda clip: Briefly(VisualPrompting(clip, width=3, template="my {}.")),
    "IVLP": lambda clip: Briefly(IVLP(clip, n_ctx_vision=0, depth_text=2)),
    "MaPLe": lambda clip: Briefly(MaPLe(clip, prompt_depth=1)),
    "MaPLe, shared": lambda clip: Briefly(MaPLe(clip, n_ctx=3, shared_coupling=True)),
}


class Briefly:
    """A method that is trained for two epochs when told to fit."""

    def __init__(self, method):
        self.method = method

    def fit(self, task):
        return self.method.fit(task, epochs=2, lr=0.1, batch_size=10, progress=False)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_loaded_method_gives_the_same_logits_settings_and_score(clip, task, tmp_path, make):
    method = make(clip).fit(task)
    loaded = load_method(method.save(tmp_path / "method.safetensors"), clip)
    assert type(loaded) is type(method)
    assert loaded.classnames == NAMES
    assert loaded.settings() == method.settings()
    assert torch.equal(loaded.logits(task.test), method.logits(task.test))
    assert loaded.score(task.test) == method.score(task.test)


def test_the_file_holds_what_was_learned_and_nothing_of_clip(clip, task, tmp_path):
    tensors = load_file(LinearProbe(clip).fit(task).save(tmp_path / "probe.safetensors"))
    assert set(tensors) == {"linear.weight", "linear.bias"}
    assert load_file(ZeroShot(clip).fit(task).save(tmp_path / "zero_shot.safetensors")) == {}


def test_another_clip_is_refused(clip, task, tmp_path):
    path = LinearProbe(clip).fit(task).save(tmp_path / "probe.safetensors")
    with pytest.raises(ValueError, match="fitted on another CLIP .*load it on its own CLIP, or fit again"):
        load_method(path, tiny_clip(seed=1))


def test_a_missing_file_is_named(clip, tmp_path):
    with pytest.raises(FileNotFoundError, match="no saved method at .*nowhere.safetensors"):
        load_method(tmp_path / "nowhere.safetensors", clip)


@pytest.mark.parametrize("kept", [0, 5, 40, -7])
def test_a_damaged_file_is_refused(clip, task, tmp_path, kept):
    path = LinearProbe(clip).fit(task).save(tmp_path / "probe.safetensors")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="damaged or not a safetensors file .*fit again and save it anew"):
        load_method(path, clip)


def test_tensors_that_are_no_saved_method_are_refused(clip, tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="was not written by method.save"):
        load_method(tmp_path / "weights.safetensors", clip)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "LinearProb"}, "named 'LinearProb', which does not exist here. Did you mean 'LinearProbe'"),
        ({"settings": '{"depth": 3}'}, "does not fit a LinearProbe of this version .*depth"),
        ({"settings": "{"}, "does not fit a LinearProbe of this version"),
        ({"classnames": '["cat", "dog"]'}, "(?s)does not fit a LinearProbe of this version .*size mismatch"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(clip, task, tmp_path, changes, words):
    path = LinearProbe(clip).fit(task).save(tmp_path / "probe.safetensors")
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    save_file(load_file(path), path, metadata={**header, **changes})
    with pytest.raises(ValueError, match=words):
        load_method(path, clip)


def test_every_method_that_the_package_exports_can_be_loaded_and_its_settings_are_json(clip):
    children = [*Method.__subclasses__(), *Learned.__subclasses__(), *CoOp.__subclasses__()]
    exported = {cls.__name__ for cls in children if cls.__module__.startswith("lessons_lib.")} - {"Learned"}
    assert set(METHODS) == exported
    for method in METHODS.values():
        settings = method(clip).settings()
        assert method(clip, **json.loads(json.dumps(settings))).settings() == settings
