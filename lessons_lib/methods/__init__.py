"""One adaptation method a file, all with one interface: fit(task), logits, predict, score, for_classes, save."""

from pathlib import Path
from typing import TYPE_CHECKING

from . import saving
from .base import Method
from .clip_adapter import CLIPAdapter
from .cocoop import CoCoOp
from .coop import CoOp
from .dapt import DAPT
from .ivlp import IVLP
from .kgcoop import KgCoOp
from .linear_probe import LinearProbe
from .lp_plus_plus import LPPlusPlus
from .maple import MaPLe
from .text_probe import TextProbe
from .tip_adapter import TipAdapter
from .visual_prompting import VisualPrompting
from .vpt import VPT
from .zero_shot import ZeroShot

if TYPE_CHECKING:
    from ..clip import Clip

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

__all__ = ["METHODS", "Method", "load_method", *METHODS]


def load_method(path: str | Path, clip: "Clip") -> Method:
    """The fitted method that `method.save(path)` wrote, for the same CLIP.

    Raises FileNotFoundError where there is no file, and ValueError where it is damaged, is not a saved method, or was
    fitted on another CLIP.
    """
    return saving.load(path, clip, METHODS)
