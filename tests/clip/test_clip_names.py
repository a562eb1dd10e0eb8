"""CLIP's weights in other clothes are read: wrapped names, transformers' names, training checkpoints that hold more."""

import argparse
import json

import open_clip
import pytest
import torch
from saved_clips import TOWERS, assert_same, hub_files, in_hub_cache, load, save_safetensors
from tiny_clip import tiny_model

from lessons_lib.clip import building, names, transformers_layout

pytestmark = [
    pytest.mark.usefixtures("empty_caches"),
    pytest.mark.filterwarnings("ignore:.*does not say which activation"),  # where it is not what is tested
]


def as_transformers(model) -> dict[str, torch.Tensor]:
    """The weights as transformers' `CLIPModel.state_dict()` has them, written out name by name."""
    state, found = model.state_dict(), {"logit_scale": model.logit_scale.data}
    found["visual_projection.weight"] = state["visual.proj"].t().clone()
    found["text_projection.weight"] = state["text_projection"].t().clone()
    found["vision_model.embeddings.class_embedding"] = state["visual.class_embedding"]
    found["vision_model.embeddings.patch_embedding.weight"] = state["visual.conv1.weight"]
    found["vision_model.embeddings.position_embedding.weight"] = state["visual.positional_embedding"]
    found["vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    found["text_model.embeddings.token_embedding.weight"] = state["token_embedding.weight"]
    found["text_model.embeddings.position_embedding.weight"] = state["positional_embedding"]
    found["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    for part in ("weight", "bias"):
        found[f"vision_model.pre_layrnorm.{part}"] = state[f"visual.ln_pre.{part}"]
        found[f"vision_model.post_layernorm.{part}"] = state[f"visual.ln_post.{part}"]
        found[f"text_model.final_layer_norm.{part}"] = state[f"ln_final.{part}"]
        for theirs, ours in (("vision_model", "visual.transformer"), ("text_model", "transformer")):
            for layer in range(2):
                to, of = f"{theirs}.encoder.layers.{layer}", f"{ours}.resblocks.{layer}"
                three = state[f"{of}.attn.in_proj_{part}"].chunk(3)
                for letter, third in zip("qkv", three):
                    found[f"{to}.self_attn.{letter}_proj.{part}"] = third.clone()
                found[f"{to}.self_attn.out_proj.{part}"] = state[f"{of}.attn.out_proj.{part}"]
                found[f"{to}.layer_norm1.{part}"] = state[f"{of}.ln_1.{part}"]
                found[f"{to}.layer_norm2.{part}"] = state[f"{of}.ln_2.{part}"]
                found[f"{to}.mlp.fc1.{part}"] = state[f"{of}.mlp.c_fc.{part}"]
                found[f"{to}.mlp.fc2.{part}"] = state[f"{of}.mlp.c_proj.{part}"]
    return found


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "clip.", "_orig_mod.module.", "module.model.clip.", "student."]
)
def test_wrapped_names_are_unwrapped(tiny, tmp_path, prefix):
    state = {prefix + name: tensor for name, tensor in tiny.state_dict().items()}
    torch.save({"epoch": 1, "model": state}, tmp_path / "w.pt")
    assert_same(load("Tiny-8", pretrained=tmp_path / "w.pt"), tiny)


def test_parts_that_were_compiled_by_themselves_are_unwrapped(tiny, tmp_path):
    state = {name.replace("visual.", "visual._orig_mod."): tensor for name, tensor in tiny.state_dict().items()}
    torch.save(state, tmp_path / "w.pt")
    assert_same(load("Tiny-8", pretrained=tmp_path / "w.pt"), tiny)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_transformers_names_are_read(tiny, tmp_path, prefix):
    torch.save({prefix + n: t for n, t in as_transformers(tiny).items()}, tmp_path / "pytorch_model.bin")
    assert_same(load("Tiny-8", pretrained=tmp_path / "pytorch_model.bin"), tiny)


def test_transformers_names_into_a_model_whose_text_tower_is_a_module(tiny, tmp_path):
    """The same names, put where `custom_text` architectures have them."""
    from open_clip.model import convert_to_custom_text_state_dict

    found = names.in_open_clips(as_transformers(tiny))
    wanted = tiny.state_dict()
    assert found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert "text.transformer.resblocks.0.attn.in_proj_weight" in convert_to_custom_text_state_dict(found)


