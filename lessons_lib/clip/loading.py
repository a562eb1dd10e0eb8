"""`load_clip`: one call for the embedded ToyCLIP, any open_clip model, and any checkpoint."""

from pathlib import Path

import open_clip
import torch

from lessons_lib.clip.activations import check_activation
from lessons_lib.clip.building import build, make_tokenizer
from lessons_lib.clip.checkpoints import fit_weights, read_checkpoint
from lessons_lib.clip.model import Clip
from lessons_lib.clip.recipes import TOYCLIP, find, with_activation
from lessons_lib.device import name_of, precision_name, resolve_device, resolve_precision


def load_clip(
    name: str = TOYCLIP,
    pretrained: str | Path | None = None,
    *,
    device: str | torch.device = "auto",
    precision: str = "auto",
    quick_gelu: bool | None = None,
    verbose: bool = True,
) -> Clip:
    """A frozen CLIP, ready to encode.

    name: "toyclip" (embedded, needs no network); an open_clip architecture such as "ViT-B-16-quickgelu";
        "hf-hub:organisation/repository", in open_clip's layout or transformers'; "local-dir:folder" for such a
        repository on disk.
    pretrained: for an architecture, one of its tags ("openai", "laion2b_s34b_b88k", …) or the path of a checkpoint
        (open_clip's or transformers' .pt, .bin or .safetensors, the folder of such a file, or OpenAI's own archive);
        for "toyclip", a checkpoint of your own.
    device: "auto", "cpu", or as `resolve_device` has it.   precision: "auto", "fp32", "bf16", "fp16" (autocast).
    quick_gelu: for a checkpoint's path, whether its weights were trained with QuickGELU, as OpenAI's were and all that
        was fine-tuned from them. None: as the name says, with a warning where the file does not say it too.
    verbose: print one line that says what was loaded, and what "auto" chose.

    Raises ValueError for an unknown name or tag (with the nearest ones), for a checkpoint that is damaged, of another
    architecture or of another activation, and for a device that is not there; FileNotFoundError for a path that does
    not exist; ConnectionError, with what to do by hand, when weights are not on this machine and cannot be fetched.
    """
    target = resolve_device(device)
    dtype = resolve_precision(precision, target)
    recipe = find(str(name), None if pretrained is None else str(pretrained))
    if quick_gelu is not None:
        recipe = with_activation(recipe, quick_gelu)
    tokenizer = make_tokenizer(recipe.name, recipe.model_cfg)
    checkpoint = read_checkpoint(recipe.weights)
    preprocess_cfg = recipe.preprocess_cfg
    if recipe.learners_own:
        if quick_gelu is None:
            check_activation(checkpoint, recipe.name, recipe.model_cfg, open_clip.list_models())
        preprocess_cfg = checkpoint.preprocess_cfg or preprocess_cfg
    model = build(recipe.model_cfg)
    fit_weights(model, checkpoint, recipe.name)
    clip = Clip(
        model,
        tokenizer,
        name=recipe.name,
        model_cfg=recipe.model_cfg,
        preprocess_cfg=preprocess_cfg,
        device=target,
        precision=precision_name(dtype),
    )
    if verbose:
        chosen = [what for what, asked in (("device", device), ("precision", precision)) if str(asked) == "auto"]
        print(_summary(clip, chosen))
    return clip


def _summary(clip: Clip, chosen: list[str]) -> str:
    millions = sum(parameter.numel() for parameter in clip.model.parameters()) / 1e6
    where = name_of(clip.device)
    automatic = f" ({' and '.join(chosen)} chosen automatically)" if chosen else ""
    size = f"{millions:.1f} M parameters, {clip.image_size} px images"
    return f"{clip.name}: {size}, on {where} in {clip.precision}{automatic}"
