"""The lessons' figures: one look, a palette that colour-blind readers can tell apart, axes that say what they show.

Each function draws one figure and returns its Axes (or, where there are several panels, the Figure) to add to or to
save. In a notebook, end the line with ";" so that the figure alone is shown. Nothing here needs a display.
"""

from lessons_lib.teaching.plots.adapter_paths import adapter_paths
from lessons_lib.teaching.plots.adapters import accuracy_against_cost, alpha_beta_grid, cache_heat
from lessons_lib.teaching.plots.charts import bar_comparison, few_shot_curves, histograms, lines, reliability
from lessons_lib.teaching.plots.comparison import (
    base_against_new,
    coverage,
    differences,
    gain_map,
    mean_ranks,
    pairwise_matrix,
    published_and_ours,
)
from lessons_lib.teaching.plots.embeddings import circle_map, embedding_maps, flat_maps, gap_map
from lessons_lib.teaching.plots.generalisation import base_new_arrows, cost_bars, harmonic_bars, harmonic_plane
from lessons_lib.teaching.plots.images import answers, confusion, pictures, show_images, similarity_matrix
from lessons_lib.teaching.plots.learning import nearest_words, prompt_boxes, training
from lessons_lib.teaching.plots.style import (
    COLORMAP,
    MARKERS,
    PALETTE,
    REFERENCE,
    RIGHT,
    STYLE,
    WRONG,
    colours,
    panels,
    styled,
    use_style,
)
from lessons_lib.teaching.plots.towers import attention_maps, attention_shares, pixel_frame, prompted_towers

__all__ = [
    "COLORMAP", "MARKERS", "PALETTE", "REFERENCE", "RIGHT", "STYLE", "WRONG",
    "answers", "attention_maps", "attention_shares", "bar_comparison", "colours", "confusion",
    "few_shot_curves", "histograms", "lines", "nearest_words", "panels", "pictures", "pixel_frame",
    "prompt_boxes", "prompted_towers", "reliability", "show_images", "similarity_matrix", "styled", "training",
    "use_style",
    "accuracy_against_cost", "adapter_paths", "alpha_beta_grid", "cache_heat", "circle_map",
    "embedding_maps", "flat_maps", "gap_map",
    "base_new_arrows", "cost_bars", "harmonic_bars", "harmonic_plane",
    "base_against_new", "coverage", "differences", "gain_map", "mean_ranks", "pairwise_matrix", "published_and_ours",
]  # fmt: skip
