"""A CLIP in the layout of Hugging Face's transformers, `config.json` and `model.safetensors`: its configuration in
open_clip's words. What the file does not say has the default of transformers' CLIPConfig. The weights' names are
`lessons_lib.clip.names`' matter.
"""

from typing import Any

CONFIG_FILE, PREPROCESSOR_FILE = "config.json", "preprocessor_config.json"
WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")
ACTIVATIONS = {"quick_gelu": True, "gelu": False}
SAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
BOTH = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
TEXT = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8,
        "vocab_size": 49408, "max_position_embeddings": 77} | BOTH  # fmt: skip
VISION = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
          "image_size": 224, "patch_size": 32, "num_channels": 3} | BOTH  # fmt: skip


def model_cfg(config: dict[str, Any], name: str) -> dict[str, Any]:
    """open_clip's configuration of the model that `config.json` describes.   name: as the learner asked for it.

    Raises ValueError for a model of another kind, and for what open_clip's CLIP cannot compute.
    """
    kind = config.get("model_type")
    if kind != "clip":
        raise ValueError(
            f"{name!r} holds transformers' {kind!r}, of which only 'clip' is read: take open_clip's weights"
        )
    text, vision = TEXT | _part(config, "text_config", name), VISION | _part(config, "vision_config", name)
    unread = [
        f"{key} = {part[key]!r}"
        for part, key, read in (
            (text, "hidden_act", tuple(ACTIVATIONS)),
            (vision, "hidden_act", (text["hidden_act"],)),
            (text, "layer_norm_eps", (1e-5,)),
            (vision, "layer_norm_eps", (1e-5,)),
            (text, "vocab_size", (49408,)),  # another one has another tokenizer
            (vision, "num_channels", (3,)),
        )
        if part[key] not in read
    ]
    if unread:
        raise ValueError(f"{name!r} differs from CLIP in a way that is not read: {', '.join(unread)}")
    try:
        width = vision["hidden_size"]
        towers = {
            "vision_cfg": {
                "image_size": vision["image_size"],
                "layers": vision["num_hidden_layers"],
                "width": width,
                "head_width": width // vision["num_attention_heads"],
                "patch_size": vision["patch_size"],
                "mlp_ratio": vision["intermediate_size"] / width,
            },
            "text_cfg": {
                "context_length": text["max_position_embeddings"],
                "vocab_size": text["vocab_size"],
                "width": text["hidden_size"],
                "heads": text["num_attention_heads"],
                "layers": text["num_hidden_layers"],
                "mlp_ratio": text["intermediate_size"] / text["hidden_size"],
            },
        }
    except (TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{name!r} has a {CONFIG_FILE} with sizes that are no numbers ({error})") from error
    quick = {"quick_gelu": True} if ACTIVATIONS[text["hidden_act"]] else {}
    return {"embed_dim": config.get("projection_dim", 512)} | towers | quick


def preprocess_cfg(config: dict[str, Any], name: str) -> dict[str, Any]:
    """open_clip's transform, as `preprocessor_config.json` describes it. Raises ValueError for a way to sample that is
    not read."""
    sampling = config.get("resample", 3)
    if sampling not in SAMPLING:
        raise ValueError(f"{name!r} resizes pictures in a way that is not read: resample = {sampling!r}")
    said = {ours: config[theirs] for ours, theirs in (("mean", "image_mean"), ("std", "image_std")) if theirs in config}
    return {"interpolation": SAMPLING[sampling], "resize_mode": "shortest"} | said


def _part(config: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    """What is said of a tower; older files say it a second time, as `text_config_dict`, which then counts."""
    found = {}
    for key in (part, f"{part}_dict"):
        said = config.get(key) or {}
        if not isinstance(said, dict):
            raise ValueError(f"{name!r} has a {CONFIG_FILE} whose {key} is no object")
        found |= said
    return found
