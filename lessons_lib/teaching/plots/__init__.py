"""The lessons' figures: one look, a palette that colour-blind readers can tell apart, axes that say what they show.

Each function draws one figure and returns its Axes (or, where there are several panels, the Figure) to add to or to
save. In a notebook, end the line with ";" so that the figure alone is shown. Nothing here needs a display.

Whatever is defined here without an underscore is offered: a new plot is its function. One that a single lesson draws
stands in `plots.py` of the lesson's folder, which offers these, too, so every notebook has one `plots`. Whatever a
notebook shows then has its words beside it (`lessons_lib/teaching/alt.py`); `describe(figure, "…")` adds what to see.
"""

import importlib
import pkgutil
from types import FunctionType, ModuleType

from lessons_lib.look import (
    COLORMAP,
    MARKERS,
    PALETTE,
    REFERENCE,
    RIGHT,
    STYLE,
    WRONG,
    heading,
    look,
    looks,
    panels,
    styled,
    use_style,
)
from lessons_lib.teaching.alt import describe, tell_notebooks

__all__ = [
    "COLORMAP", "MARKERS", "PALETTE", "REFERENCE", "RIGHT", "STYLE", "WRONG", "describe", "heading", "look", "looks",
    "panels", "styled", "use_style",
]  # fmt: skip

tell_notebooks()


def defined_in(module: ModuleType) -> dict[str, FunctionType]:
    """The public functions that a module defines itself."""
    found = vars(module).items()
    return {
        name: value
        for name, value in found
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
    }


for _file in pkgutil.iter_modules(__path__):
    _own = defined_in(importlib.import_module(f"{__name__}.{_file.name}"))
    globals().update(_own)
    __all__ += sorted(_own)
