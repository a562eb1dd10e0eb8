"""What a figure shows, in words, for readers who cannot see it: read off the figure itself when a notebook shows it.

The words go into the notebook with the picture, as its output's metadata {"image/png": {"alt": …}}, so that they are
recorded anew whenever the picture is. Nothing is asked of a lesson: importing the plots is enough. Where the numbers
alone do not say what there is to see, whoever draws says it first: `describe(figure, "Two clouds that overlap")`.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

FEW, MANY = 6, 24  # points of a line that are all said; names in a list
_said: "WeakKeyDictionary[Figure, str]" = WeakKeyDictionary()


def describe(shown: Figure | Axes | Image.Image, text: str) -> Any:
    """Says what is to be seen in a figure (or its Axes, or a picture), before what is read off it. Returns it."""
    if isinstance(shown, Image.Image):
        shown.info["alt"] = text
    else:
        _said[shown.figure] = text  # a figure's `figure` is itself
    return shown


def alt_text(shown: Figure | Image.Image) -> str:
    """The words for a figure or a picture; "" for a picture of which nothing was said."""
    if isinstance(shown, Image.Image):
        return str(shown.info.get("alt", ""))
    title = shown.get_suptitle()
    return _sentences([_said.get(shown, ""), title, *_panels(shown.axes)])


def tell_notebooks() -> None:
    """From now on a notebook keeps the words beside every figure and picture that it shows. Elsewhere: nothing."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it
    if ipython and (shell := ipython.get_ipython()):
        for kind in (Figure, Image.Image):
            shell.display_formatter.mimebundle_formatter.for_type(kind, _metadata)


def _metadata(shown: Figure | Image.Image) -> tuple[dict, dict]:
    """Data and metadata as IPython asks for them: the picture itself comes from its usual way."""
    text = alt_text(shown)
    return {}, {"image/png": {"alt": text}} if text else {}


def _panels(axes: Iterable[Axes]) -> list[str]:
    """A sentence a panel; pictures side by side are said together."""
    said, titles = [], []
    for ax in axes:
        if ax.images and not ax.axison:
            titles.append(_plain(_title(ax)) or " ".join(_plain(text.get_text()) for text in ax.texts))
            continue
        if hasattr(ax, "_colorbar") or not (ax.axison or ax.texts):  # a scale, or an empty place
            continue
        said += [*_pictures(titles), _panel(ax)]
        titles = []
    return said + _pictures(titles)


def _pictures(titles: Sequence[str]) -> list[str]:
    if not titles:
        return []
    count = "a picture" if len(titles) == 1 else f"{len(titles)} pictures"
    return [f"{count}: {_listed(titles)}" if any(titles) else count]


def _panel(ax: Axes) -> str:
    parts = [*map(_matrix, [ax] if ax.images else []), *_bars(ax), *_lines(ax), *_dots(ax)]
    if not parts and ax.texts:
        parts = [f"a drawing with the words {_listed([_plain(text.get_text()) for text in ax.texts])}"]
    across, up = _plain(ax.get_xlabel()), _plain(ax.get_ylabel())
    axes = ", ".join(f"{where}: {name}" for where, name in (("across", across), ("up", up)) if name and not ax.images)
    return _sentences([_plain(_title(ax)), axes, "; ".join(filter(None, parts))])


def _matrix(ax: Axes) -> str:
    """A matrix's size, range, and the largest cell of each row."""
    shown = ax.images[0]
    values = np.asarray(shown.get_array(), dtype=float)
    if values.ndim != 2:
        return "a picture"
    rows, columns = (_names(axis.get_ticklocs(), axis.get_ticklabels()) for axis in (ax.yaxis, ax.xaxis))
    unit = _plain(shown.colorbar.ax.get_ylabel()) if shown.colorbar else ""
    size = f"a matrix of {values.shape[0]} rows and {values.shape[1]} columns, {unit or 'values'} from "
    size += f"{_number(np.nanmin(values))} to {_number(np.nanmax(values))}"
    if not rows or not columns or len(values) > MANY or np.isnan(values).all(axis=1).any():
        return size
    best = np.nanargmax(values, axis=1)
    peaks = [f"{rows.get(i, i)}: {columns.get(j, j)} {_number(values[i, j])}" for i, j in enumerate(best)]
    return f"{size}. The largest of each row: {', '.join(peaks)}"