@pytest.mark.parametrize(("config", "quick"), [({}, True), ({"vision_config": {"hidden_act": "gelu"}}, False)])
def test_transformers_configuration_says_the_activation(tiny, tmp_path, config, quick):
    torch.save(as_transformers(tiny), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", **config}))
    right, wrong = ("Tiny-8-quickgelu", "Tiny-8") if quick else ("Tiny-8", "Tiny-8-quickgelu")
    path = tmp_path / "pytorch_model.bin"
    assert_same(load(right, pretrained=path), tiny_model(seed=3, quick_gelu=quick, **TOWERS))
    with pytest.raises(ValueError, match="would load and be wrong without a word"):
        load(wrong, pretrained=path)


def test_queries_without_keys_are_missing_and_no_traceback(tiny, tmp_path):
    state = as_transformers(tiny)
    del state["vision_model.encoder.layers.1.self_attn.k_proj.weight"]
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"'visual.transformer.resblocks.1.attn.in_proj_weight' .* is missing"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_training_checkpoint_that_holds_more_than_tensors_is_read(tiny, tmp_path):
    """A schedule, arguments: weights_only refuses them; the tensors beside them are data all the same."""
    optimizer = torch.optim.SGD(tiny.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    more = {
        "scheduler": {"successor": schedule},
        "args": argparse.Namespace(lr=0.1),
        "optimizer": optimizer.state_dict(),
    }
    torch.save({"state_dict": tiny.state_dict(), "epoch": 3, **more}, tmp_path / "w.pth.tar")
    assert_same(load("Tiny-8", pretrained=tmp_path / "w.pth.tar"), tiny)


def test_parameters_are_read_as_their_tensors(tiny, tmp_path):
    state = dict(tiny.named_parameters()) | dict(tiny.named_buffers())
    torch.save({"state_dict": {n: t for n, t in state.items() if n in tiny.state_dict()}, "args": argparse.Namespace()},
               tmp_path / "w.pt")  # fmt: skip
    assert_same(load("Tiny-8", pretrained=tmp_path / "w.pt"), tiny)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {**{f"student.{n}": t for n, t in s.items()}, **{f"teacher.{n}": t for n, t in s.items()}},
         r"holds several CLIPs, under 'student.', 'teacher.': save the state_dict\(\) of one alone"),
        (lambda s: {**{f"clip.{n}": t for n, t in s.items()}, "head.weight": torch.zeros(2, 2)},
         "holds a CLIP under 'clip.' and 1 more tensors, such as 'head.weight', which would be lost"),
        (lambda s: {**s, "_orig_mod.visual.proj": s["visual.proj"]}, "holds 'visual.proj' twice"),
        (lambda s: {f"base_model.model.q_proj.lora_{part}.weight": torch.zeros(2, 2) for part in "AB"},
         "holds LoRA's changes, .*merge them"),
        (lambda s: {"ctx": torch.zeros(4, 64), "token_prefix": torch.zeros(2, 1, 64)},
         "holds learned prompts, not CLIP's weights: load_method"),
        (lambda s: {**as_transformers_siglip(), "logit_scale": torch.zeros(1)}, "SigLIP's weights under transformers'"),
    ],
)  # fmt: skip
def test_what_is_truly_something_else_is_told_what_it_is(tiny, tmp_path, change, words):
    torch.save(change(tiny.state_dict()), tmp_path / "w.pt")
    with pytest.raises(ValueError, match=words) as caught:
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    assert "damaged" not in str(caught.value)


def as_transformers_siglip() -> dict[str, torch.Tensor]:
    return {
        "vision_model.head.probe": torch.zeros(1, 1, 8),
        "vision_model.embeddings.patch_embedding.bias": torch.zeros(8),
    }


def test_a_pickle_with_code_beside_the_tensors_is_read_unrun(tiny, tmp_path):
    class Writes:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"state_dict": tiny.state_dict(), "more": Writes()}, tmp_path / "w.pt")
    assert_same(load("Tiny-8", pretrained=tmp_path / "w.pt"), tiny)
    torch.save({"state_dict": Writes()}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="holds no state dict"):
        load("Tiny-8", pretrained=tmp_path / "other.pt")
    assert not (tmp_path / "ran").exists()


def test_a_legacy_file_with_code_is_refused_and_not_called_damaged(tmp_path, tiny):
    torch.save({"state_dict": tiny.state_dict(), "args": argparse.Namespace()}, tmp_path / "w.pt",
               _use_new_zipfile_serialization=False)  # fmt: skip
    with pytest.raises(ValueError, match=r"holds more than tensors \(argparse.Namespace\)") as caught:
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    assert "damaged" not in str(caught.value)


