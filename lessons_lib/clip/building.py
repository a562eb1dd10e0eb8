"""open_clip models and tokenizers from a configuration, the dictionary with `embed_dim`, `vision_cfg`, `text_cfg`."""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from copy import deepcopy

import open_clip
import torch
from huggingface_hub import try_to_load_from_cache
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, SimpleTokenizer
from torch import nn

from lessons_lib.clip.audio import AudioCLIP
from lessons_lib.clip.downloads import hub_cache
from lessons_lib.clip.grouping import GroupingCLIP
from lessons_lib.files import in_bytes

PLAIN = (bool, int, float, str, tuple)
COMPUTES = (  # what a module has beside its weights that changes what it computes
    "num_heads", "eps", "image_size", "patch_size", "pool_type", "text_pool_type", "final_ln_after_pool", "eos_id",
    "text_eos_id", "pad_id", "use_pad_mask", "context_length", "heads", "assignment",
)  # fmt: skip


def content_of(model: nn.Module) -> str:
    """Hex digest of weights and of what is computed with them: kinds of layers, heads, sizes, pooling. A configuration
    that says a default aloud, or in other words, makes the same model, and so the same digest."""
    digest = hashlib.sha256()
    for name, module in model.named_modules():
        found = [(known, getattr(module, known)) for known in COMPUTES if isinstance(vars(module).get(known), PLAIN)]
        digest.update(f"{name} {type(module).__name__} {found}".encode())
    return _with_weights(digest, model)


def content_as_before(model: nn.Module, model_cfg: dict) -> str:
    """What `content_of` was until November 2026: of the configuration's words. Methods saved until then hold it."""
    return _with_weights(hashlib.sha256(json.dumps(model_cfg, sort_keys=True, default=str).encode()), model)


def _with_weights(digest, model: nn.Module) -> str:
    for name, tensor in model.state_dict().items():
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def build(model_cfg: dict) -> nn.Module:
    """An open_clip model with random weights; nothing is downloaded for its towers. One whose image tower has "groups"
    is a `GroupingCLIP`, one with an "audio_cfg" an `AudioCLIP`."""
    cfg = deepcopy(model_cfg)
    if "audio_cfg" in cfg:
        return AudioCLIP(**cfg)
    if "groups" in cfg["vision_cfg"]:
        return GroupingCLIP(**cfg)
    if "timm_model_name" in cfg["vision_cfg"]:
        cfg["vision_cfg"]["timm_model_pretrained"] = False
    if "hf_model_name" in cfg["text_cfg"]:
        cfg["text_cfg"]["hf_model_pretrained"] = False
    custom_text = cfg.pop("custom_text", False) or "hf_model_name" in cfg["text_cfg"]
    if not custom_text:
        return CLIP(**cfg)
    return CoCa(**cfg) if "multimodal_cfg" in cfg else CustomTextCLIP(**cfg)


def size_in_words(model_cfg: dict) -> str:
    """The size of the architecture's weights in float32, "about 599 MB", without making them."""
    if "hf_model_name" in model_cfg["text_cfg"]:
        return "of unknown size"  # its text tower's configuration is itself a download
    with torch.device("meta"):
        tensors = build(model_cfg).state_dict().values()
    return f"about {in_bytes(4 * sum(tensor.numel() for tensor in tensors))}"


def make_tokenizer(name: str, model_cfg: dict) -> Callable:
    """open_clip's tokenizer for a model: CLIP's own, or one from Hugging Face where the configuration asks for it.

    Raises ImportError or ConnectionError, with what to do, when that one is not to be had.
    """
    text_cfg = model_cfg["text_cfg"]
    foreign = text_cfg.get("hf_tokenizer_name")
    if foreign is None:
        length = text_cfg.get("context_length", DEFAULT_CONTEXT_LENGTH)
        return SimpleTokenizer(context_length=length, **text_cfg.get("tokenizer_kwargs", {}))
    _need_transformers(name)
    if try_to_load_from_cache(foreign, "tokenizer_config.json", cache_dir=hub_cache()) is None:
        print(f"Fetching the tokenizer of {name} ({foreign}; a few MB) into '{hub_cache()}'")
    try:
        return open_clip.get_tokenizer(name)
    except OSError as error:
        raise ConnectionError(
            f"the tokenizer of {name!r} ({foreign}) is not in Hugging Face's cache '{hub_cache()}' "
            f"and cannot be fetched: {str(error)[:200]}"
        ) from error


def check_packages(name: str, model_cfg: dict) -> None:
    """Raises ImportError, before anything is downloaded, when a model needs a package that is not installed."""
    if "hf_model_name" in model_cfg["text_cfg"] or model_cfg["text_cfg"].get("hf_tokenizer_name"):
        _need_transformers(name)


def _need_transformers(name: str) -> None:
    if importlib.util.find_spec("transformers") is None:
        raise ImportError(f"{name!r} needs Hugging Face's transformers: install it with  pip install transformers")
