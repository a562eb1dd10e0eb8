"""VPT (ECCV 2022), equations 4 to 6, with CLIP's hand-made texts; and prompts in pixels (VP, 2022)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from . import image, text


def vpt_features(clip, prompts: Tensor, images: Tensor) -> Tensor:
    """prompts: (depth, p, d_v), between the class token and the patches, behind `ln_pre`; each block up to `depth` has
    its own in place of what the block before made of its -> (N, D), normalised."""
    visual = clip.model.visual
    x = visual.ln_pre(image.patches_with_positions(clip, images))
    for depth, block in enumerate(visual.transformer.resblocks):
        if depth < len(prompts):
            rows = prompts[depth].expand(len(x), -1, -1).to(x.dtype)
            patches = x[:, 1:] if depth == 0 else x[:, 1 + rows.shape[1] :]
            x = torch.cat([x[:, :1], rows, patches], dim=1)
        x = block(x)
    return image.read_class_token(clip, x)


def vpt_logits(clip, texts: Tensor, prompts: Tensor, images: Tensor) -> Tensor:
    """texts: (C, D), computed once by `text.hand_made`; images: (N, 3, S, S) -> (N, C)."""
    return text.similarities(clip, vpt_features(clip, prompts, images), texts)


def visual_prompting_logits(
    clip, classnames: Sequence[str], frame: Tensor, width: int, images: Tensor, *, template: str = text.DEFAULT
) -> Tensor:
    """frame: (3, n), the pixels of a frame `width` wide, row by row -> (N, C)."""
    size = images.shape[-1]
    inside = range(width, size - width)
    places = [(y, x) for y in range(size) for x in range(size) if y not in inside or x not in inside]
    ys, xs = torch.tensor(places, device=frame.device).T
    delta = torch.zeros(3, size, size, device=frame.device).index_put(
        (torch.arange(3, device=frame.device)[:, None], ys, xs), frame
    )
    return text.similarities(clip, image.encode_plain(clip, images + delta), text.hand_made(clip, classnames, template))


def of_method_with_its_texts(method, images: Tensor) -> Tensor:
    """As it is run: texts are computed once."""
    return vpt_logits(method.clip, method.texts, method.prompts, images)


def of_method(method, images: Tensor) -> Tensor:
    """With texts encoded anew for the template that it says."""
    texts = text.hand_made(method.clip, method.classnames, method.template or method.task_template)
    return vpt_logits(method.clip, texts, method.prompts, images)


def frame_of_method(method, images: Tensor) -> Tensor:
    template = method.template or method.task_template
    return visual_prompting_logits(
        method.clip, method.classnames, method.frame, method.width, images, template=template
    )
