"""The prompts that the authors of CoOp, CoCoOp and MaPLe release, as methods of this library.

A file of theirs holds the state dict of the prompt learner (CoOp, CoCoOp) or of the whole model (MaPLe):
    ctx                                  the context, (M, d), or (C, M, d) where class-specific
    token_prefix, token_suffix           embeddings of the words before and behind it, of the classes of the training
    meta_net.linear1, meta_net.linear2   CoCoOp's π
    compound_prompts_text.j              MaPLe's P_2 … P_J
    proj, compound_prompt_projections.j  MaPLe's F_1, F_2 … F_J
(trainers/coop.py and cocoop.py of github.com/KaiyangZhou/CoOp, trainers/maple.py of
github.com/muzairkhattak/multimodal-prompt-learning). It says neither the class names nor where the name stands: the
names are read back from the embeddings, which tell another CLIP as well.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lessons_lib.clip.checkpoints import read_state_dict
from lessons_lib.clip.names import is_prompts, what_else
from lessons_lib.clip.tokens import token_ids
from lessons_lib.methods.classify.cocoop import CoCoOp
from lessons_lib.methods.classify.coop import CoOp
from lessons_lib.methods.classify.maple import MaPLe
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.templates import spoken

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

LEARNED = re.compile(r"ctx|meta_net\.linear[12]\.\w+|proj\.\w+|compound_prompts_text\.\d+|"
                     r"compound_prompt_projections\.\d+\.\w+")  # fmt: skip
NEAR = 0.01  # how far from a token's embedding a row may be, in units of its length; half precision takes it 0.0005 off

Made = tuple[type[LearnedClassifier], dict, dict[str, Tensor]]  # a method, settings of it, its state


def load(path: Path, clip: "Clip", classnames: Sequence[str] | None = None, **settings) -> LearnedClassifier:
    """The method that a released file holds.   clip: the CLIP that it was learned with.

    classnames: C names in the order of the training's labels; None for those that the file's embeddings spell, in lower
        case.   settings: those that the file does not say, such as `class_token_position="middle"`.
    Raises ValueError for a file that is damaged or holds something else, and for classes, settings or a CLIP other than
    it was learned with.
    """
    learned, suffix = _learned(path)
    try:
        spelt = None if suffix is None else _spelt(clip, suffix)
        kind, found, state = _made(learned, clip, spelt)
        method = kind(clip, **{**found, **settings})
        between = token_ids(clip.tokenizer, method.words) if getattr(method, "words", "") else []
        method.set_classes(_names(clip, classnames, spelt, between))
        method.load_state_dict(state)
    except ValueError as error:
        raise ValueError(f"'{path}': {error}") from error
    except (RuntimeError, TypeError, LookupError) as error:
        raise ValueError(
            f"'{path}' does not fit {clip.name} and these settings ({error}): load it on the CLIP that it was learned "
            "with"
        ) from error
    return method.eval()


def _learned(path: Path) -> tuple[dict[str, Tensor], Tensor | None]:
    """What the prompt learner learned, under its own names, and the embeddings of what stands behind the context."""
    tensors = {name.removeprefix("module."): tensor for name, tensor in read_state_dict(path).items()}
    if not is_prompts(tensors):
        what = what_else(tensors) or f"{len(tensors)} tensors such as '{next(iter(tensors))}'"
        raise ValueError(
            f"'{path}' is no saved method and no released prompts: it holds {what}. load_clip(name, pretrained=path) "
            "reads a CLIP's weights"
        )
    own = "prompt_learner."
    if f"{own}ctx" in tensors:  # of a whole model: its towers are the frozen ones, unless they have prompts inside
        inside = [name for name in tensors if "VPT" in name]
        tensors = {name.removeprefix(own): tensor for name, tensor in tensors.items() if name.startswith(own)}
    else:
        inside = []
    _, suffix = tensors.pop("token_prefix", None), tensors.pop("token_suffix", None)
    if unknown := inside + [name for name in tensors if not LEARNED.fullmatch(name)]:
        raise ValueError(
            f"'{path}' holds '{unknown[0]}', which CoOp, CoCoOp and MaPLe do not learn: only their prompts are read"
        )
    return {name: tensor.float() for name, tensor in tensors.items()}, suffix


def _spelt(clip: "Clip", suffix: Tensor) -> list[list[int]]:
    """suffix: (C, L, d) -> the ids of each class up to its end-of-text. Raises ValueError for another CLIP's."""
    ids, far = clip.text_tower.nearest_tokens(suffix.flatten(0, 1))
    if far.max() > NEAR:
        raise ValueError(f"it was learned on another CLIP than {clip.name}: its words have other embeddings")
    end = clip.tokenizer.eot_token_id
    return [row[: row.index(end)] for row in ids.reshape(suffix.shape[:2]).tolist()]