def _bars(ax: Axes) -> list[str]:
    said = []
    for bars in (each for each in ax.containers if isinstance(each, BarContainer)):
        flat = bars.orientation == "horizontal"
        axis = ax.yaxis if flat else ax.xaxis
        names = _names(axis.get_ticklocs(), axis.get_ticklabels())
        lengths = [bar.get_width() if flat else bar.get_height() for bar in bars]
        centres = [
            (bar.get_y() + bar.get_height() / 2) if flat else (bar.get_x() + bar.get_width() / 2) for bar in bars
        ]
        if len(bars) > MANY:
            at = int(np.argmax(lengths))
            values = f"{len(bars)} bars, the longest at {_number(centres[at])} with {_number(lengths[at])}"
        else:
            near = [min(names, key=lambda tick: abs(tick - centre), default=None) for centre in centres]
            values = ", ".join(f"{names.get(n, _number(c))} {_number(v)}" for n, c, v in zip(near, centres, lengths))
        said.append(f"bars{_label(bars) or _label(bars[0])}: {values}")
    return said


def _lines(ax: Axes) -> list[str]:
    """Each line that has a name, or more than two points."""
    told = [line for line in ax.lines if len(line.get_xdata()) > (2 if line.get_label().startswith("_") else 1)]
    more = [f"and {len(told) - MANY} more lines"] if len(told) > MANY else []
    return [_line(line, ax) for line in told[:MANY]] + more


def _line(line: Line2D, ax: Axes) -> str:
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    if len(x) == 2 and line.get_transform() != ax.transData:  # axhline, axvline
        where = y[0] if y[0] == y[1] else x[0]
        return f"a line{_label(line)} at {_number(where)}"
    if len(x) == 2 and x[0] == x[1]:
        return f"a mark{_label(line)} at {_number(x[0])}"
    good = ~np.isnan(y)
    x, y = x[good], y[good]
    if not len(x):
        return ""
    if len(x) <= FEW:
        return f"line{_label(line)}: " + ", ".join(f"{_number(b)} at {_number(a)}" for a, b in zip(x, y))
    high, low = int(y.argmax()), int(y.argmin())
    return (
        f"line{_label(line)}: from {_number(y[0])} at {_number(x[0])} to {_number(y[-1])} at {_number(x[-1])}, "
        f"highest {_number(y[high])} at {_number(x[high])}, lowest {_number(y[low])} at {_number(x[low])}"
    )


def _dots(ax: Axes) -> list[str]:
    clouds = [cloud for cloud in ax.collections if isinstance(cloud, PathCollection) and len(cloud.get_offsets())]
    said = [f"{len(cloud.get_offsets())} dots{_label(cloud)}" for cloud in clouds]
    words = [_plain(text.get_text()) for text in ax.texts] if clouds else []
    return said + ([f"with the words {_listed(words)}"] if any(words) else [])


def _label(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if not label or label.startswith("_") or label == "None" else f" “{_plain(label)}”"


def _names(places: Iterable[float], labels: Iterable[Any]) -> dict[float, str]:
    """What stands at each tick that has a word."""
    return {place: _plain(text.get_text()) for place, text in zip(places, labels) if text.get_text()}


def _title(ax: Axes) -> str:
    return next((title for loc in ("left", "center", "right") if (title := ax.get_title(loc=loc)).strip()), "")


def _listed(names: Sequence[str]) -> str:
    named = [name for name in names if name]
    more = f" and {len(named) - MANY} more" if len(named) > MANY else ""
    return ", ".join(named[:MANY]) + more


def _plain(text: str) -> str:
    """A text of a figure on one line, without the marks that keep "$" literal."""
    return " ".join(text.replace(r"\$", "$").split())


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _sentences(parts: Iterable[str]) -> str:
    return " ".join(part.rstrip(".") + ("" if part[-1] in "?!" else ".") for part in parts if part)
