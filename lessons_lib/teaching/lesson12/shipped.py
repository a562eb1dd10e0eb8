"""The GroupViT that ships: a CLIP of its own, in a file of a few megabytes.

Two thirds of so small a CLIP are vectors of tokens that ToyWorld's captions never say. So the file holds those that
they do say, by their number, and all the rest of the model; what was never said is as ToyCLIP has it, and never read.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from lessons_lib.clip.building import build, make_tokenizer
from lessons_lib.clip.model import Clip
from lessons_lib.files import atomic_write
from lessons_lib.sealed import load, to_bytes
from lessons_lib.teaching import trained_models

if TYPE_CHECKING:
    from lessons_lib.clip.grouping import GroupingCLIP

NAME, TOKENS, SAID, ROWS = "groupvit", "token_embedding.weight", "said", "token_rows"


def keep(
    model: "GroupingCLIP", cfg: dict[str, Any], preprocess: dict[str, Any], said: Iterable[int], about: dict[str, Any],
    folder: Path = trained_models.TRAINED,
) -> Path:  # fmt: skip
    """Writes weights (16 bits) and their page. said: the tokens that texts may hold. Returns the weights' path."""
    state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    rows = torch.tensor(sorted(set(said)))
    state[ROWS], state[SAID] = state.pop(TOKENS)[rows], rows
    tensors = {n: (t.half() if t.is_floating_point() else t).contiguous() for n, t in state.items()}
    path = folder / f"{NAME}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    header = {"model_cfg": json.dumps(cfg), "preprocess_cfg": json.dumps(preprocess)}
    return trained_models.with_page(atomic_write(path, to_bytes(tensors, header)), about)


def groupvit(clip: Clip, folder: Path = trained_models.TRAINED) -> Clip:
    """The shipped GroupViT, on the device of ToyCLIP, `clip`. Raises as `trained_models.about` does, and ValueError
    where the file is damaged or `clip` is another CLIP."""
    trained_models.about(NAME, folder)
    path = trained_models.path_of(NAME, folder)
    try:
        state, header = load(path)
        cfg, preprocess = (json.loads(header[key]) for key in ("model_cfg", "preprocess_cfg"))
        rows, said = state.pop(ROWS), state.pop(SAID)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"'{path}' is damaged ({error}): install the package anew") from None
    model, tokens = build(cfg), _tokens_of(clip, cfg)
    tokens[said] = rows.float()
    model.load_state_dict({n: t.float() if t.is_floating_point() else t for n, t in state.items()} | {TOKENS: tokens})
    return Clip(model, make_tokenizer(NAME, cfg), name=NAME, model_cfg=cfg, preprocess_cfg=preprocess,
                device=clip.device, precision=clip.precision)  # fmt: skip


def _tokens_of(clip: Clip, cfg: dict[str, Any]) -> Tensor:
    """(vocabulary, d), a copy."""
    tokens, text = clip.model.state_dict().get(TOKENS), cfg["text_cfg"]
    if tokens is None or tokens.shape != (text["vocab_size"], text["width"]):
        raise ValueError(f"the shipped GroupViT was made from ToyCLIP: give load_clip('toyclip'), not {clip.name}")
    return tokens.detach().float().cpu().clone()