def _names(
    clip: "Clip", classnames: Sequence[str] | None, spelt: list[list[int]] | None, between: list[int]
) -> list[str]:
    """The class names, which have to be those that the file spells.   between: ids of fixed words before the name."""
    if spelt is None:
        if classnames is None:
            raise ValueError("it does not say its classes: give classnames=, in the order of the training's labels")
        return list(classnames)
    read = [clip.tokenizer.decode(ids[len(between) :]).strip().removesuffix(".").strip() for ids in spelt]
    if classnames is None:
        return read
    names = list(classnames)
    wanted = [between + token_ids(clip.tokenizer, f"{spoken(name)}.") for name in names]
    if wanted != spelt:
        wrong = next(
            (c for c, (one, other) in enumerate(zip(wanted, spelt)) if one != other), min(len(names), len(read))
        )
        there = repr(read[wrong]) if wrong < len(read) else "nothing"
        here = repr(names[wrong]) if wrong < len(names) else "nothing"
        raise ValueError(
            f"it was learned for {len(read)} classes, of which number {wrong} is {there}; {len(names)} were given, of "
            f"which it is {here}. Load it with its own, and then use for_classes"
        )
    return names


def _made(learned: Mapping[str, Tensor], clip: "Clip", spelt: list[list[int]] | None) -> Made:
    ctx, rows = learned["ctx"], learned["ctx"].shape[-2]
    if "proj.weight" in learned:
        deep = [learned[f"compound_prompts_text.{j}"] for j in range(sum("_text." in name for name in learned))]
        settings = {"n_ctx": rows, "prompt_depth": 1 + len(deep), "ctx_init": _visible(clip, rows, spelt)}
        state = {"ctx": ctx, "deep_ctx": torch.stack(deep) if deep else ctx.new_empty(0, *ctx.shape)}
        for j in range(1 + len(deep)):
            theirs = f"compound_prompt_projections.{j - 1}" if j else "proj"
            state |= {f"projections.{j}.{part}": learned[f"{theirs}.{part}"] for part in ("weight", "bias")}
        return MaPLe, settings, state
    if "meta_net.linear1.weight" in learned:
        parts = [("0", "linear1"), ("2", "linear2")]
        net = {f"meta_net.{n}.{p}": learned[f"meta_net.{name}.{p}"] for n, name in parts for p in ("weight", "bias")}
        return CoCoOp, {"n_ctx": rows, "ctx_init": None}, {"ctx": ctx, **net}
    return CoOp, {"n_ctx": rows, "class_specific": ctx.ndim == 3}, {"ctx": ctx}


def _visible(clip: "Clip", rows: int, spelt: list[list[int]] | None) -> str:
    """MaPLe's `ctx_init`: the published words where those behind the learned rows stand before every name."""
    published = "a photo of a"
    left = token_ids(clip.tokenizer, published)[rows:]
    if spelt is None or (left and all(ids[: len(left)] == left for ids in spelt)):
        return published
    return "X"  # fewer words than rows, or as many: none is left, as in the release that starts at random
