"""What cannot be loaded as a CLIP says what it is and what to do: names, activations, files. All without a network."""

import json
import math
import warnings

import open_clip
import pytest
import torch
from saved_clips import TOWERS, assert_same, load, openai_archive, save_old_pt, save_pt, save_safetensors
from tiny_clip import tiny_model

from lessons_lib import sealed
from lessons_lib.clip import recipes

pytestmark = [
    pytest.mark.usefixtures("empty_caches"),
    pytest.mark.filterwarnings("ignore:.*does not say which activation"),  # where it is not what is tested
]


# ---- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pretrained", "words"),
    [
        ("VIT-B16", "openai", r"unknown model 'VIT-B16'. Did you mean .*'ViT-B-16'"),
        ("ToyCLIP", None, "unknown model 'ToyCLIP'. Did you mean 'toyclip'"),
        ("ViT-B-32-quickgelu", "opnai", r"has no tag 'opnai'.* Did you mean 'openai'.*'laion400m_e31'"),
        ("ViT-B-32", None, r"which weights of 'ViT-B-32'\? .*'laion2b_s34b_b79k'"),  # never at random
        ("ViT-B-32", "no/such.pt", "no checkpoint at 'no/such.pt'"),
        ("hf-hub:only-one-part", None, "must read 'hf-hub:organisation/repository'"),
        ("hf-hub:", None, "must read 'hf-hub:organisation/repository'"),
        ("hf-hub:a/b", "openai", "names its own weights: leave out pretrained='openai'"),
        ("ViT-B-16", "openai", r"trained with QuickGELU.*load_clip\('ViT-B-16-quickgelu', pretrained='openai'\)"),
        ("ViT-B-32-quickgelu", "laion2b_s34b_b79k",
         r"trained with GELU.*load_clip\('ViT-B-32', pretrained='laion2b_s34b_b79k'\)"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_loaded_is_told_what_is_wrong_with_it(name, pretrained, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        load(name, pretrained=pretrained)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold open_clip_config.json and open_clip_model.safetensors or"):
        load(f"local-dir:{tmp_path}")


def test_a_missing_package_is_named_before_anything_is_downloaded(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="'roberta-ViT-B-32' needs Hugging Face's transformers: install it with"):
        load("roberta-ViT-B-32", pretrained="laion2b_s12b_b32k")


# ---- activations --------------------------------------------------------------------------------------------------


def test_every_tag_of_every_architecture_is_loadable_under_some_name():
    for name, tag in open_clip.list_pretrained():
        model_cfg = open_clip.get_model_config(name)
        try:
            recipes._check_tags_activation(name, tag, open_clip.get_pretrained_cfg(name, tag), model_cfg)
        except ValueError as error:
            twin = f"{name}-quickgelu"
            assert f"load_clip({twin!r}, pretrained={tag!r})" in str(error)
            assert (twin, tag) in open_clip.list_pretrained() and open_clip.get_model_config(twin)["quick_gelu"]


def test_openais_archive_on_a_gelu_architecture_is_refused(tiny, tmp_path):
    openai_archive(tmp_path / "openai.pt", tiny.state_dict())
    with pytest.raises(ValueError, match=r"trained with QuickGELU, and 'Tiny-8' computes GELU.*'Tiny-8-quickgelu'"):
        load("Tiny-8", pretrained=tmp_path / "openai.pt")


def test_a_configuration_beside_the_weights_decides_on_the_activation(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"quick_gelu": False}}))
    with pytest.raises(ValueError, match=r"trained with GELU, and 'Tiny-8-quickgelu' computes QuickGELU.*'Tiny-8'"):
        load("Tiny-8-quickgelu", pretrained=tmp_path / "w.pt")


