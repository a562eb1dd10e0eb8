"""What fits and their tests take: by each method's table, or from its pace on this machine, once that is measured."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lessons_lib.runs.checks import made
from lessons_lib.runs.work import Work

if TYPE_CHECKING:
    from lessons_lib.data import Task
    from lessons_lib.runs.pace import Pace


class Timed(Work):
    """The half of `cell.FitAndTest` that foretells; the other half knows its CLIP, tasks and methods."""

    _pace: "Pace | None" = None

    def measure(self, cells: Sequence[Any], progress: bool = True) -> None:
        """Times a step of each method on this machine: `cost` is foretold from it, and not from a table. Raises what a
        method raises that cannot be trained here."""
        from lessons_lib.clip import load_clip
        from lessons_lib.runs.pace import pace_of

        clip = load_clip(self.model, self.pretrained, device=self.device, precision=self.precision, verbose=False)
        by_label: dict[str, dict[int, Any]] = {}  # -> classes -> a cell
        for cell in cells:
            by_label.setdefault(cell.label, {})[len(self._known(cell).what.fitted_on.classnames)] = cell
        ends = {
            label: [
                (partial(made, own[n].method, clip, own[n].settings), self._fitted_on(own[n]), own[n].fit)
                for n in sorted({min(own), max(own)})
            ]
            for label, own in by_label.items()
        }
        self._pace = pace_of(clip, ends, progress)

    def cost(self, cell: Any) -> float | None:
        from lessons_lib.methods.parts.cost import Sizes
        from lessons_lib.runs.pace import steps_of

        if self.model != "toyclip" and self._pace is None:
            return None
        what = self._known(cell).what
        classes = len(what.fitted_on.classnames)
        tested = [len(task.test) for task in what.tests.values()]
        if self._pace and cell.label in self._pace.taken:
            steps = steps_of(self.fit_settings(cell), cell.shots * classes)
            return self._pace.run(cell.label, classes, steps, tested)
        sizes = Sizes(classes, cell.shots * classes, sum(tested), cell.shots, dict(cell.fit))
        return self._method(cell).cost(sizes if self._pace is None else replace(sizes, encode=self._pace.encode))

    def once(self, cells: Sequence[Any]) -> float:
        """For the frozen tower's features that are not kept yet, where a pace was measured."""
        if self._pace is None:
            return 0.0
        splits = []
        for (*_, validates), cell in {
            (cell.protocol, cell.task, cell.shots, cell.seed, cell.fold, self._method(cell).needs_validation): cell
            for cell in cells
            if self._reads_features(cell)
        }.items():
            task = self._fitted_on(cell)
            splits += [task.train, *(one.test for one in self._known(cell).what.tests.values())]
            splits += [task.val] if validates and task.val is not None else []
        return self._pace.once(self._loaded.clip, splits)

    def alike(self, cell: Any) -> str:
        return f"{cell.protocol} {cell.label}"

    def size(self, cell: Any) -> float:
        return float(cell.shots)

    def _fitted_on(self, cell: Any) -> "Task":
        """With its shots."""
        from lessons_lib.runs.protocols import trial

        sample = self._loaded.task(cell.task).sample(cell.shots, seed=cell.seed)
        return trial(cell.protocol, sample, self._known(cell).others, cell.held_out).fitted_on

    def _reads_features(self, cell: Any) -> bool:
        return not getattr(self._method(cell), "learns_from_pixels", False)
