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

from lessons_lib.methods.base import Method
from lessons_lib.templates import DEFAULT, apply, check_classnames, check_templates

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task


class ZeroShot(Method):
    """Classifies by the text embeddings of prompts; learns nothing, so `fit` only takes the task's names and template.

    templates: None for the task's default; one template ("{}" is the bare name); several, which are averaged; or
        "imagenet80" or "imagenet7", the ensembles published for ImageNet.
    ensemble: "embedding" averages the text embeddings, "probability" the probabilities that each template gives.
    classnames: words to say for the classes, in their order, instead of the task's own ("crane bird" for "crane").
    Raises ValueError for a template without exactly one "{}", and for empty or repeated names.

    text_features: (C, D), the classifier, L2-normalised.
    """

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
        self.templates = None if templates is None else check_templates(templates)
        self.said = None if classnames is None else check_classnames(classnames)
        self.task_template = DEFAULT
        self.register_buffer("text_features", None, persistent=False)
        self.register_buffer("template_features", None, persistent=False)  # (T, C, D)
        if self.said is not None:
            self.set_classes(self.said)

    def settings(self) -> dict:
        return {"templates": self.templates or [self.task_template], "ensemble": self.ensemble, "classnames": self.said}

    def prompts(self) -> list[list[str]]:
        """What is said: one list of C prompts a template."""
        names = self.said or self.classnames
        return [[apply(template, name) for name in names] for template in self.settings()["templates"]]

    def set_classes(self, classnames: Iterable[str]) -> None:
        super().set_classes(classnames)
        if self.said is not None and len(self.said) != len(self.classnames):
            raise ValueError(
                f"there are {len(self.classnames)} classes, but {len(self.said)} names to say for them: give "
                "ZeroShot(classnames=...) one for each class, in their order"
            )
        prompts = self.prompts()
        features = self.clip.encode_texts(sum(prompts, [])).unflatten(0, (len(prompts), -1))  # (T, C, D)
        self.text_features = F.normalize(features.mean(dim=0), dim=-1)  # (C, D)
        self.template_features = features if self.ensemble == "probability" else None

    def fit(self, task: "Task") -> "ZeroShot":
        """Takes the class names, and the default template, of the task. Returns self."""
        self.task_template = task.templates[0]
        self.set_classes(task.classnames)
        return self

    def for_classes(self, classnames: Iterable[str]) -> "ZeroShot":
        return ZeroShot(self.clip, **{**self.settings(), "classnames": classnames})

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
