"""CLIP-Adapter: small networks behind the frozen towers (Gao et al., "CLIP-Adapter", IJCV 2023).

    f' = α · A(f) + (1 − α) · f,    A = Linear(D → D/4) → ReLU → Linear(D/4 → D) → ReLU     (equations 5 and 7)
    w' = β · A_t(w) + (1 − β) · w,  the same for texts, where there is a text adapter         (equations 6 and 8)
    logits = s · f'/‖f'‖ · (w'/‖w'‖)ᵀ
The linear layers have no biases, as released, so A(c f) = c A(f) for c > 0: whether f is normalised before it is
adapted, as here, or only after, as in the released code, f'/‖f'‖ is the same.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import Sizes
from lessons_lib.methods.parts.starts import check_whole, empty_linear, reset_linear
from lessons_lib.methods.parts.texts import mean_texts_of, some_templates
from lessons_lib.metrics.accuracy import accuracy
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

ALPHAS = (0.2, 0.4, 0.6, 0.8, 1.0)  # the paper's table of residual ratios, without 0, which learns nothing


class CLIPAdapter(LearnedClassifier):
    """A residual adapter on image embeddings, and if asked for one on text embeddings.

    reduction: D over the width between an adapter's two layers.
    alpha: how much of f' is new: a number above 0, up to 1; "validation", the most accurate on `task.val` of 0.2, 0.4,
        0.6, 0.8 and 1, each of which is trained (of equals the one with the lower loss there); or "learnable", the
        sigmoid of a number that is trained from 0.2.
    text_adapter, beta: whether texts are adapted as well, and how much of w' is new.
    templates: of the texts, as `ZeroShot` takes them; None for the task's.
    Published training: the released code's, which is CoOp's (lr 0.002, batches of 32, up to 200 epochs); the paper
    itself names lr 1e-5.
    Raises ValueError for settings out of range.

    adapter, text_adapter_layers, alpha_logit: what is learned.   ratio: the α that is used.
    sweep: with "validation", dicts of alpha, accuracy (percent) and loss on the validation images.
    """

    CHOOSES = ("alpha", "CLIPAdapter(clip, alpha=0.2)")
    PAPER_NAME, IN_PAPER = "CLIP-Adapter", ("alpha", "text_adapter", "beta")
    PER_IMAGE = 3.6e-5

    def __init__(
        self,
        clip: "Clip",
        *,
        reduction: int = 4,
        alpha: float | str = 0.2,
        text_adapter: bool = False,
        beta: float = 0.2,
        templates: str | list[str] | None = None,
    ):
        super().__init__(clip)
        width = clip.embed_dim
        check_whole("reduction", reduction, f"a whole number from 1 to {width}, the width", 1, width)
        if alpha not in ("validation", "learnable") and not _is_share(alpha):
            raise ValueError(f"alpha={alpha!r}: give a number above 0 and up to 1, 'validation' or 'learnable'")
        if not _is_share(beta):
            raise ValueError(f"beta={beta!r}: give a number above 0 and up to 1")
        self.reduction, self.alpha, self.text_adapter, self.beta = reduction, alpha, text_adapter, beta
        self.needs_validation = alpha == "validation"
        self.templates = some_templates(templates)
        self.sweep: list[dict] = []
        self.adapter = empty_adapter(clip, reduction)
        if text_adapter:
            self.text_adapter_layers = empty_adapter(clip, reduction)
        self.register_buffer("texts", None, persistent=False)  # (C, D)
        if alpha == "validation":
            self.register_buffer("chosen", torch.tensor(ALPHAS[0]))
        self.reset(seed=1)

    @property
    def ratio(self) -> Tensor | float:
        """α, of which "learnable" has a gradient."""
        if self.alpha == "learnable":
            return self.alpha_logit.sigmoid()
        return float(self.chosen) if self.alpha == "validation" else self.alpha

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = mean_texts_of(self.clip, names, self.templates or [self.task_template])
        super().set_classes(names)

    def reset(self, seed: int) -> None:
        draws = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                reset_linear(layer, draws)
        if self.alpha == "learnable":
            self.alpha_logit = nn.Parameter(torch.tensor(0.2, device=self.clip.device).logit())

    def fit(self, task: "Task", *, checkpoint: str | Path | None = None, **settings) -> "CLIPAdapter":
        """As `Learned.fit`. With alpha="validation" it trains once for each of `ALPHAS`, and looks at `task.val`; a
        checkpoint is then a file for each, named by α. Raises ValueError where there are no validation images."""
        if self.alpha != "validation":
            return super().fit(task, checkpoint=checkpoint, **settings)
        self.fit_settings(task.shots, **settings)  # says now what would fail later
        self.check_task(task)
        self.begin(task)
        self.workers = settings.get("workers", 0)
        tried: list[CLIPAdapter] = []
        self.sweep = []
        for alpha in ALPHAS:
            trial = CLIPAdapter(self.clip, **{**self.settings(), "alpha": alpha})
            path = None if checkpoint is None else Path(checkpoint).with_suffix(f".alpha-{alpha}.pt")
            tried.append(trial.fit(task, checkpoint=path, **settings))
            self.sweep.append({"alpha": alpha, **_measured(trial, task.val)})
        best = max(range(len(ALPHAS)), key=lambda i: (self.sweep[i]["accuracy"], -self.sweep[i]["loss"]))
        self.load_state_dict({**tried[best].state_dict(), "chosen": torch.tensor(ALPHAS[best])})
        self.history = tried[best].history
        return self.eval()

    def cost(self, sizes: Sizes) -> float | None:
        seconds = super().cost(sizes)
        return seconds if seconds is None or self.alpha != "validation" else seconds * len(ALPHAS)

    def text_features(self) -> Tensor:
        return adapted(self.texts, self.text_adapter_layers, self.beta) if self.text_adapter else self.texts  # (C, D)

    def compare(self, features: Tensor) -> Tensor:
        """features: (n, D) -> logits (n, C)."""
        return super().compare(adapted(features, self.adapter, self.ratio))


def empty_adapter(clip: "Clip", reduction: int) -> nn.Sequential:
    """Linear → ReLU → Linear → ReLU; `reset_linear` has to fill it."""
    wide, narrow = clip.embed_dim, clip.embed_dim // reduction
    down, up = empty_linear(wide, narrow, bias=False), empty_linear(narrow, wide, bias=False)
    return nn.Sequential(down, nn.ReLU(), up, nn.ReLU()).to(clip.device)


def adapted(features: Tensor, adapter: nn.Module, ratio: Tensor | float) -> Tensor:
    """(n, D) -> (n, D), L2-normalised."""
    return F.normalize(ratio * adapter(features) + (1 - ratio) * features, dim=-1)


@torch.no_grad()
def _measured(method: CLIPAdapter, split: "Split") -> dict:
    logits, labels = method.logits(split), split.labels.to(method.clip.device)
    return {
        "accuracy": accuracy(logits.argmax(dim=1), labels),
        "loss": F.cross_entropy(logits, labels).item(),
    }


def _is_share(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and 0 < value <= 1
