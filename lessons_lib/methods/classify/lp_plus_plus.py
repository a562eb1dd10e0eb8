"""LP++: a linear probe blended with the text classifier (Huang et al., "LP++: A Surprisingly Strong Linear Probe for
Few-Shot CLIP", CVPR 2024).

    logits_c = f(x) · (v_c + α_c t_c) + b_c        v_c, b_c, α_c: learned; t_c: the hand-made prompt's text embedding
Each class has a multiplier α_c of its own. There is no temperature: α takes its place. Nothing is searched: the start
and the sizes of the steps come from the training features F (N, D), with the whole training set in every step:
    v_c = Σ_{i of class c} f_i,  b_c = 0                      η_v = 4 N / σ_max(F)²
    α_c = 250 · mean over classes of mean_{i of class c} f_i · t_c     η_α = N / (4 max_c Σ_i (f_i · t_c)²)
From the paper: the logits, full batches, steps for v and for α in turn, sizes of steps from bounds on the curvature.
From the released code, which the paper's formulas are not checked against here: the constants above; steps for v and b
by SGD with momentum 0.9; one step for α every tenth epoch, along the sum of all gradients since the start (it never
clears them); 300 epochs, of which the one with the best validation accuracy is kept, the last of several.
From neither: b starts at 0 (there, at random numbers), and images are as they are (there, one random crop of each);
`views` gives crops.
"""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.features import image_features
from lessons_lib.inputs import check_views
from lessons_lib.methods.classifier import Classifier
from lessons_lib.methods.parts.cost import AT_LEAST, Sizes
from lessons_lib.methods.parts.rows import check_every_class, known_rows, no_rows_for
from lessons_lib.methods.parts.starts import check_whole
from lessons_lib.methods.parts.texts import one_template, texts_of
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

ALPHA_EVERY = 10  # epochs
MOMENTUM = 0.9


