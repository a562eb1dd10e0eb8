"""The kinds of work of the comparison: fits whose rows say how long they learned, and how embeddings lie after it."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from lessons_lib.metrics import geometry
from lessons_lib.runs import Cell, FitAndTest, Result, Row
from lessons_lib.runs.checks import made
from lessons_lib.runs.protocols import Trial, measured


@dataclass(frozen=True)
class Fit(Cell):
    """A few-shot cell that is measured on all test images, and on those that it was fitted to."""


class Trained(FitAndTest):
    """Tables have columns for how it learned: lr, epochs and steps."""

    def columns(self, cell: Cell) -> dict[str, Any]:
        fit = self.fit_settings(cell)
        found = {name: fit.get(name) for name in ("lr", "epochs", "steps")}
        if found["epochs"]:
            images = cell.shots * len(self._known(cell).what.fitted_on.classnames)
            found["steps"] = found["epochs"] * math.ceil(images / (fit.get("batch_size") or images))
        return {**super().columns(cell), **found}

    def carry_out(self, cell: Cell) -> Result:
        """A search goes on past a rate at which the loss is no longer finite: it counts as nothing right."""
        try:
            return super().carry_out(cell)
        except FloatingPointError:
            if not cell.protocol.endswith(" validation"):
                raise
            return Result([Row(self._known(cell).kept["val"], "accuracy", 0.0)])


class FitAndLook(Trained):
    """Rows of "test", and of "train" with, besides, inter_class_dispersion of the texts and intra_class_variance
    of the images (`lessons_lib.metrics.geometry`)."""

    kind = "fit, test and look at the embeddings"

    def unit(self, metric: str) -> str:
        return "%" if metric == "accuracy" else ""

    @torch.no_grad()
    def carry_out(self, cell: Fit) -> Result:
        task = self._loaded.task(cell.task).sample(cell.shots, seed=cell.seed)
        method = made(cell.method, self._loaded.clip, cell.settings)
        with torch.enable_grad():
            cost = measured(method, Trial(task, {}), cell.seed, cell.fit)
        found = {
            ("test", "accuracy"): method.score(task.test),
            ("train", "accuracy"): method.score(task.train),
            ("train", "inter_class_dispersion"): geometry.inter_class_dispersion(method.text_features()),
            ("train", "intra_class_variance"): geometry.intra_class_variance(
                method.features(task.train), task.train.labels
            ),
        }
        rows = [Row(on, metric, float(value)) for (on, metric), value in found.items()]
        return Result(rows, cost.n_parameters, cost.seconds, cost.peak_mib)
