"""What ViLD's image branch imitates: CLIP itself, shown every region as a picture of its own, which is slow."""

import torch

import lessons_lib as ll
from lessons_lib.methods.detector import Regions
from lessons_lib.methods.parts.regions import crop_embeddings


class CropsOfClip(ll.ViLD):
    """The same proposals, each cut out and shown to CLIP: two passes of its tower a region."""

    @torch.inference_mode()
    def regions(self, pictures: torch.Tensor) -> list[Regions]:
        boxes = self.proposer.fixed(pictures, self.proposals)  # (n, P, 4)
        embeddings = crop_embeddings(self.clip, pictures, boxes, tuple(self.crops))
        p_image = (embeddings @ self.texts.T / self.temperature).softmax(dim=-1)
        sure = torch.zeros(boxes.shape[:2], device=boxes.device)
        for row, some in zip(sure, self.proposer.rpn.objectness):
            row[: len(some[: self.proposals])] = some[: self.proposals]
        scores = (sure[..., None] * p_image).sqrt()
        return [Regions(*each) for each in zip(boxes, sure, scores)]


class TextHead(ll.ViLD):
    """Of an ensemble the text's head alone."""

    def scores_of(self, embedded, objectness):
        return self.logits_of(embedded.text).softmax(dim=-1)[:, 1:]


class ImageHead(ll.ViLD):
    """Of an ensemble the image's head alone, which knows no background."""

    def scores_of(self, embedded, objectness):
        p_image = (embedded.image @ self.texts.T / self.temperature).softmax(dim=-1)
        return (objectness[:, None] * p_image).sqrt()


def as_one(method: ll.ViLD, kind: type[ll.ViLD]) -> ll.ViLD:
    """The same weights, detecting as `kind` does."""
    other = kind(method.clip, **method.settings())
    other.task_template = method.task_template
    other.set_classes(method.classnames)
    other.load_state_dict(method.state_dict())
    return other.eval()
