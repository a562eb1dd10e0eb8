"""The frozen model: loading it, and its towers opened up, so that prompts can enter and tokens come out.

Where to read first:
model         `Clip`: all that methods call, in one page.
text_tower    from token ids to the joint space; image_tower: from pixels. Each is a model read top to bottom.
blocks        one transformer block in pieces, and the seam where LoRA enters.
dense         a patch's own embedding: the ways through the last block.
audio         a third tower, of sounds; audio_files: adding one to a CLIP, saving and loading it.
prompts       where context vectors and class names stand; shared_prompts: the same prompts, run many times faster.
loading       `load_clip`, and behind it recipes, checkpoints, downloads, building, present.
"""

from lessons_lib.clip.audio_files import load_audio_tower
from lessons_lib.clip.loading import load_clip
from lessons_lib.clip.model import Clip

__all__ = ["Clip", "load_audio_tower", "load_clip"]
