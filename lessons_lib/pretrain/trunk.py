"""The trunk of a CLIP: its image tower before the projection into the joint space. Probes and neighbours of what a
pre-training taught are taken there, since a picture's own supervision (SimCLR) never trains the projection.

A trunk is a `Clip` without texts, so whatever reads images alone takes it: `LinearProbe`, `image_features`,
`metrics.retrieval.neighbours`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from lessons_lib.clip import Clip
from lessons_lib.clip.building import build, make_tokenizer
from lessons_lib.files import atomic_write, expanded, from_json
from lessons_lib.sealed import load, to_bytes

NO_TEXT = {"context_length": 1, "vocab_size": 1, "width": 8, "heads": 1, "layers": 1}


class Trunk(Clip):
    """Reads images alone: `encode_images` gives unit vectors (N, d_v)."""

    def tokenize(self, texts: str | Sequence[str]) -> Tensor:
        raise ValueError("a trunk has no texts: ask the whole CLIP")


def trunk_of(clip: Clip) -> Trunk:
    """Its image tower alone, a copy: images become unit vectors (N, d_v). Raises ValueError for towers that end in no
    projection."""
    return _made(_about(clip), clip.model.visual.state_dict(), str(clip.device), clip.precision)


def save_trunk(clip: Clip, path: str | Path) -> None:
    """Writes the image tower's weights in float16, and what they are of: no text tower, and nothing that was learned
    beside the model. Raises as `trunk_of` does."""
    weights = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in clip.model.visual.state_dict().items()
        if name != "proj"
    }
    atomic_write(expanded(path), to_bytes(weights, {"trunk": json.dumps(_about(clip))}))


def load_trunk(path: str | Path, device: str = "auto", precision: str = "auto") -> Trunk:
    """What `save_trunk` wrote. Raises FileNotFoundError where there is none, and ValueError for what is damaged or
    something else."""
    path = expanded(path)
    try:
        weights, about = load(path)
        return _made(from_json(about["trunk"]), weights, device, precision)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"'{path}' is damaged, or holds no trunk ({said}): write it again with save_trunk") from error


def _about(clip: Clip) -> dict:
    _ = clip.image_tower.projection  # or an error
    config = clip.transforms.config
    model_cfg = {name: value for name, value in clip.model_cfg.items() if name != "text_cfg"}
    return {
        "name": f"the trunk of {clip.name}",
        "model_cfg": {**model_cfg, "embed_dim": clip.image_tower.width, "text_cfg": NO_TEXT},
        "preprocess_cfg": {"mean": config.mean, "std": config.std, "interpolation": config.interpolation},
    }


def _made(about: dict, weights: Mapping[str, Tensor], device: str, precision: str) -> Trunk:
    model = build(about["model_cfg"])
    model.visual.proj = None
    model.visual.load_state_dict({name: tensor for name, tensor in weights.items() if name != "proj"})
    tokenizer = make_tokenizer(about["name"], about["model_cfg"])
    return Trunk(model, tokenizer, **about, device=device, precision=precision)
