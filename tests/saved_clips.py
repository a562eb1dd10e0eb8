"""CLIPs on disk in every form that their weights come in, for the tests of loading them."""

import json
import shutil
import warnings

import torch
from safetensors.torch import save_file
from tiny_clip import tiny_config

from lessons_lib.clip import load_clip

# One attention head in 64: the shape that OpenAI's own loader takes for granted.
TOWERS = {
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2},
}
IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TEXTS = ["a photo of a cat.", "dog"]


def load(*args, **kwargs):
    return load_clip(*args, **{"device": "cpu", "verbose": False, **kwargs})


def assert_same(clip, model) -> None:
    assert torch.allclose(clip.encode_images(IMAGES), model.encode_image(IMAGES, normalize=True), atol=1e-5)
    texts = model.encode_text(clip.tokenizer(TEXTS), normalize=True)
    assert torch.allclose(clip.encode_texts(TEXTS), texts, atol=1e-5)


def in_hub_cache(root, repo: str, files: dict) -> None:
    """Lays files out as Hugging Face's cache does. files: name -> path to copy, or a dictionary to write as JSON."""
    folder = root / "hub" / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / "0" / "x"
    snapshot.parent.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0")
    for name, content in files.items():
        target = snapshot.with_name(name)
        target.write_text(json.dumps(content)) if isinstance(content, dict) else shutil.copy(content, target)


def openai_archive(path, state: dict) -> None:
    """Half-precision weights in a TorchScript archive with OpenAI's three extra integers."""
    extras = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}
    root = torch.nn.Module()
    for key, value in {**state, **{name: torch.tensor(number) for name, number in extras.items()}}.items():
        *parents, leaf = key.split(".")
        module = root
        for parent in parents:
            if not hasattr(module, parent):
                module.add_module(parent, torch.nn.Module())
            module = getattr(module, parent)
        module.register_buffer(leaf, value.half() if value.is_floating_point() else value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(root).save(path)


def save_pt(model, path):
    torch.save(model.state_dict(), path)


def save_old_pt(model, path):
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False)


def save_safetensors(model, path):
    save_file(model.state_dict(), path)


def save_training_checkpoint(model, path):
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    torch.save({"epoch": 3, "name": "run", "state_dict": state, "optimizer": {"state": {}}}, path)


def hub_files(tmp_path, model) -> dict:
    save_safetensors(model, tmp_path / "w.safetensors")
    config = {"model_cfg": tiny_config(**TOWERS), "preprocess_cfg": {"mean": [0.4] * 3, "std": [0.6] * 3}}
    return {"open_clip_config.json": config, "open_clip_model.safetensors": tmp_path / "w.safetensors"}