def test_a_folder_that_transformers_wrote_is_read(tiny, tmp_path):
    torch.save(as_transformers(tiny), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": {"hidden_act": "gelu"}}))
    assert_same(load("Tiny-8", pretrained=tmp_path), tiny)
    (tmp_path / "pytorch_model.bin").unlink()
    with pytest.raises(FileNotFoundError, match="is a folder without model.safetensors, pytorch_model.bin.*give the"):
        load("Tiny-8", pretrained=tmp_path)


def test_safetensors_of_transformers_are_read(tiny, tmp_path):
    from safetensors.torch import save_file

    save_file(
        {name: tensor.contiguous() for name, tensor in as_transformers(tiny).items()}, tmp_path / "model.safetensors"
    )
    assert_same(load("Tiny-8", pretrained=tmp_path / "model.safetensors"), tiny)
    save_safetensors(tiny, tmp_path / "w.safetensors")
    assert_same(load("Tiny-8", pretrained=tmp_path / "w.safetensors"), tiny)


# --- repositories and folders with transformers' configuration alone

CONFIG = {
    "model_type": "clip", "projection_dim": 32,
    "text_config": {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 1,
                    "hidden_act": "gelu"},
    "vision_config": {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 1,
                      "image_size": 32, "patch_size": 8, "hidden_act": "gelu"},
}  # fmt: skip
PICTURES = {"image_mean": [0.4] * 3, "image_std": [0.6] * 3, "resample": 3}


def transformers_files(tmp_path, model) -> dict:
    torch.save(as_transformers(model), tmp_path / "w.bin")
    return {"config.json": CONFIG, "preprocessor_config.json": PICTURES, "pytorch_model.bin": tmp_path / "w.bin"}


def test_a_hub_repository_of_transformers_is_loaded_by_its_own_configuration(tiny, tmp_path):
    in_hub_cache(tmp_path, "someone/theirs", transformers_files(tmp_path, tiny))
    clip = load("hf-hub:someone/theirs")
    assert_same(clip, tiny)
    assert tuple(clip.image_mean) == (0.4, 0.4, 0.4) and not clip.model_cfg.get("quick_gelu")


def test_a_repository_in_both_layouts_is_read_as_open_clips(tiny, tmp_path):
    in_hub_cache(
        tmp_path, "someone/both", transformers_files(tmp_path, tiny_model(1, **TOWERS)) | hub_files(tmp_path, tiny)
    )
    assert_same(load("hf-hub:someone/both"), tiny)


def test_a_folder_of_transformers_is_loaded_by_its_own_configuration(tiny, tmp_path):
    for name, content in transformers_files(tmp_path, tiny).items():
        target = tmp_path / name
        target.write_text(json.dumps(content)) if isinstance(content, dict) else content.rename(target)
    assert_same(load(f"local-dir:{tmp_path}"), tiny)
    (tmp_path / "pytorch_model.bin").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"must hold open_clip_config.json and .*; or config.json and model.saf"
    ):
        load(f"local-dir:{tmp_path}")


def test_what_transformers_configuration_leaves_out_is_vit_b_32_with_quick_gelu():
    cfg = transformers_layout.model_cfg({"model_type": "clip", "projection_dim": 512}, "x")
    theirs = open_clip.get_model_config("ViT-B-32-quickgelu")
    assert _shapes(cfg) == _shapes(theirs) and cfg["quick_gelu"]


def _shapes(cfg: dict) -> dict:
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in building.build(cfg).state_dict().items()}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "siglip"}, "holds transformers' 'siglip', of which only 'clip' is read"),
        ({"text_config": {"hidden_act": "relu"}}, "hidden_act = 'relu'"),
        ({"vision_config": {"hidden_act": "gelu"}, "text_config": {}}, "hidden_act = 'gelu'"),
        ({"text_config": {"vocab_size": 30522}}, "vocab_size = 30522"),
        ({"vision_config": {"layer_norm_eps": 1e-6}}, "layer_norm_eps = 1e-06"),
        ({"text_config": {"hidden_size": "many"}}, "sizes that are no numbers"),
        ({"text_config": [1]}, "text_config is no object"),
    ],
)
def test_what_differs_from_clip_is_refused_by_name(changes, words):
    with pytest.raises(ValueError, match=words):
        transformers_layout.model_cfg({"model_type": "clip"} | changes, "hf-hub:a/b")


def test_a_way_to_sample_that_is_not_read_is_refused():
    with pytest.raises(ValueError, match="resample = 0"):
        transformers_layout.preprocess_cfg({"resample": 0}, "hf-hub:a/b")
