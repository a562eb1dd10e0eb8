"""Zero-shot segmentation with CLIP's own patch tokens, nothing trained: MaskCLIP (Zhou et al., "Extract Free Dense
Labels from CLIP", ECCV 2022) and SCLIP (Wang et al., "SCLIP: Rethinking Self-Attention for Dense Vision-Language
Inference", ECCV 2024).

The class names, said in a sentence, classify every patch as they classify a picture:
    logits_p = s · f_p(x) · w_cᵀ        f_p: patch p's token, in the joint space; w_c: class c's text
What differs is the way through the last block, where CLIP learned to gather the picture in its class token:
    attention      as trained: softmax(q kᵀ) v
    value          v: no patch looks at another            (MaskCLIP, section 3.2)
    correlative    (softmax(q qᵀ) + softmax(k kᵀ)) v       (SCLIP, equation 3)
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from torch import Tensor

from lessons_lib.clip.dense import check_last
from lessons_lib.methods.parts.cost import AT_LEAST, FORWARD, Sizes
from lessons_lib.methods.parts.texts import mean_texts_of, some_templates
from lessons_lib.methods.segmenter import Segmenter
from lessons_lib.templates import check_classnames

if TYPE_CHECKING:
    from lessons_lib.clip import Clip
    from lessons_lib.data import Task


class DenseZeroShot(Segmenter):
    """Classifies every patch by the text embeddings of prompts; `fit` only takes the task's names and template.

    last: the way through the last block, "attention", "value" or "correlative".
    templates: None for the task's default; one; several, whose mean speaks; or "imagenet80", "imagenet7".
    "background" is a class like others, said by its name.
    Raises ValueError for another `last`, and a template without exactly one "{}".

    texts: (C, D), the classifier, L2-normalised.
    """

    IN_PAPER = ("last", "templates")

    def __init__(self, clip: "Clip", last: str = "value", *, templates: str | list[str] | None = None):
        super().__init__(clip)
        check_last(last, None)
        self.last, self.templates = last, some_templates(templates)
        self.register_buffer("texts", None, persistent=False)  # (C, D)

    @property
    def paper_name(self) -> str:
        return {"attention": "CLIP", "value": "MaskCLIP", "correlative": "SCLIP"}[self.last]

    def set_classes(self, classnames: Iterable[str]) -> None:
        names = check_classnames(classnames)
        self.texts = mean_texts_of(self.clip, names, self.templates or [self.task_template])
        super().set_classes(names)

    def fit(self, task: "Task") -> "DenseZeroShot":
        """Takes the class names, and the default template, of the task. Returns self."""
        self.check_task(task)
        self.begin(task)
        return self.eval()

    def cost(self, sizes: Sizes) -> float | None:
        return AT_LEAST + sizes.tested / FORWARD if sizes.known else None

    def patch_logits(self, images: Tensor) -> Tensor:
        """images: (n, 3, S, S) preprocessed -> (n, C, h, w)."""
        tokens = self.clip.encode_dense(images, last=self.last).tokens  # (n, h, w, D)
        return (self.clip.logit_scale * tokens @ self.texts.T).permute(0, 3, 1, 2)
