"""Linear probe: L2-regularised logistic regression on frozen image features (Radford et al., ICML 2021, appendix A.3).

    min over W, b of  ‖W‖² / 2 + C · Σ_i CE(W f(x_i) + b, y_i)      by L-BFGS, at most 1000 iterations

C is chosen on validation images. CLIP's authors search 1e-6 to 1e6 coarse to fine: 7 values two decades apart, then the
interval around the best one is halved four times, down to an eighth of a decade; CoOp's authors do so for few shots.
Here it is halved twice, to half a decade: 4 validation images a class tell finer steps apart by chance alone. Of values
that are equally accurate, the one with the lowest cross-entropy on the same validation images is taken.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor

from lessons_lib.methods.classifier import Classifier
from lessons_lib.methods.parts.cost import AT_LEAST, Sizes
from lessons_lib.methods.parts.rows import check_every_class, known_rows, no_rows_for
from lessons_lib.methods.parts.starts import check_whole, empty_linear
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

C_GRID = (1e-6, 1e-4, 1e-2, 1e0, 1e2, 1e4, 1e6)
ONE_THREAD = 10**8  # multiply-adds of a pass, N · D · C, below which BLAS's threads cost more than they bring


class LinearProbe(Classifier):
    """A linear layer on the image features, fitted by scikit-learn; the text tower is not used.

    C_grid: values of C, the inverse strength of the regularisation, to begin with; one value is taken as it is, and
        then no validation image is looked at.
    refinements: how often the interval around the best value is halved (4 is the published resolution).
    max_iter: L-BFGS iterations a fit. Where the last fit needs more, `fit` warns and `converged` is False.
    Before `fit` it knows nothing; then the classes of its fit, and any two or more of them.

    After `fit`: `linear` (weight (C, D), bias (C,)), the chosen `C`, `converged`, and `sweep`, a list of
    dict(C, accuracy (percent), loss, converged) on the validation images, by ascending C.
    """

    HEARS = True
    CHOOSES = ("C", "LinearProbe(clip, C_grid=[1.0])")
    PAPER_NAME = "linear probe"
    IN_PAPER = ("refinements",)
    PER_IMAGE = 1e-3  # with the search

    def __init__(self, clip: "Clip", *, C_grid: Sequence[float] = C_GRID, refinements: int = 2, max_iter: int = 1000):
        super().__init__(clip)
        self.C_grid = [float(C) for C in C_grid]
        if not self.C_grid or min(self.C_grid) <= 0 or not np.isfinite(self.C_grid).all():
            raise ValueError(f"C_grid must hold at least one positive number; got {list(C_grid)}")
        check_whole("refinements", refinements, "how often to halve the interval around the best C, at least 0")
        check_whole("max_iter", max_iter, "a whole number of iterations, at least 1", 1)
        self.needs_validation = len(self.C_grid) > 1
        self.refinements = refinements
        self.max_iter = max_iter
        self.linear: torch.nn.Linear | None = None
        self.C: float | None = None
        self.converged: bool | None = None
        self.sweep: list[dict] = []

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        if len(names) < 2:
            raise ValueError(f"a linear probe needs at least 2 classes; got {names}")
        super().set_classes(names)

    def check_ready(self) -> None:
        if self.linear is None:
            raise RuntimeError("this LinearProbe has learned nothing yet, and no classes: call fit(task) first")

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        why = (
            "a linear probe has weights only for the classes that it was fitted on, and no text from which to make "
            "others: fit a new LinearProbe on a task with these classes, or use ZeroShot"
        )
        return no_rows_for(to, fitted_on, why)

    def for_classes(self, classnames: Iterable[str]) -> "LinearProbe":
        self.check_ready()
        return super().for_classes(classnames)

    def carried(self, classnames: list[str]) -> dict[str, Tensor] | None:
        return known_rows(self, classnames)

    def load_state_dict(self, state: dict, *args, **kwargs):
        self.linear = empty_linear(self.clip.embed_dim, len(self.classnames)).to(self.clip.device)
        return super().load_state_dict(state, *args, **kwargs)

    def check_task(self, task: "Task") -> None:
        super().check_task(task)
        check_every_class(task.train.labels, task.classnames, "a linear probe needs at least one image of every class")

    def fit(self, task: "Task") -> "LinearProbe":
        """Chooses C on `task.val`, then fits on `task.train` alone (few-shot protocol: validation images never train).

        Raises ValueError where a class has no training image, or where there is no validation image to choose C on.
        """
        self.check_task(task)
        train_x, train_y = self._arrays(task.train)  # (N, D), (N,)
        self.begin(task)
        self.C, self.sweep = self.C_grid[0], []
        if self.needs_validation:
            self.C = self._choose_C(train_x, train_y, task.val)

        regression = Regression(train_x, train_y, max_iter=self.max_iter)
        self.converged = regression.fit(self.C)
        if not self.converged:
            warnings.warn(
                f"the linear probe at C={self.C:g} did not converge within {self.max_iter} iterations: raise max_iter",
                ConvergenceWarning,
                stacklevel=2,
            )
        weight, bias = (torch.from_numpy(values) for values in regression.weight_and_bias())
        self.load_state_dict({"linear.weight": weight, "linear.bias": bias})
        return self

    def cost(self, sizes: Sizes) -> float | None:
        return AT_LEAST + self.PER_IMAGE * sizes.trained_on if sizes.known else None

    def logits_from_features(self, features: Tensor) -> Tensor:
        """features: (N, D), L2-normalised. Returns (N, C)."""
        return self.linear(self.check_features(features))

    def _arrays(self, split: "Split") -> tuple[np.ndarray, np.ndarray]:
        """Features (N, D) in float64, so that L-BFGS can meet its tolerance, and labels (N,)."""
        return self.features(split).double().cpu().numpy(), np.asarray(split.labels)

    def _choose_C(self, train_x: np.ndarray, train_y: np.ndarray, val: "Split") -> float:
        val_x, val_y = self._arrays(val)
        regression = Regression(train_x, train_y, max_iter=self.max_iter, warm_start=True)
        tried: dict[float, dict] = {}

        def measure(C: float) -> None:
            converged = regression.fit(C)
            log_p = regression.log_probabilities(val_x)  # (N, C)
            accuracy = 100 * float((log_p.argmax(axis=1) == val_y).mean())
            loss = -float(log_p[np.arange(len(val_y)), val_y].mean())
            tried[C] = {"C": C, "accuracy": accuracy, "loss": loss, "converged": converged}

        def best() -> float:
            return max(tried, key=lambda C: (tried[C]["accuracy"], -tried[C]["loss"]))

        for C in sorted(set(self.C_grid)):
            measure(C)
        for _ in range(self.refinements):
            values = sorted(tried)
            at = values.index(best())
            for neighbour in values[max(at - 1, 0) : at] + values[at + 1 : at + 2]:
                measure((values[at] * neighbour) ** 0.5)  # half way between the two, in decades
        self.sweep = [tried[C] for C in sorted(tried)]
        return best()


class Regression:
    """scikit-learn's logistic regression, made to converge on CLIP's features, which lie in a narrow cone.

    L-BFGS works on (x − mean) / spread with C · spread². That has the optimum of x with C, since the bias is not
    regularised, and is reached in fewer iterations. The tolerance is on the gradient of the mean loss: at
    scikit-learn's 1e-4, all C above 100 or so stop at one place, long before the regularisation is felt.

    x: (N, D), y: (N,). warm_start: each fit begins at the last one's solution.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, *, max_iter: int, warm_start: bool = False):
        self.mean = x.mean(axis=0)  # (D,)
        self.spread = float(np.sqrt(((x - self.mean) ** 2).sum(axis=1).mean())) or 1.0
        self.x, self.y = self._standardised(x), y
        self.model = LogisticRegression(tol=1e-6, max_iter=max_iter, warm_start=warm_start)

    def fit(self, C: float) -> bool:
        """Fits, and returns whether it converged; scikit-learn only warns."""
        self.model.C = C * self.spread**2
        threads = 1 if self.x.size * len(np.unique(self.y)) < ONE_THREAD else None
        with threadpool_limits(threads, user_api="blas"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", message="The number of unique classes")  # as ever at 1 shot
            self.model.fit(self.x, self.y)
        for warning in caught:
            if not issubclass(warning.category, ConvergenceWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)

    def log_probabilities(self, x: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, C)."""
        return self.model.predict_log_proba(self._standardised(x))

    def weight_and_bias(self) -> tuple[np.ndarray, np.ndarray]:
        """(C, D) and (C,), for the features as they are."""
        weight = self.model.coef_ / self.spread
        bias = self.model.intercept_ - weight @ self.mean
        if len(weight) == 1:  # of two classes scikit-learn keeps one row, the difference of their logits
            return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        return weight, bias

    def _standardised(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean) / self.spread
