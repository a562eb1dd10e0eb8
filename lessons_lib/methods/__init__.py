"""One adaptation method a file, all with one interface: fit(task), logits, predict, score, for_classes, save."""

from pathlib import Path
from typing import TYPE_CHECKING

from . import saving
from .base import Method
from .linear_probe import LinearProbe
from .zero_shot import ZeroShot

if TYPE_CHECKING:
    from ..clip import Clip

__all__ = ["LinearProbe", "Method", "ZeroShot", "load_method"]

METHODS = {method.__name__: method for method in (LinearProbe, ZeroShot)}  # by the name that a saved file gives


def load_method(path: str | Path, clip: "Clip") -> Method:
    """The fitted method that `method.save(path)` wrote, for the same CLIP.

    Raises FileNotFoundError where there is no file, and ValueError where it is damaged, is not a saved method, or was
    fitted on another CLIP.
    """
    return saving.load(path, clip, METHODS)
