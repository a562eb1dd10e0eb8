"""One adaptation method a file, all with one interface: fit(task), logits, predict, score, for_classes, save."""

from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.methods import saving
from lessons_lib.methods.base import Method
from lessons_lib.methods.classify.clip_adapter import CLIPAdapter
from lessons_lib.methods.classify.cocoop import CoCoOp
from lessons_lib.methods.classify.coop import CoOp
from lessons_lib.methods.classify.dapt import DAPT
from lessons_lib.methods.classify.ivlp import IVLP
from lessons_lib.methods.classify.kgcoop import KgCoOp
from lessons_lib.methods.classify.linear_probe import LinearProbe
from lessons_lib.methods.classify.lp_plus_plus import LPPlusPlus
from lessons_lib.methods.classify.maple import MaPLe
from lessons_lib.methods.classify.open_set import OpenSet
from lessons_lib.methods.classify.text_probe import TextProbe
from lessons_lib.methods.classify.tip_adapter import TipAdapter
from lessons_lib.methods.classify.visual_prompting import VisualPrompting
from lessons_lib.methods.classify.vpt import VPT
from lessons_lib.methods.classify.zero_shot import ZeroShot

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

_CLASSES = (
    ZeroShot,
    LinearProbe,
    CoOp,
    CoCoOp,
    VPT,
    VisualPrompting,
    IVLP,
    MaPLe,
    KgCoOp,
    TextProbe,
    LPPlusPlus,
    CLIPAdapter,
    TipAdapter,
    DAPT,
)
METHODS = {method.__name__: method for method in _CLASSES}  # by the name that a saved file gives

__all__ = ["METHODS", "Method", "OpenSet", "load_method", *METHODS]


def load_method(path: str | Path, clip: "Clip") -> Method:
    """The fitted method that `method.save(path)` wrote, for the same CLIP.

    Raises FileNotFoundError where there is no file, and ValueError where it is damaged, is not a saved method, or was
    fitted on another CLIP.
    """
    return saving.load(path, clip, METHODS)
