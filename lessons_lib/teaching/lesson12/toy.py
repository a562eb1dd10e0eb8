"""The GroupViT of this world: its configuration, how it starts, and the pairs that it learns from.

`data_scripts/pretraining/pretrain_groupvit.py` trains it for an hour and a half, lesson 12 for a minute.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from open_clip.model import CLIP
from torch import Tensor

from lessons_lib import toyworld
from lessons_lib.clip.building import build, make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.clip.grouping import GroupingCLIP
from lessons_lib.clip.model import Clip
from lessons_lib.pretrain.grouping import WithNouns
from lessons_lib.toyworld.nouns import nouns_of

MODEL_CFG = {  # the paper's: 224 pixels, 6 + 3 + 3 blocks of width 384, 64 and 8 groups; texts of width 256, 12 blocks
    "embed_dim": 128,
    "vision_cfg": {"image_size": 64, "patch_size": 8, "width": 192, "head_width": 64, "layers": [4, 2],
                   "groups": [8], "projector": 512},
    "text_cfg": {"context_length": 48, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 4},
}  # fmt: skip
PREPROCESS_CFG = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic"}
SEVERAL = 0.75  # of the pictures show two to four things, the others one, or a texture, a place, …
SHARPER, SHARP = 16, r"visual\.grouping\.\d\.q\.weight"
SAME = (  # called alike in ToyCLIP
    "token_embedding.", "positional_embedding", "transformer.", "ln_final.", "visual.conv1.weight", "visual.ln_pre.",
    "visual.ln_post.",
)  # fmt: skip


def newborn(clip: Clip | None, *, seed: int = 0, assignment: str = "hard") -> tuple[GroupingCLIP, dict]:
    """A GroupViT that has never grouped, and its configuration. Blocks of both towers start where those of `clip`,
    ToyCLIP, ended, and the first group tokens as its class token, each as far from it as it is long; groupings and
    projections start from noise. None: all from noise, as the paper has it.

    In the groupings q starts `SHARPER` times as large as torch has it. Otherwise shares are all alike at the start, the
    noise of training decides every choice, and they stay alike: seen for 380 steps. The paper trains 500 times as long.

    Raises ValueError for a CLIP whose towers do not fit.
    """
    cfg = {**MODEL_CFG, "vision_cfg": {**MODEL_CFG["vision_cfg"], "assignment": assignment}}
    model = _drawn(cfg, seed)
    if clip is None:
        return model, cfg
    theirs, own = clip.model.state_dict(), model.state_dict()
    state = {name: value for name, value in theirs.items() if name.startswith(SAME)}
    state |= {f"visual.{name}": value for name, value in _blocks(clip.model, model)}
    try:
        state["visual.conv1.bias"] = torch.zeros_like(own["visual.conv1.bias"])
        state["visual.positional_embedding"] = theirs["visual.positional_embedding"][1:]
        state["visual.group_tokens.0"] = _apart(_class_token(theirs), len(own["visual.group_tokens.0"]), seed)
        state |= {name: SHARPER * value for name, value in own.items() if re.fullmatch(SHARP, name)}
        model.load_state_dict(own | state)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"the towers of {clip.name} do not fit: give load_clip('toyclip') ({error})") from None
    return model, cfg


def _drawn(cfg: dict, seed: int) -> GroupingCLIP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(cfg)


def _apart(token: Tensor, count: int, seed: int) -> Tensor:
    return token + token.std() * torch.randn(count, len(token), generator=torch.Generator().manual_seed(seed))


def _class_token(state: dict[str, Tensor]) -> Tensor:
    return state["visual.class_embedding"] + state["visual.positional_embedding"][0]


def _blocks(clip: CLIP, model: GroupingCLIP) -> Iterator[tuple[str, Tensor]]:
    """ToyCLIP's blocks, one behind the other, by the names that they have in the stages."""
    places = [(stage, i) for stage, blocks in enumerate(model.visual.stages) for i in range(len(blocks))]
    for block, (stage, i) in zip(clip.visual.transformer.resblocks, places):
        yield from ((f"stages.{stage}.{i}.{name}", value) for name, value in block.state_dict().items())


def of_noise(layers: Sequence[int], groups: Sequence[int], *, seed: int = 0) -> Clip:
    """One that has learned nothing, with other stages. Arguments as `GroupingTower`'s."""
    cfg = {**MODEL_CFG, "vision_cfg": {**MODEL_CFG["vision_cfg"], "layers": list(layers), "groups": list(groups)}}
    model = _drawn(cfg, seed)
    tokenizer = make_tokenizer("groupvit", cfg)
    return frozen_copy(model, cfg, PREPROCESS_CFG, tokenizer, name="groupvit", precision="fp32")


def pairs_with_nouns(nouns: int = 3) -> WithNouns:
    """What it learns from: pictures, captions, and sentences of so many of each caption's nouns. No mask."""
    draw = partial(toyworld.draw_pairs, dials=replace(toyworld.captions.DIALS, several=SEVERAL))
    return WithNouns(draw, nouns_of, make_tokenizer("groupvit", MODEL_CFG), nouns)


def normaliser(device: str | torch.device = "cpu") -> Callable[[Tensor], Tensor]:
    """(N, 3, S, S) uint8 -> float, as the model takes it."""
    mean, std = (torch.tensor(PREPROCESS_CFG[key], device=device)[:, None, None] for key in ("mean", "std"))
    return lambda pictures: (pictures.float() / 255 - mean) / std
