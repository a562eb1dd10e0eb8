"""One adaptation method a file, in a folder for each kind of task, all with one interface: fit(task), measure, score,
for_classes, save.

A file that lies in such a folder is imported, and the methods that it defines are in `METHODS`: there is no list.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lessons_lib.files import expanded
from lessons_lib.methods import saving
from lessons_lib.methods.base import METHODS, Method
from lessons_lib.methods.classifier import Classifier
from lessons_lib.methods.detector import Detector
from lessons_lib.methods.segmenter import Segmenter

if TYPE_CHECKING:
    from lessons_lib.clip import Clip

for _room in pkgutil.iter_modules(__path__):
    if _room.ispkg:
        for _file in pkgutil.iter_modules([str(Path(__path__[0]) / _room.name)]):
            importlib.import_module(f"{__name__}.{_room.name}.{_file.name}")
globals().update(METHODS)

from lessons_lib.methods import released  # noqa: E402
from lessons_lib.methods.classify.open_set import OpenSet  # noqa: E402

__all__ = ["METHODS", "Classifier", "Detector", "Method", "OpenSet", "Segmenter", "load_method", *METHODS]


def load_method(path: str | Path, clip: "Clip", classnames: Sequence[str] | None = None, **settings) -> Method:
    """The fitted method that `method.save(path)` wrote, for the same CLIP; or one with the prompts that the authors of
    CoOp, CoCoOp or MaPLe release (`released`), for the CLIP that these were learned with.

    classnames, settings: of released prompts alone, whose files say neither; a saved method's file does.
    Raises FileNotFoundError where there is no file, and ValueError where it is damaged, holds something else, or was
    fitted on another CLIP.
    """
    path = expanded(path)
    if saving.written_by_torch(path):
        return released.load(path, clip, classnames, **settings)
    if classnames is not None or settings:
        raise ValueError(f"'{path}' says its own classes and settings: leave them out, and use for_classes(classnames)")
    return saving.load(path, clip, METHODS)
