"""The methods that the contract is about: a line each, and one more where a setting makes another method of it.

A new method is a line here: the class's name, its settings on the tiny CLIP, its published computation, and how many
numbers it learns of the tiny task (5 classes, D = 32, d = d_v = 64, 2 blocks of images and 3 of texts, 32 pixels).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from reference import (
    clip_adapter,
    clip_lora,
    cocoop,
    coop,
    dapt,
    dense_zero_shot,
    glip,
    groupvit,
    ivlp,
    linear_probe,
    lp_plus_plus,
    lseg,
    maple,
    prolip,
    promptsrc,
    text_probe,
    tip_adapter,
    vild,
    vpt,
    zero_shot,
)
from tiny_clip import tiny_clip, tiny_groupvit

from lessons_lib.methods import METHODS, Method


@dataclass(frozen=True)
class Line:
    """method: its class's name.   settings: of the constructor.   published: (method, images) -> logits (N, C).
    learns: how many numbers.   fit: arguments of `fit` beside the brief ones below.   model: what it is built around.
    """

    method: str
    published: Callable
    learns: int
    settings: dict = field(default_factory=dict)
    fit: dict = field(default_factory=dict)
    model: Callable = tiny_clip

    def make(self, clip) -> Method:
        return METHODS[self.method](clip, **self.settings)

    def arguments(self, **changes) -> dict:
        """Of a short training; those alone that the method's `fit` takes."""
        brief = {"epochs": 4, "lr": 0.05, "batch_size": 8, "progress": False, **self.fit}
        known = METHODS[self.method].fit_arguments()
        return {name: value for name, value in brief.items() if name in known} | changes


_FUSION = 64 * 129 * 2 + 65 * 4 * 2 + 148 * 7 + 144 * 2 + 20 * 2  # of 4 channels, at two depths of width 64
_LSEG = 64 * 192 + 64 * 20 + 2 * 49984 + _FUSION + 5 * 32  # tower, fusion, and the step into the joint space
_SMALL, _FIT = {"image_size": 32, "width": 16, "hidden": 24, "proposals": 6}, {"proposal_epochs": 6, "lr": 0.003}
_VILD_HEAD = (49 * 16 + 1) * 24 + 25 * 24 + 25 * 32  # two layers and the projection
_VILD_BACKBONE = 27 * 8 + 2 * 8 + 72 * 16 + 2 * 16 + 3 * 2 * (144 * 16 + 2 * 16)
_VILD_PROPOSALS = 145 * 16 + 17 * 12 * 5  # twelve anchors a cell: whether there is anything, and four deltas
_VILD = _VILD_BACKBONE + _VILD_PROPOSALS + _VILD_HEAD + 25 * 4 + 32
_GROUNDER = {"image_size": 32, "width": 16, "layers": 2, "text_layers": 1, "anchor": 1.5}
_RESIDUAL = 2 * (144 * 16 + 2 * 16)
_HALVED = 144 * 16 + 2 * 16
_PYRAMID = 27 * 8 + 2 * 8 + 72 * 16 + 2 * 16 + 2 * _HALVED + 4 * _RESIDUAL + 17 * 16
_TEXT_BLOCK = 4 * 16 + 17 * 48 + 17 * 16 + 17 * 64 + 65 * 16
_TOKEN_STATES = 2 * 64 + 65 * 16 + _TEXT_BLOCK + 2 * 16  # and a vector for each position of a prompt
_ACROSS = 4 * 16 + 4 * 17 * 32 + 2 * 33 * 16 + 2 * 16  # two norms, X-MHA 32 wide, two γ
_ALIGNED = 17 * 16 + 1 + 16 + 1 + 17 * 4 + 17  # W, s, β, b0; boxes and centerness
_GLIP = _PYRAMID + _TOKEN_STATES + 2 * _RESIDUAL + _ALIGNED  # without fusion
_FUSED = _GLIP + 2 * (_ACROSS + _TEXT_BLOCK)
_V2 = 2 * 17 * 64 + 1 + 17 * 16 + 2 * _RESIDUAL + 16 * 65 + 17  # the contrast, and the head of masks