def test_openais_weights_saved_again_as_a_plain_state_dict_bring_a_warning(tiny, tmp_path):
    state = {key: value.half().float() for key, value in tiny.state_dict().items()}
    torch.save({**state, "logit_scale": torch.tensor(math.log(100))}, tmp_path / "w.pt")
    with pytest.warns(UserWarning, match=r"looks like OpenAI's weights.*'Tiny-8-quickgelu'"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("Tiny-8-quickgelu", pretrained=tmp_path / "w.pt")


def test_what_was_fine_tuned_from_quickgelu_brings_a_word_and_the_caller_decides(tiny, tmp_path):
    """No half-precision values any more, and nothing in the file that says it."""
    save_pt(tiny, path := tmp_path / "w.pt")
    with pytest.warns(UserWarning, match=r"does not say which activation.*fine-tuned from them, need QuickGELU.*"
                      r"load_clip\('Tiny-8-quickgelu'.*If not: quick_gelu=False says so"):  # fmt: skip
        load("Tiny-8", pretrained=path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("Tiny-8", "Tiny-8-quickgelu"):
            for quick in (False, True):
                clip = load(name, pretrained=path, quick_gelu=quick)
                assert_same(clip, tiny_model(seed=3, quick_gelu=quick, **TOWERS))
                assert clip.name == ("Tiny-8-quickgelu" if quick else "Tiny-8")
        by_name = load("Tiny-8-quickgelu", pretrained=path)
        assert by_name.fingerprint == load("Tiny-8", pretrained=path, quick_gelu=True).fingerprint
        plain = load("Tiny-8", pretrained=path, quick_gelu=False).fingerprint
        assert plain == load("Tiny-8-quickgelu", pretrained=path, quick_gelu=False).fingerprint


def test_the_callers_activation_is_of_files_alone_and_a_bool(tiny, tmp_path):
    save_pt(tiny, path := tmp_path / "w.pt")
    with pytest.raises(ValueError, match="quick_gelu='yes': give True, False, or None"):
        load("Tiny-8", pretrained=path, quick_gelu="yes")
    with pytest.raises(ValueError, match="the published weights of 'toyclip' say their activation"):
        load("toyclip", quick_gelu=True)


def test_a_configuration_that_asks_for_code_from_the_network_is_refused(tiny, tmp_path):
    save_safetensors(tiny, tmp_path / "open_clip_model.safetensors")
    text_cfg = TOWERS["text_cfg"] | {"tokenizer_kwargs": {"trust_remote_code": True}}
    config = {"model_cfg": {"embed_dim": 32, **TOWERS, "text_cfg": text_cfg}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="asks in its open_clip_config.json for code from the network to be run"):
        load(f"local-dir:{tmp_path}")


# ---- files that do not fit ----------------------------------------------------------------------------------------


def test_a_checkpoint_of_another_architecture_names_the_first_difference(tiny, tmp_path):
    other = tiny_model(**{**TOWERS, "vision_cfg": {**TOWERS["vision_cfg"], "patch_size": 16}})
    save_pt(other, tmp_path / "w.pt")
    with pytest.raises(ValueError) as caught:
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    assert "is not a checkpoint of 'Tiny-8'" in str(caught.value)
    assert "'visual.positional_embedding' is (5, 64) in the file and (17, 64) in the model" in str(caught.value)


def test_another_resolution_or_context_is_another_architecture_and_never_resized(tiny, tmp_path):
    save_pt(tiny_model(**{**TOWERS, "text_cfg": {**TOWERS["text_cfg"], "context_length": 32}}), tmp_path / "w.pt")
    with pytest.raises(
        ValueError, match=r"'positional_embedding' is \(32, 64\) in the file and \(77, 64\) in the model"
    ):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_deeper_or_shallower_checkpoint_is_refused(tiny, tmp_path):
    state = tiny.state_dict()
    torch.save({**state, "transformer.resblocks.2.ln_1.weight": torch.ones(64)}, tmp_path / "deeper.pt")
    torch.save({key: value for key, value in state.items() if "resblocks.1" not in key}, tmp_path / "shallower.pt")
    with pytest.raises(ValueError, match=r"'transformer.resblocks.2.ln_1.weight' \(64,\) is in the file only"):
        load("Tiny-8", pretrained=tmp_path / "deeper.pt")
    with pytest.raises(ValueError, match=r"resblocks.1.* is missing \(and \d+ more differences\)"):
        load("Tiny-8", pretrained=tmp_path / "shallower.pt")


@pytest.mark.parametrize(
    ("save", "name"), [(save_pt, "w.pt"), (save_old_pt, "w.pth"), (save_safetensors, "w.safetensors")]
)
@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_a_file_cut_short_is_called_damaged(tiny, tmp_path, save, name, share):
    save(tiny, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"is damaged, cut short, or not a checkpoint: download or save it again"):
        load("Tiny-8", pretrained=tmp_path / name)


def test_one_flipped_byte_is_noticed(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    content = bytearray((tmp_path / "w.pt").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ValueError, match="damaged.*checksum"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_weights_that_are_not_numbers_are_noticed(tiny, tmp_path):
    tiny.ln_final.weight.data[3] = float("nan")
    save_safetensors(tiny, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="'ln_final.weight' holds values that are not finite"):
        load("Tiny-8", pretrained=tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>Not Found", "is a web page"),
        (b"hello world " * 50, "damaged, cut short, or not a checkpoint"),
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_that_is_no_checkpoint_is_called_what_it_is(tiny, tmp_path, content, words, suffix):
    (tmp_path / f"w{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        load("Tiny-8", pretrained=tmp_path / f"w{suffix}")


def test_a_pickle_that_would_run_code_is_refused(tiny, tmp_path):
    torch.save(tiny, tmp_path / "module.pt")
    with pytest.raises(
        ValueError, match=r"more than tensors \(open_clip.model.CLIP\).*run code from the file.*refused"
    ):
        load("Tiny-8", pretrained=tmp_path / "module.pt")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {"a": 1}, {"state_dict": {"a": "b"}}])
def test_a_pickle_of_something_else_is_refused(tiny, tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="holds no state dict"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_plain_state_dict_of_openais_is_known_by_its_extra_entries(tiny, tmp_path):
    torch.save({**tiny.state_dict(), "input_resolution": torch.tensor(32)}, tmp_path / "w.pt")
    assert_same(load("Tiny-8-quickgelu", pretrained=tmp_path / "w.pt"), tiny_model(seed=3, quick_gelu=True, **TOWERS))
    with pytest.raises(ValueError, match="'Tiny-8-quickgelu'"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_broken_configuration_beside_the_weights_is_named(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": ')
    with pytest.raises(ValueError, match="open_clip_config.json' is damaged: it is not JSON"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_little_memory_is_no_damage(tiny, tmp_path, monkeypatch, error):
    def too_small(*args, **kwargs):
        raise error

    save_pt(tiny, tmp_path / "w.pt")
    monkeypatch.setattr(torch, "load", too_small)
    with pytest.raises(MemoryError, match="not enough memory to read '.*w.pt'"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    with pytest.raises(MemoryError, match="not enough memory to read '.*w.pt'"):
        sealed.load_state(tmp_path / "w.pt", "delete it")
