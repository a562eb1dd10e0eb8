"""Tasks to adapt a CLIP to: the embedded toy world's, the literature's data sets, and a learner's own photos."""

from lessons_lib.data.load import load_task
from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.task import Split, Task

__all__ = ["PUBLISHED", "Split", "Task", "load_task"]
