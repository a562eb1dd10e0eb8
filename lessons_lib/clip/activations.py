"""QuickGELU or GELU: the activation that weights were trained with, of which their shapes say nothing."""

import math
import warnings

import torch

from lessons_lib.clip.checkpoints import Checkpoint


def check_activation(checkpoint: Checkpoint, name: str, model_cfg: dict, variants: list[str]) -> None:
    """QuickGELU and GELU share one set of shapes, so the wrong one loads and is silently worse.

    variants: names of the architectures that exist, to name the right one.
    Raises ValueError when the file says which it is and `name` is the other; warns when it does not say and `name` has
    a twin that computes QuickGELU. Nothing in the weights tells: with ToyCLIP, where it could be measured, the loss on
    drawn pictures is the same under either within twice its error, whichever it was trained with.
    """
    ours = bool(model_cfg.get("quick_gelu", False))
    twin = name.removesuffix("-quickgelu") if ours else f"{name}-quickgelu"
    fix = f"load_clip({twin!r}, pretrained='{checkpoint.path}')" if twin in variants else "the other activation"
    words = {True: "QuickGELU", False: "GELU"}
    if checkpoint.quick_gelu is not None and checkpoint.quick_gelu != ours:
        raise ValueError(
            f"'{checkpoint.path}' was trained with {words[not ours]}, and {name!r} computes {words[ours]}: "
            f"it would load and be wrong without a word. Use {fix}"
        )
    if checkpoint.quick_gelu is None and not ours and twin in variants:
        openai = _looks_like_openai(checkpoint.tensors)
        looks = ", and looks like OpenAI's weights (half-precision values, logit scale 100)" if openai else ""
        warnings.warn(
            f"'{checkpoint.path}' does not say which activation it was trained with{looks}. OpenAI's weights, and what "
            f"was fine-tuned from them, need QuickGELU; {name!r} computes GELU, with which they load and are worse. If "
            f"they are such: {fix}. If not: quick_gelu=False says so",
            stacklevel=3,
        )


def _looks_like_openai(tensors: dict[str, torch.Tensor]) -> bool:
    scale, weight = tensors.get("logit_scale"), tensors.get("transformer.resblocks.0.mlp.c_fc.weight")
    if scale is None or weight is None or abs(float(scale) - math.log(100)) > 1e-3:
        return False
    return bool((weight.half().float() == weight.float()).all())
