"""Hand-made texts, in one way for all methods that have them.

A method keeps its templates as they were asked for (`template` or `templates`; None for the task's), the task's default
in `task_template`, and in `set_classes` encodes what is said of its classes once, into a buffer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.device import autocast
from lessons_lib.templates import apply, check_templates

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


def one_template(template: str | None) -> str | None:
    """The template as asked for, None for the task's. Raises ValueError for one without its one "{}"."""
    if template is None:
        return None
    found = check_templates(template)
    if len(found) > 1:
        raise ValueError(f"template={template!r} is {len(found)} templates: give one, such as 'a photo of a {{}}.'")
    return found[0]


def some_templates(templates: str | Sequence[str] | None) -> list[str] | None:
    """The templates as asked for, None for the task's. Raises ValueError for one without its one "{}"."""
    return None if templates is None else check_templates(templates)


def texts_of(clip: "Clip", classnames: Sequence[str], template: str) -> Tensor:
    """(C, D), L2-normalised: the zero-shot classifier of one template."""
    return clip.encode_texts([apply(template, name) for name in classnames])


@torch.no_grad()
def unnormalised_texts_of(clip: "Clip", classnames: Sequence[str], template: str) -> Tensor:
    """(C, D): the same as the tower gives them, before they are normalised."""
    tokens = clip.tokenize([apply(template, name) for name in classnames]).to(clip.device)  # (C, L)
    with autocast(clip.device, clip.precision):
        return clip.text_tower.encode(tokens).float()


def texts_of_each(clip: "Clip", classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
    """(T, C, D), L2-normalised: the classifiers of several templates."""
    prompts = [apply(template, name) for template in templates for name in classnames]
    return clip.encode_texts(prompts).unflatten(0, (len(templates), -1))


def mean_texts_of(clip: "Clip", classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
    """(C, D), L2-normalised: the classifier of their ensemble, the mean of the embeddings."""
    return F.normalize(texts_of_each(clip, classnames, templates).mean(dim=0), dim=-1)
