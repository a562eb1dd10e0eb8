"""The frozen model: loading it, and its two towers opened up so that prompts can enter."""

from lessons_lib.clip.loading import load_clip
from lessons_lib.clip.model import Clip

__all__ = ["Clip", "load_clip"]
