"""Zero-shot CLIP (ICML 2021, section 3.1), a template at a time."""

import torch.nn.functional as F
from torch import Tensor

from . import image, text


def of_method(method, images: Tensor) -> Tensor:
    clip, scale = method.clip, method.clip.model.logit_scale.exp()
    features, names = image.encode_plain(clip, images), method.said or method.classnames
    each = [text.hand_made(clip, names, template) for template in method.templates or [method.task_template]]
    if method.ensemble == "probability":
        return (sum((scale * features @ texts.T).softmax(dim=1) for texts in each) / len(each)).log()
    return scale * features @ F.normalize(sum(each) / len(each), dim=-1).T
