"""Lessons as pages of the site: a recorded notebook as Markdown that Sphinx reads, its figures as files beside it.

Nothing is run. Solutions are folded up. Every figure has the text that its output carries in place of the picture, and
what was a widget is the still picture that it last drew.
"""

import base64
import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessons_lib.worksheets import BEGIN, for_learners, heading_of, opened, solution_of, text_of

WIDGET, WIDGET_STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"
IMAGES = {"image/png": "png", "image/jpeg": "jpg"}
SOLUTION = "<details class='solution'><summary>Solution</summary>\n\n{}\n\n</details>"
STILL = "*What stands here can be played with in a running notebook ({}). This is how it begins.*"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Opening:
    """What a lesson's first cell says of it."""

    number: str
    title: str
    question: str
    before: str  # which lessons come before it, "" where it does not say


def opening(lesson: Mapping[str, Any]) -> Opening:
    """Raises ValueError where the first cell is not a lesson's."""
    source = text_of(lesson["cells"][0])
    title = re.match(r"# (\d+) · (.+)", source)
    question = re.search(r"\*\*([^*]+\?)\*\*", source)
    if not title or not question:
        raise ValueError("a lesson opens with '# 04 · Its title' and its question in bold")
    before = re.search(r"\*\*Before this:?\*\*:?\s*(.+)", source)
    return Opening(title[1], title[2], question[1], before[1].rstrip(". ") if before else "")


def page(lesson: Mapping[str, Any], folder: Path, name: str, *, up: str = "") -> tuple[str, dict[Path, bytes]]:
    """The lesson as Markdown, and the files of its figures, which will lie in `folder`/`name`.

    up: how the page's own folder leads to `folder`, "../" for one that lies below it.
    """
    parts, files, under = [], {}, ""
    states = lesson["metadata"].get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for cell in for_learners(lesson):
        source = text_of(cell)
        under = heading_of(cell) or under
        if cell["cell_type"] == "markdown":
            parts.append(linked(source, up))
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(fenced(opened(source), "python"))
            if BEGIN in source:
                parts.append(SOLUTION.format(fenced(solution_of(source), "python")))
            for k, (kind, value) in enumerate(shown(cell.get("outputs", []), states)):
                if kind == "image":
                    where = folder / name / f"{cell['id']}-{k}.{value['suffix']}"
                    files[where] = value["bytes"]
                    parts.append(figure(f"{up}{name}/{where.name}", value, under))
                else:
                    parts.append(value)
    return "\n\n".join(parts) + "\n", files


def shown(outputs: list[Mapping[str, Any]], states: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a reader sees of a cell's outputs, in order: ("markdown", text) or ("image", {...}); streams joined."""
    printed = ""
    for output in outputs:
        if output["output_type"] == "stream":
            printed += "".join(output["text"])
            continue
        if printed.strip():
            yield "markdown", said(printed)
        printed = ""
        if output["output_type"] == "error":
            yield "markdown", said("\n".join(output["traceback"]), "error")
            continue
        yield from _one(output, states)
    if printed.strip():
        yield "markdown", said(printed)


def _one(output: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    data = output.get("data", {})
    kind = next((kind for kind in IMAGES if kind in data), None)
    if WIDGET in data:
        yield from still(data[WIDGET]["model_id"], states)
    elif kind:
        alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
        picture = base64.b64decode("".join(data[kind]))
        yield "image", {"bytes": picture, "suffix": IMAGES[kind], "alt": alt, "width": width_of(picture)}
    elif "text/html" in data:
        yield "markdown", table("".join(data["text/html"]))
    elif "text/markdown" in data:
        yield "markdown", "".join(data["text/markdown"])
    elif "text/plain" in data:
        yield "markdown", said("".join(data["text/plain"]))


def still(model: str, states: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a widget drew last, after a sentence that says what could be changed."""
    inside = list(_within(model, states))
    controls = [state.get("description", "") for state in inside if state.get("description")]
    yield "markdown", STILL.format(", ".join(controls) or "a widget")
    for state in inside:
        if state.get("_model_name") == "OutputModel":
            yield from shown(state.get("outputs", []), {})


def _within(model: str, states: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A widget's state and its children's, in the order in which they are shown."""
    state = states.get(model, {}).get("state", {})
    yield state
    for child in state.get("children", []):
        yield from _within(child.removeprefix("IPY_MODEL_"), states)


def figure(path: str, picture: Mapping[str, Any], under: str) -> str:
    """A picture on its own light ground, in its own scroller. One without words is said to be described around it."""
    alt = picture["alt"] or f"Figure of “{under}”. The text around it says what to see."
    lines = [f":::{{image}} {path}", f":alt: {' '.join(alt.split())}", ":class: figure", ":loading: lazy"]
    lines += [f":width: {picture['width']}px"] if picture["width"] else []
    return "\n".join(["::::{container} output", *lines, ":::", "::::"])


def width_of(picture: bytes) -> int:
    """Pixels; 0 for what is no PNG."""
    return struct.unpack(">I", picture[16:20])[0] if picture.startswith(b"\x89PNG") else 0


def said(text: str, kind: str = "output") -> str:
    """Printed text, as a block in its own scroller."""
    return f"::::{{container}} {kind}\n{fenced(ANSI.sub('', text).rstrip(), 'text')}\n::::"


def table(html: str) -> str:
    """A table as pandas draws it, without the look that it brings."""
    html = re.sub(r"<style.*?</style>", "", html, flags=re.S).replace(' border="1"', "")
    lines = "\n".join(line.strip() for line in html.splitlines() if line.strip())
    return f"::::{{container}} output\n```{{raw}} html\n{lines}\n```\n::::"


def fenced(code: str, language: str) -> str:
    """A block of code, in a fence longer than any that it holds."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`{3,}", code)), default=0))
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def linked(markdown: str, up: str = "") -> str:
    """Links to other lessons and to files of the library lead to their pages of the site. up: as for `page`."""
    markdown = re.sub(r"\]\((?:notebooks/)?(\d\d_\w+)\.ipynb", rf"]({up}\1.md", markdown)
    return re.sub(
        r"\]\((?:\.\./)*lessons_lib/([\w/]+?)(?:/__init__)?\.py\)",
        lambda found: f"]({up}../api/{found[1].split('/')[0]}.md)",
        markdown,
    )


def read(path: Path) -> dict[str, Any]:
    """A notebook's file."""
    return json.loads(path.read_text(encoding="utf-8"))