TABLE = {
    "ZeroShot": Line("ZeroShot", zero_shot.of_method, 0),
    "ZeroShot, ensemble": Line("ZeroShot", zero_shot.of_method, 0, {"templates": ["{}", "a {}."]}),
    "ZeroShot, of probabilities": Line(
        "ZeroShot", zero_shot.of_method, 0, {"templates": ["{}", "a {}."], "ensemble": "probability"}
    ),
    "ZeroShot, other words": Line(
        "ZeroShot", zero_shot.of_method, 0, {"classnames": ["kitten", "crane", "puppy", "kettle", "bird"]}
    ),
    "LinearProbe": Line("LinearProbe", linear_probe.of_method, 5 * 33, {"refinements": 1}),
    "LinearProbe, C given": Line("LinearProbe", linear_probe.of_method, 5 * 33, {"C_grid": [1.0]}),
    "TextProbe": Line("TextProbe", text_probe.of_method, 5 * 32, fit={"lr": 0.2}),
    "TextProbe, constrained": Line("TextProbe", text_probe.of_method, 5 * 32, {"constrained": True}, {"lr": 0.2}),
    "LPPlusPlus": Line("LPPlusPlus", lp_plus_plus.of_method, 5 * 34, fit={"epochs": 12, "views": 2}),
    "CoOp": Line("CoOp", coop.of_method, 2 * 64, {"n_ctx": 2}),
    "CoOp, class-specific": Line(
        "CoOp", coop.of_method, 5 * 2 * 64, {"n_ctx": 2, "class_specific": True, "class_token_position": "middle"}
    ),
    "CoCoOp": Line("CoCoOp", cocoop.of_method, 2 * 64 + 33 * 2 + 3 * 64, {"n_ctx": 2, "ctx_init": None}),
    "KgCoOp": Line("KgCoOp", coop.of_method, 4 * 64),
    "VPT": Line("VPT", vpt.of_method, 2 * 3 * 64, {"n_ctx": 3, "depth": 2}, {"lr": 0.3}),
    "VisualPrompting": Line("VisualPrompting", vpt.frame_of_method, 3 * 348, {"width": 3}, {"lr": 20.0}),
    "IVLP": Line("IVLP", ivlp.of_method, (2 + 4) * 64 + (2 + 2) * 64),
    "IVLP, texts alone": Line("IVLP", ivlp.of_method, (2 + 2) * 64, {"n_ctx_vision": 0, "depth_text": 2}),
    "IVLP, images alone": Line("IVLP", ivlp.of_method, (2 + 2) * 64, {"n_ctx_text": 0}),
    "PromptSRC": Line("PromptSRC", promptsrc.of_method, (4 + 4) * 64 + (4 + 4) * 64, fit={"lr": 0.01}),
    "MaPLe": Line("MaPLe", maple.of_method, 4 * 64 + 2 * 65 * 64, {"prompt_depth": 2}),
    "MaPLe, more rows than words": Line(
        "MaPLe", maple.of_method, 2 * 6 * 64 + 2 * 65 * 64, {"prompt_depth": 2, "n_ctx": 6}
    ),
    "MaPLe, shared": Line("MaPLe", maple.of_method, 4 * 64 + 65 * 64, {"shared_coupling": True}),
    "CLIPAdapter": Line("CLIPAdapter", clip_adapter.of_method, 2 * 32 * 8, fit={"lr": 5.0}),
    "CLIPAdapter, alpha chosen": Line(
        "CLIPAdapter", clip_adapter.of_method, 4 * 32 * 8, {"alpha": "validation", "text_adapter": True}, {"lr": 5.0}
    ),
    "TipAdapter": Line("TipAdapter", tip_adapter.of_method, 0, {"n_views": 2, "search_steps": (6, 4)}),
    "TipAdapter, finetuned": Line(
        "TipAdapter",
        tip_adapter.of_method,
        20 * 32,
        {"finetune": True, "n_views": 2, "search": False, "unseen": "zero-shot"},
    ),
    "DAPT": Line("DAPT", dapt.of_method, 4 * 64, {"n_ctx": 2, "n_ctx_vision": 2}),
    "CLIPLoRA": Line("CLIPLoRA", clip_lora.of_method, (2 + 3) * 3 * (2 + 2) * 64, fit={"lr": 0.005}),
    "ProLIP": Line("ProLIP", prolip.of_method, 64 * 32, {"templates": ["a {}."]}, {"lr": 0.005}),
    "LinearAdapter": Line("LinearAdapter", prolip.of_method, 32 * 32, fit={"lr": 0.005}),
    "DenseZeroShot": Line("DenseZeroShot", dense_zero_shot.of_method, 0),
    "DenseZeroShot, correlative": Line(
        "DenseZeroShot", dense_zero_shot.of_method, 0, {"last": "correlative", "templates": ["{}", "a {}."]}
    ),
    "DenseZeroShot, attention": Line("DenseZeroShot", dense_zero_shot.of_method, 0, {"last": "attention"}),
    "LSeg": Line("LSeg", lseg.of_method, _LSEG, {"channels": 4}, {"lr": 0.01, "epochs": 2}),
    "LSeg, depthwise": Line(
        "LSeg", lseg.of_method, _LSEG + 10, {"channels": 4, "block": "depthwise", "block_depth": 3, "start": "random"}
    ),
    "LSeg, bottleneck": Line(
        "LSeg", lseg.of_method, _LSEG + 10, {"channels": 4, "block": "bottleneck", "block_depth": 2}, {"lr": 0.01}
    ),
    "GroupViT": Line("GroupViT", groupvit.of_method, 0, {"threshold": 0.2}, model=tiny_groupvit),
    "GroupViT, hard maps": Line(
        "GroupViT", groupvit.of_method, 0, {"maps": "hard", "top": 2, "templates": ["{}", "a {}."]}, model=tiny_groupvit
    ),
    "ViLD": Line("ViLD", vild.of_method, _VILD, _SMALL, _FIT),
    "ViLD, ensemble": Line("ViLD", vild.of_method, _VILD + _VILD_HEAD, {"variant": "ensemble", **_SMALL}, _FIT),
    "GLIP": Line("GLIP", glip.of_method, _FUSED + 48 * 16, _GROUNDER),
    "GLIP, without fusion": Line(
        "GLIP", glip.of_method, _GLIP + 12 * 16, {"fusion": False, "context_length": 12, "flip": False, **_GROUNDER}
    ),
    "GLIPv2": Line("GLIPv2", glip.of_method, _FUSED + 12 * 16 + _V2, {"context_length": 12, **_GROUNDER}),
    "ViLD, image": Line("ViLD", vild.of_method, _VILD - 32, {"variant": "image", **_SMALL}, _FIT),
}
