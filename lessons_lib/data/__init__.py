"""Tasks to adapt a CLIP to: the embedded toy world's, and a learner's own folder of photos."""

from lessons_lib.data.load import load_task
from lessons_lib.data.task import Split, Task

__all__ = ["Split", "Task", "load_task"]
