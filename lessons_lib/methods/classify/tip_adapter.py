"""Tip-Adapter: few-shot images as a cache of keys and values (Zhang et al., ECCV 2022), and Tip-Adapter-F.

An image asks the cache which training images it resembles, and their labels are added to the zero-shot logits:
    φ(A) = exp(−β (1 − A)),     A = f(x) F_trainᵀ                                 (equation 5)
    logits = α · φ(A) L_train + s · f(x) Wᵀ                                       (equation 6)
F_train: (NK, D), the mean of each training image's augmented views, then normalised.   L_train: their labels, one-hot.
Nothing is trained; α and β are searched on validation images. Tip-Adapter-F makes the keys learnable (section 3.3).
The authors' code picks Tip-Adapter-F's best epoch by the test images; here the last epoch is kept.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.features import image_features
from lessons_lib.inputs import check_views
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cache_search import check_grid, grid, places_by_class, search_alpha_beta, spread
from lessons_lib.methods.parts.cost import AT_LEAST, Sizes
from lessons_lib.methods.parts.rows import no_rows_for
from lessons_lib.methods.parts.starts import check_whole
from lessons_lib.methods.parts.texts import mean_texts_of, some_templates
from lessons_lib.templates import check_classnames
from lessons_lib.training import Recipe, train

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Split, Task

CROP_SCALE = (0.5, 1.0)  # share of the image's area in an augmented view
PUBLISHED = {  # limits of β and α, and the α that keys are learned with, for each data set; by its toy twin's name
    "things": (7, 3, 1.17),  # ImageNet
    "objects": (12, 5, 3),  # Caltech101
    "pets": (7, 3, 1.17),
    "cars": (20, 10, 3),
    "flowers": (50, 50, 10),
    "food": (10, 10, 1.17),
    "aircraft": (30, 30, 5),
    "scenes": (12, 10, 1.17),  # SUN397
    "textures": (13, 13, 2),  # DTD
    "satellite": (12, 10, 2),  # EuroSAT
    "actions": (7, 3, 3),  # UCF101
}


class TipAdapter(LearnedClassifier):
    """A cache of few-shot images beside the zero-shot classifier.

    finetune: learn the keys as well (Tip-Adapter-F).
    n_views: augmented views that a key is the mean of; 0 for the plain image.
    templates: of the zero-shot classifier, as `ZeroShot` takes them; None for the task's.
    search: whether `fit` chooses α and β on `task.val`; else they stay `init_alpha` and `init_beta`.
    search_scale, search_steps: up to where β and α are tried, by default the medians of `PUBLISHED` (α adds to logits
        of scale s, so at a small s large α are of less use), and how many values of each.
    init_alpha, init_beta: what Tip-Adapter-F learns its keys with, as on ImageNet.
    unseen: what `for_classes` does with classes that the cache has no image of. "error" refuses them; "zero-shot"
        gives them the zero-shot term alone, as base-to-new protocols need it: there the cache is of no use.
    Published training of the keys: AdamW, lr 0.001, batches of 256, 20 epochs (100 on EuroSAT), cosine a step.
    Raises ValueError for settings out of range.

    keys: (NK, D), key_labels: (NK,), texts: W (C, D).   alpha, beta: what was chosen.
    accuracies: (n_beta, n_alpha) percent on the validation images, for `betas` × `alphas`; (0, 0) without a search.
    """

    LR, BATCH_SIZE, WEIGHT_DECAY, WARMUP_EPOCHS, EPOCHS = 0.001, 256, 0.01, 0, 20
    CHOOSES = ("alpha and beta", "TipAdapter(clip, search=False, init_alpha=1.17, init_beta=1.0)")
    PAPER_NAME, IN_PAPER = "Tip-Adapter", ("finetune", "unseen")
    PER_IMAGE, FORMAT = 2e-5, 2  # 1 normalised each view before their mean, unlike the release

    def __init__(
        self,
        clip: "Clip",
        *,
        finetune: bool = False,
        n_views: int = 10,
        templates: str | list[str] | None = None,
        search: bool = True,
        search_scale: tuple[float, float] = (12.0, 10.0),
        search_steps: tuple[int, int] = (200, 20),
        init_alpha: float = 1.17,
        init_beta: float = 1.0,
        unseen: str = "error",
    ):
        super().__init__(clip)
        check_whole("n_views", n_views, "a number of augmented views, or 0 for plain images")
        check_grid(search_scale, search_steps)
        if min(init_alpha, init_beta) <= 0:
            raise ValueError(f"init_alpha={init_alpha}, init_beta={init_beta}: give numbers above 0")
        if unseen not in ("error", "zero-shot"):
            raise ValueError(f'unseen is "error" or "zero-shot"; got {unseen!r}')
        self.finetune, self.n_views, self.search, self.unseen = finetune, n_views, search, unseen
        self.trains, self.needs_validation = finetune, search
        self.search_scale, self.search_steps = list(search_scale), list(search_steps)
        self.init_alpha, self.init_beta, self.templates = init_alpha, init_beta, some_templates(templates)
        self.register_buffer("texts", None, persistent=False)  # (C, D)
        self.register_buffer("chosen", torch.tensor([init_alpha, init_beta], dtype=torch.float64))
        self.register_buffer("accuracies", torch.empty(0, 0, dtype=torch.float64))
        self.hold(torch.empty(0, clip.embed_dim), torch.empty(0, dtype=torch.long))

    @property
    def alpha(self) -> float:
        return float(self.chosen[0])

    @property
    def beta(self) -> float:
        return float(self.chosen[1])

    @property
    def betas(self) -> Tensor:
        """(n_beta,) that the search tries: from 0.1 in equal steps, the limit itself left out, as released."""
        return grid(self.search_scale[0], self.search_steps[0])

    @property
    def alphas(self) -> Tensor:
        """(n_alpha,) that the search tries."""
        return grid(self.search_scale[1], self.search_steps[1])

    @property
    def paper_name(self) -> str:
        name = super().paper_name
        return f"{name}-F" if name and self.finetune else name

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = mean_texts_of(self.clip, names, self.templates or [self.task_template])
        super().set_classes(names)
        self._place()

    def hold(self, keys: Tensor, labels: Tensor) -> None:
        """Takes these keys (NK, D) and their classes (NK,) as the cache."""
        keys = keys.to(self.clip.device)
        if self.finetune:
            self.keys = nn.Parameter(keys.clone())
        else:
            self.register_buffer("keys", keys)
        self.register_buffer("key_labels", labels.to(self.clip.device))
        self._place()

    def _place(self) -> None:
        if self.classnames is not None:
            self.places = places_by_class(self.key_labels, len(self.classnames))  # (K, C)

    def fit(
        self,
        task: "Task",
        *,
        epochs: int | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        seed: int = 1,
        views: str | int | None = None,
        checkpoint: str | Path | None = None,
        progress: bool = True,
        workers: int = 0,
    ) -> "TipAdapter":
        """Fills the cache from `task.train`, learns the keys where `finetune`, chooses α and β on `task.val`.

        seed: draws the views, and the order of images.   views: that the keys learn from, None for those that made
        them, "fresh" as published.   epochs, lr, batch_size, views, checkpoint: of use with `finetune` alone.
        Raises ValueError for impossible settings, a class without images, and where there is nothing to choose on.
        """
        recipe = self.recipe(task.shots, epochs, lr, batch_size, seed=seed)
        views = self._views(views)
        self.check_task(task)
        augment = self.clip.make_augment(CROP_SCALE)
        made_of = {"view": self.n_views or "plain", "seed": recipe.seed, "augment": augment}
        how = {"output": "raw", "progress": progress, "num_workers": workers}
        raw = image_features(self.clip, task.train, **made_of, **how)  # (NK, D), or (K, NK, D)
        keys = F.normalize(raw.mean(dim=0) if self.n_views else raw, dim=-1)  # (NK, D)
        self.begin(task)
        self.workers = workers
        self.hold(keys, task.train.labels)
        self.history, self.accuracies = [], self.accuracies.new_empty(0, 0)
        self.chosen = self.chosen.new_tensor([self.init_alpha, self.init_beta])
        if self.finetune:
            common = {"checkpoint": checkpoint, "progress": progress, "workers": workers}
            train(self, task.train, recipe, views=views, augment=augment, **common)
        if self.search:
            self._choose(task.val)
        return self.eval()

    @torch.no_grad()
    def _choose(self, val: "Split") -> None:
        features, values = self.features(val), F.one_hot(self.key_labels, len(self.classnames))
        zero_shot = self.clip.logit_scale * features @ self.texts.T
        alpha, beta, self.accuracies = search_alpha_beta(
            features @ self.keys.T, values, zero_shot, val.labels, self.alphas, self.betas
        )
        self.chosen = self.chosen.new_tensor([alpha, beta])

    def recipe(self, shots: int | None, *published: float | None, **settings) -> Recipe:
        as_released = {"optimizer": "adamw", "eps": 1e-4, "schedule": "step", "drop_last": False}
        return super().recipe(shots, *published, **as_released, **settings)

    def fit_settings(self, shots: int | None = None, **fit) -> dict[str, Any]:
        """Where the keys are not learned, the seed alone counts; the rest is checked nevertheless."""
        found = super().fit_settings(shots, **{**fit, "views": self._views(fit.get("views"))})
        return found if self.finetune else {"seed": found["seed"]}

    def _views(self, views: str | int | None) -> str | int:
        return check_views(self.n_views or "plain" if views is None else views)

    def cost(self, sizes: Sizes) -> float | None:
        """With its views, which are made anew for every seed."""
        if not sizes.known:
            return None
        epochs = self.fit_settings(sizes.shots, **sizes.fit).get("epochs", 0)
        return AT_LEAST + sizes.trained_on * (self.PER_IMAGE * epochs + self.n_views * sizes.encode)

    def check_task(self, task: "Task") -> None:
        super().check_task(task)
        cached = {task.classnames[label] for label in task.train.labels.tolist()}
        if reason := self.carries(task.classnames, [name for name in task.classnames if name in cached]):
            raise ValueError(reason)

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        why = (
            "the cache has no image of some classes: fit on a task with images of them, or use "
            "TipAdapter(unseen='zero-shot'), for which the zero-shot term is all they get"
        )
        return no_rows_for(to, fitted_on, why) if self.unseen == "error" else ""

    def carried(self, classnames: list[str]) -> dict[str, Tensor]:
        """The cache's part for these classes, with α and β as they are; before `fit` it is empty."""
        state = self.state_dict()
        if self.classnames is not None:
            of_class = [classnames.index(name) if name in classnames else -1 for name in self.classnames]
            labels = torch.tensor(of_class, device=self.key_labels.device)[self.key_labels]  # (NK,), -1 is left out
            state |= {"keys": self.keys.detach()[labels >= 0], "key_labels": labels[labels >= 0]}
        return state

    def load_state_dict(self, state: dict, *args, **kwargs):
        sizes = ("keys", "key_labels", "accuracies")  # which the training images and the search decided
        if all(name in state for name in sizes):
            if state["keys"].shape != self.keys.shape:
                self.hold(state["keys"], state["key_labels"])
            self.accuracies = torch.empty_like(state["accuracies"], device="cpu")
        result = super().load_state_dict(state, *args, **kwargs)
        self._place()
        return result

    def compare(self, features: Tensor) -> Tensor:
        """features: (n, D) -> logits (n, C)."""
        zero_shot = self.clip.logit_scale * features @ self.texts.T  # (n, C)
        likeness = (-self.beta * (1 - features @ self.keys.T)).exp()  # (n, NK)
        return zero_shot + self.alpha * spread(likeness, self.places, 0.0).sum(dim=0)  # (n, C)