class LPPlusPlus(Classifier):
    """A linear probe plus class-wise multiples of the text classifier (LP++).

    alpha_start: what the mean cosine of images and their class's text is multiplied by to start α from; 250 is for
        CLIPs with a temperature of 100.
    template: the hand-made prompt; None for the task's.
    Before `fit` it is zero-shot CLIP, for any classes; then it knows those of its fit, and any choice of them.

    weight (C, D), bias (C,), alpha (C,): what is learned.   texts: t, (C, D), L2-normalised.
    history: a row an epoch of the last `fit`: epoch, lr (of v and b), loss, accuracy on the validation images (percent,
        0 to 100), seconds.
    epoch: the one that is kept; 0 is the start.
    """

    trains, EPOCHS = True, 300
    PAPER_NAME, ALIASES = "LP++", ("LP++",)
    PER_IMAGE = 1e-5

    def __init__(self, clip: "Clip", *, alpha_start: float = 250.0, template: str | None = None):
        super().__init__(clip)
        if not 0 <= alpha_start < float("inf"):
            raise ValueError(f"alpha_start={alpha_start!r}: give a number of at least 0")
        self.alpha_start = float(alpha_start)
        self.template = one_template(template)
        self.register_buffer("texts", None, persistent=False)
        self.epoch = 0

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = texts_of(self.clip, names, self.template or self.task_template)
        super().set_classes(names)
        self.weight = nn.Parameter(torch.zeros_like(self.texts))
        self.bias = nn.Parameter(torch.zeros_like(self.texts[:, 0]))
        self.alpha = nn.Parameter(torch.full_like(self.texts[:, 0], self.clip.logit_scale))

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        why = "LP++ has weights for each class that it was fitted on: fit a new LPPlusPlus on a task with these classes"
        return no_rows_for(to, fitted_on, why)

    def carried(self, classnames: list[str]) -> dict[str, Tensor] | None:
        return known_rows(self, classnames)

    def check_task(self, task: "Task") -> None:
        super().check_task(task)
        check_every_class(task.train.labels, task.classnames, "LP++ starts from the images of every class")

    def fit(
        self,
        task: "Task",
        *,
        epochs: int | None = None,
        views: str | int = "plain",
        seed: int = 1,
        progress: bool = True,
        workers: int = 0,
    ) -> "LPPlusPlus":
        """Learns from `task.train`, and keeps the epoch that is best on `task.val`. Returns self.

        epochs: None for the published 300.
        views: "plain", every image as it is; K, so many random crops of each (scale 0.5 to 1) in every step.
        seed: draws the crops, and nothing else.   progress: a bar where features take long to compute.
        workers: processes that open image files, here and in `score`.
        Without validation images the last epoch is kept. Raises ValueError where a class has no training image.
        """
        epochs = self.fit_settings(task.shots, epochs=epochs, views=views, seed=seed)["epochs"]
        self.check_task(task)
        f, labels = self._training(task.train, views, seed, progress, workers)  # (N, D), (N,)
        self.begin(task)
        self.workers = workers
        self._start(f, labels)
        val_f, val_labels = (self.features(task.val), task.val.labels.to(f.device)) if len(task.val) else (None, None)
        self.history, self.epoch, best = [], 0, None
        step_v, step_alpha = step_sizes(f, f @ self.texts.T)
        optimizer = torch.optim.SGD([self.weight, self.bias], lr=step_v, momentum=MOMENTUM)
        gradients = torch.zeros_like(self.alpha)  # of α, summed since the start
        for epoch in range(1, epochs + 1):
            start = time.perf_counter()
            loss = F.cross_entropy(self._blend(f), labels)
            self.weight.grad, self.bias.grad, gradient = torch.autograd.grad(loss, [self.weight, self.bias, self.alpha])
            optimizer.step()
            gradients += gradient
            with torch.no_grad():
                if epoch % ALPHA_EVERY == 0:
                    self.alpha -= step_alpha * gradients
                right = float("nan")
                if val_f is not None:
                    right = accuracy(self._blend(val_f).argmax(dim=1), val_labels)
            seconds = time.perf_counter() - start
            row = {"epoch": epoch, "lr": step_v, "loss": loss.item(), "accuracy": right, "seconds": seconds}
            self.history.append(row)
            if best is None or not right < best:  # without validation images: always
                best, self.epoch = right, epoch
                kept = {name: p.clone() for name, p in self.state_dict().items()}
        self.load_state_dict(kept)
        return self.eval()

    def fit_settings(self, shots: int | None = None, **fit) -> dict[str, Any]:
        found = super().fit_settings(shots, **fit)
        epochs = self.EPOCHS if found["epochs"] is None else found["epochs"]
        check_whole("epochs", epochs, "a whole number, at least 1", 1)
        check_whole("seed", found["seed"], "a whole number, at least 0")
        check_views(found["views"])
        if found["views"] == "fresh":
            raise ValueError("views='fresh': LP++ takes all images in every step: give 'plain', or a number of crops")
        return found | {"epochs": epochs}

    def cost(self, sizes: Sizes) -> float | None:
        if not sizes.known:
            return None
        return AT_LEAST + self.PER_IMAGE * sizes.trained_on * self.fit_settings(sizes.shots, **sizes.fit)["epochs"]

    def logits_from_features(self, features: Tensor) -> Tensor:
        """features: (N, D), L2-normalised. Returns (N, C)."""
        return self._blend(self.check_features(features))

    def _blend(self, f: Tensor) -> Tensor:
        return f @ (self.weight + self.alpha[:, None] * self.texts).T + self.bias  # (N, C)

    @torch.no_grad()
    def _start(self, f: Tensor, labels: Tensor) -> None:
        own = (f * self.texts[labels]).sum(dim=-1)  # (N,): each image's cosine to its class's text
        of_class = F.one_hot(labels, len(self.classnames)).T.to(f.dtype)  # (C, N)
        self.weight.copy_(of_class @ f)
        self.alpha.fill_(self.alpha_start * (of_class @ own / of_class.sum(dim=1)).mean())

    def _training(
        self, split: "Split", views: str | int, seed: int, progress: bool, workers: int
    ) -> tuple[Tensor, Tensor]:
        crops = {} if views == "plain" else {"augment": self.clip.make_augment((0.5, 1.0))}
        f = image_features(self.clip, split, view=views, seed=seed, progress=progress, num_workers=workers, **crops)
        labels = split.labels.to(f.device)
        return (f, labels) if views == "plain" else (f.flatten(0, 1), labels.repeat(len(f)))


def step_sizes(f: Tensor, cosines: Tensor) -> tuple[float, float]:
    """(η_v, η_α) from the training features f, (N, D), and their cosines to the class texts, (N, C)."""
    largest = torch.linalg.matrix_norm(f.double(), ord=2).item()  # σ_max
    return 4 * len(f) / largest**2, len(f) / (4 * cosines.square().sum(dim=0).max().item())
