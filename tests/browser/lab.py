"""A notebook in a JupyterLab that runs in a browser: what a learner does, and what he then sees."""

from __future__ import annotations

import re
import textwrap
import time

from lessons_lib.worksheets import STUB

# The notebook in front, as JupyterLab itself holds it: cells far below are in no page until someone scrolls there.
FRONT = "window.jupyterapp?.shell?.currentWidget"


class Notebook:
    """page: on which a notebook is open."""

    def __init__(self, page):
        self.page = page
        page.wait_for_function(f"() => {FRONT}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=180_000)
        self.ids = page.evaluate(f"() => {FRONT}.content.widgets.map(one => one.model.id)")

    def run_all(self, seconds: float = 300) -> None:
        """Returns when the kernel is idle again."""
        self.page.evaluate(
            f"() => {{ window.busy = 0; {FRONT}.sessionContext.session.kernel.statusChanged.connect((_, status) => {{"
            " if (status === 'busy') window.busy += 1; }); }"
        )
        self.page.evaluate(
            "() => { window.ran = null;"
            " window.jupyterapp.commands.execute('notebook:run-all-cells').then(done => { window.ran = true; },"
            " error => { window.ran = String(error); }); }"
        )
        self.page.wait_for_function("() => window.busy > 0 && window.ran !== null", timeout=1000 * seconds)
        self.idle(seconds)

    def idle(self, seconds: float = 120) -> None:
        self.page.wait_for_function(
            f"() => {FRONT}.sessionContext.session.kernel.status === 'idle'", timeout=1000 * seconds
        )

    def show(self, id: str):
        """Scrolls to a cell; returns what is on the page of it."""
        at = self.ids.index(id)
        self.page.evaluate(
            f"async at => {{ const sheet = {FRONT}.content; sheet.activeCellIndex = at; sheet.deselectAll();"
            " await sheet.scrollToItem(at, 'center'); }",
            at,
        )
        cell = self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{at}']")
        cell.wait_for(timeout=30_000)
        return cell

    def write(self, id: str, source: str) -> None:
        """Types `source` in the place of what stands in a cell."""
        self.show(id).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)
        self.page.wait_for_function(
            f"([at, source]) => {FRONT}.content.widgets[at].model.sharedModel.getSource() === source",
            arg=[self.ids.index(id), source],
        )

    def run(self, id: str) -> str:
        """Runs a cell by Shift and Enter; returns what it then says."""
        before = self.count(id)
        self.show(id).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(
            f"([at, before]) => ![null, before].includes({FRONT}.content.widgets[at].model.executionCount)",
            arg=[self.ids.index(id), before],
            timeout=120_000,
        )
        self.idle()
        time.sleep(0.3)  # what was said last is on its way to the page
        return self.said(id)

    def count(self, id: str) -> int | None:
        return self.page.evaluate(f"at => {FRONT}.content.widgets[at].model.executionCount ?? null", self.ids.index(id))

    def source(self, id: str) -> str:
        return self.page.evaluate(
            f"at => {FRONT}.content.widgets[at].model.sharedModel.getSource()", self.ids.index(id)
        )

    def outputs(self, id: str) -> list[dict]:
        return self.page.evaluate(
            f"at => {FRONT}.content.widgets[at].model.outputs?.toJSON() ?? []", self.ids.index(id)
        )

    def said(self, id: str) -> str:
        """All text that a cell's outputs hold, errors too, without colours."""
        parts = []
        for one in self.outputs(id):
            text = one.get("text") or one.get("data", {}).get("text/plain", "")
            parts += [text if isinstance(text, str) else "".join(text), one.get("evalue", "")]
            parts += one.get("traceback", [])
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(parts))

    def failed(self) -> list[str]:
        """The cells that ended with an error."""
        return [id for id in self.ids if any(one["output_type"] == "error" for one in self.outputs(id))]

    def solved(self) -> dict[str, str]:
        """Of each exercise its cell, and what stands in it once the folded solution was put where it belongs."""
        found = {}
        for at, id in enumerate(self.ids):
            if id.endswith("-solution"):
                (code,) = re.findall(r"```python\n(.*?)\n```", self.source(id), re.S)
                exercise = self.ids[at - 2]
                source = self.source(exercise)
                (indent,) = re.findall(rf"^( *){STUB}$", source, re.M)
                found[exercise] = source.replace(f"{indent}{STUB}", textwrap.indent(code, indent))
        return found
