"""A model that learns, copied into one that does not."""

from collections.abc import Callable

import torch
from torch import nn

from lessons_lib.clip.building import build
from lessons_lib.clip.model import Clip


def frozen_copy(
    model: nn.Module,
    cfg: dict,
    preprocess_cfg: dict,
    tokenizer: Callable,
    *,
    name: str = "toyclip",
    device: str | torch.device = "cpu",
    precision: str = "auto",
) -> Clip:
    """The model in training as methods and lessons take it: cfg, preprocess_cfg and tokenizer are what it was made
    with."""
    copy = build(cfg)
    copy.load_state_dict(model.state_dict())
    return Clip(
        copy, tokenizer, name=name, model_cfg=cfg, preprocess_cfg=preprocess_cfg, device=device, precision=precision
    )
