"""The kind of work behind finding F11: a fit, what it is right about, and how its embeddings lie."""

from dataclasses import dataclass
from typing import Any

import torch

from lessons_lib.metrics import geometry
from lessons_lib.runs import Cell, FitAndTest, Result, Row
from lessons_lib.runs.checks import made
from lessons_lib.runs.protocols import Trial, measured


@dataclass(frozen=True)
class Fit(Cell):
    """A few-shot cell that is measured on all images of `tested_on`, "val" or "test", and on those that it was fitted
    to."""

    tested_on: str = "test"


class FitAndLook(FitAndTest):
    """Rows of `tested_on`, and of "train" with, besides, inter_class_dispersion of the texts and intra_class_variance
    of the images (`lessons_lib.metrics.geometry`)."""

    kind = "fit, test and look at the embeddings"

    def identity(self, cell: Fit) -> dict[str, Any]:
        return {**super().identity(cell), "tested on": cell.tested_on}

    def unit(self, metric: str) -> str:
        return "%" if metric == "accuracy" else ""

    @torch.no_grad()
    def carry_out(self, cell: Fit) -> Result:
        task = self._loaded.task(cell.task).sample(cell.shots, seed=cell.seed)
        method = made(cell.method, self._loaded.clip, cell.settings)
        with torch.enable_grad():
            cost = measured(method, Trial(task, {}), cell.seed, cell.fit)
        tested_on = {"val": task.val_pool, "test": task.test}[cell.tested_on]
        found = {
            (cell.tested_on, "accuracy"): method.score(tested_on),
            ("train", "accuracy"): method.score(task.train),
            ("train", "inter_class_dispersion"): geometry.inter_class_dispersion(method.text_features()),
            ("train", "intra_class_variance"): geometry.intra_class_variance(
                method.features(task.train), task.train.labels
            ),
        }
        rows = [Row(on, metric, float(value)) for (on, metric), value in found.items()]
        return Result(rows, cost.n_parameters, cost.seconds, cost.peak_mib)
