"""The lessons' figures: one look, a palette that colour-blind readers can tell apart, axes that say what they show.

Each function draws one figure and returns its Axes (or, where there are several panels, the Figure) to add to or to
save. In a notebook, end the line with ";" so that the figure alone is shown. Nothing here needs a display.
"""

from .charts import bar_comparison, few_shot_curves, histograms, lines, reliability
from .images import answers, confusion, pictures, show_images, similarity_matrix
from .style import COLORMAP, MARKERS, PALETTE, REFERENCE, RIGHT, STYLE, WRONG, colours, panels, styled, use_style

__all__ = [
    "COLORMAP", "MARKERS", "PALETTE", "REFERENCE", "RIGHT", "STYLE", "WRONG",
    "answers", "bar_comparison", "colours", "confusion", "few_shot_curves", "histograms", "lines", "panels",
    "pictures", "reliability", "show_images", "similarity_matrix", "styled", "use_style",
]  # fmt: skip
