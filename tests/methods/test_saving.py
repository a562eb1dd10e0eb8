"""A saved method comes back as it was, on its own CLIP and no other, or says what is wrong with the file."""

import json

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from lessons_lib.methods import VPT, KgCoOp, LinearProbe, Method, ZeroShot, load_method, saving
from lessons_lib.methods.saving import read_header


def test_the_file_holds_what_was_learned_and_nothing_of_clip(clip, task, tmp_path):
    tensors = load_file(LinearProbe(clip).fit(task).save(tmp_path / "probe.safetensors"))
    assert set(tensors) == {"linear.weight", "linear.bias"}
    assert load_file(ZeroShot(clip).fit(task).save(tmp_path / "zero_shot.safetensors")) == {}


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
    del header["digest"]  # as files were before
    save_file(load_file(path), path, metadata={**header, **changes})
    with pytest.raises(ValueError, match=words):
        load_method(path, clip)


def test_the_header_says_the_kind_and_the_template_that_the_task_gave(clip, task, tmp_path):
    header = read_header(VPT(clip).fit(task, epochs=1, progress=False).save(tmp_path / "vpt.safetensors"))
    assert (header["kind"], header["task_template"]) == ("classify", task.templates[0])
    assert json.loads(header["settings"]) == {"n_ctx": 8, "depth": 1, "template": None}


@pytest.mark.parametrize(
    ("make", "template"),
    [
        (lambda clip: ZeroShot(clip), {"templates": ["a drawing of a {}."]}),
        (lambda clip: KgCoOp(clip), {"template": "a drawing of a {}."}),
        (lambda clip: LinearProbe(clip, C_grid=[1.0]), {}),
    ],
)
def test_a_file_from_before_there_were_kinds_still_loads(clip, task, tmp_path, make, template):
    """Those have no kind and no template of the task, but the template among the settings."""
    method = make(clip)
    method.fit(task, **({"epochs": 1, "progress": False} if method.trains else {}))
    path = method.save(tmp_path / "method.safetensors")
    header = read_header(path)
    old = {name: header[name] for name in ("method", "classnames", "clip_name", "clip_fingerprint")}
    old["settings"] = json.dumps(method.settings() | template)
    save_file(load_file(path), path, metadata=old)
    assert torch.equal(load_method(path, clip).logits(task.test), method.logits(task.test))


def test_a_method_without_class_names_is_kept_without(clip, tmp_path):
    """Of a kind that has none."""

    class Wordless(Method):
        kind, metric = "retrieve", "recall"

        def check_ready(self):
            pass

    path = Wordless(clip).save(tmp_path / "wordless.safetensors")
    again = saving.load(path, clip, {"Wordless": Wordless})
    assert again.classnames is None and read_header(path)["kind"] == "retrieve"


@pytest.mark.parametrize("place", [-1, 300], ids=["numbers", "header"])
def test_one_flipped_bit_is_refused(clip, task, tmp_path, place):
    path = LinearProbe(clip).fit(task).save(tmp_path / "probe.safetensors")
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"probe.safetensors' is damaged.*fit again and save it anew"):
        load_method(path, clip)


def test_what_is_not_finite_is_neither_saved_nor_loaded(clip, task, tmp_path):
    probe = LinearProbe(clip).fit(task)
    path = probe.save(tmp_path / "probe.safetensors")
    state = {name: torch.full_like(tensor, float("nan")) for name, tensor in load_file(path).items()}
    save_file(state, tmp_path / "other.safetensors", metadata=read_header(path))
    with pytest.raises(ValueError, match=r"other.safetensors' is damaged: '[\w.]+' holds values that are not finite"):
        load_method(tmp_path / "other.safetensors", clip)
    probe.load_state_dict(state)
    with pytest.raises(ValueError, match="not finite numbers, so nothing is saved"):
        probe.save(path)


def test_half_halves_the_file_rounds_and_computes_in_32_bits_again(clip, task, tmp_path):
    probe = LinearProbe(clip).fit(task)
    whole = probe.save(tmp_path / "whole.safetensors")
    half = probe.save(tmp_path / "half.safetensors", half=True)
    assert {tensor.dtype for tensor in load_file(half).values()} == {torch.float16}
    assert half.stat().st_size < whole.stat().st_size
    for name, tensor in load_method(half, clip).state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, probe.state_dict()[name].half().float(), rtol=0, atol=0)


def test_what_is_too_large_for_16_bits_is_not_saved_by_half(clip, task, tmp_path):
    probe = LinearProbe(clip).fit(task)
    next(iter(probe.state_dict().values())).fill_(1e6)
    with pytest.raises(ValueError, match="too large for 16 bits"):
        probe.save(tmp_path / "half.safetensors", half=True)
