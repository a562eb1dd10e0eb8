"""Tasks to adapt a CLIP to: the embedded toy world's, the literature's data sets, and a learner's own photos."""

from lessons_lib.data.boxes import Boxes, Captions
from lessons_lib.data.load import load_task
from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.split import Split
from lessons_lib.data.targets import Labels, Masks, SoundLabels, Targets
from lessons_lib.data.task import Task

__all__ = ["PUBLISHED", "Boxes", "Captions", "Labels", "Masks", "SoundLabels", "Split", "Targets", "Task", "load_task"]
