"""The frozen model: loading it, and its two towers opened up so that prompts can enter."""

from .loading import load_clip
from .model import Clip

__all__ = ["Clip", "load_clip"]
