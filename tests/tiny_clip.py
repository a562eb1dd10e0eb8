"""A CLIP small enough to build in every test: random weights, both towers as in ViT-B/16 or RN50, only thin."""

import torch
from open_clip.tokenizer import SimpleTokenizer

from lessons_lib.clip import Clip
from lessons_lib.clip.audio_files import as_clip, with_audio
from lessons_lib.clip.building import build


def tiny_config(*, vision: str = "vit", quick_gelu: bool = False, context_length: int = 77, **changes) -> dict:
    """vision: "vit" (32 px, patch 8), "resnet" (32 px, one block a stage) or "groups" (GroupViT's, 16 patches into 5
    groups into 3); `changes` override top-level keys."""
    towers = {
        "vit": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
        "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
        "groups": {"image_size": 32, "layers": [1, 1, 1], "groups": [5, 3], "width": 32, "head_width": 16,
                   "patch_size": 8, "projector": 24},
    }  # fmt: skip
    text = {"context_length": context_length, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 3}
    cfg = {"embed_dim": 32, "vision_cfg": towers[vision], "text_cfg": text}
    return {**cfg, **({"quick_gelu": True} if quick_gelu else {}), **changes}


def tiny_model(seed: int = 0, **settings) -> torch.nn.Module:
    """open_clip's module for `tiny_config`, with weights that depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(tiny_config(**settings)).eval()


def tiny_clip(seed: int = 0, *, device: str = "cpu", precision: str = "fp32", **settings) -> Clip:
    """The same as a `Clip`."""
    cfg = tiny_config(**settings)
    tokenizer = SimpleTokenizer(context_length=cfg["text_cfg"]["context_length"])
    return Clip(tiny_model(seed, **settings), tokenizer, name="tiny", model_cfg=cfg, device=device, precision=precision)


def tiny_groupvit(seed: int = 0, **settings) -> Clip:
    """A GroupViT: a CLIP whose image tower makes groups."""
    return tiny_clip(seed, vision="groups", **settings)


def tiny_audioclip(seed: int = 0, **settings) -> Clip:
    """One that hears as well, by a tower of two stages of four and eight channels."""
    clip = tiny_clip(seed, **settings)
    return as_clip(with_audio(clip, {"width": 4, "layers": [1, 1]}, seed=seed), clip)
