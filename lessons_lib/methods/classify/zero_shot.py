"""Zero-shot CLIP (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021).

The class names, said in a sentence, are the classifier (section 3.1.2):
    logits = s · f(x) · w_cᵀ          w_c: the text embedding of the prompt of class c
Several templates are averaged (section 3.1.4): their normalised embeddings are, and the mean is normalised again, so at
test time an ensemble costs what one template costs. The mean of their probabilities is here to compare with.
"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from lessons_lib.methods.classifier import Classifier
from lessons_lib.methods.parts.cost import AT_LEAST, Sizes
from lessons_lib.methods.parts.texts import some_templates, texts_of_each
from lessons_lib.templates import apply, check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task


class ZeroShot(Classifier):
    """Classifies by the text embeddings of prompts; learns nothing, so `fit` only takes the task's names and template.

    templates: None for the task's default; one template ("{}" is the bare name); several, which are averaged; or
        "imagenet80" or "imagenet7", the ensembles published for ImageNet.
    ensemble: "embedding" averages the text embeddings, "probability" the probabilities that each template gives.
    classnames: words to say for the classes, in their order, instead of the task's own ("crane bird" for "crane").
    Raises ValueError for a template without exactly one "{}", and for empty or repeated names.

    text_features: (C, D), the classifier, L2-normalised.
    """

    HEARS = True

    def __init__(
        self,
        clip: "Clip",
        templates: str | list[str] | None = None,
        *,
        ensemble: str = "embedding",
        classnames: list[str] | None = None,
    ):
        super().__init__(clip)
        if ensemble not in ("embedding", "probability"):
            raise ValueError(f'ensemble is "embedding" or "probability"; got {ensemble!r}')
        self.ensemble = ensemble
        self.templates = some_templates(templates)
        self.said = None if classnames is None else check_classnames(classnames)
        self.register_buffer("text_features", None, persistent=False)
        self.register_buffer("template_features", None, persistent=False)  # (T, C, D)
        if self.said is not None:
            self.set_classes(self.said)

    def settings(self) -> dict:
        return {"templates": self.templates, "ensemble": self.ensemble, "classnames": self.said}

    def prompts(self) -> list[list[str]]:
        """What is said: one list of C prompts a template."""
        names = self.said or self.classnames
        return [[apply(template, name) for name in names] for template in self.templates or [self.task_template]]

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        if self.said is not None and len(self.said) != len(names):
            raise ValueError(
                f"there are {len(names)} classes, but {len(self.said)} names to say for them: give "
                "ZeroShot(classnames=...) one for each class, in their order"
            )
        features = texts_of_each(self.clip, self.said or names, self.templates or [self.task_template])  # (T, C, D)
        self.text_features = F.normalize(features.mean(dim=0), dim=-1)  # (C, D)
        self.template_features = features if self.ensemble == "probability" else None
        super().set_classes(names)

    def fit(self, task: "Task") -> "ZeroShot":
        """Takes the class names, and the default template, of the task. Returns self."""
        self.check_task(task)
        self.begin(task)
        return self

    def for_classes(self, classnames: Iterable[str]) -> "ZeroShot":
        """Where it was told words to say, they stay those of their classes; other classes are said by their names."""
        names = check_classnames(classnames)
        words = dict(zip(self.classnames or (), self.said or ()))
        said = [words.get(name, name) for name in names] if words else None
        other = ZeroShot(self.clip, self.templates, ensemble=self.ensemble, classnames=said)
        other.task_template, other.workers = self.task_template, self.workers
        other.set_classes(names)
        return other.eval()

    def cost(self, sizes: Sizes) -> float | None:
        return AT_LEAST if sizes.known else None

    def logits_from_features(self, features: Tensor) -> Tensor:
        """features: (N, D), L2-normalised. Returns (N, C): s × cosines, or log mean probabilities."""
        features = self.check_features(features)
        if self.ensemble == "embedding":
            return self.clip.logit_scale * features @ self.text_features.T  # (N, C)
        logits = [self.clip.logit_scale * features @ texts.T for texts in self.template_features]  # T × (N, C)
        return log_mean_probability(logits)


def log_mean_probability(logits: Iterable[Tensor]) -> Tensor:
    """The log of the mean of several softmaxes. logits: each (N, C). Returns (N, C)."""
    total, count = None, 0
    for each in logits:
        log_p = each.log_softmax(dim=1)
        total = log_p if total is None else total.logaddexp(log_p)
        count += 1
    return total - math.log(count)
