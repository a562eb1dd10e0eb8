"""Where something is, whatever it is: a small convolutional backbone, and the region proposal network on its map (Ren
et al., "Faster R-CNN", NeurIPS 2015; torchvision's), trained on boxes without their classes.
"""

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import AnchorGenerator, RegionProposalNetwork, RPNHead

STRIDE = 4  # pixels a cell of the map
SIDES, SHAPES = (0.22, 0.34, 0.5, 0.7), (0.6, 1.0, 1.7)  # of anchors: shares of the picture's edge, height over width


class Residual(nn.Module):
    """Two 3 × 3 convolutions around which the input goes as well; `reach` apart, so that few layers see far."""

    def __init__(self, width: int, reach: int):
        super().__init__()
        layers = []
        for _ in range(2):
            layers += [nn.Conv2d(width, width, 3, padding=reach, dilation=reach, bias=False), norm(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layers(x)).relu()


def norm(width: int) -> nn.Module:
    return nn.GroupNorm(8, width)  # unlike BatchNorm the same in training and after, and for small batches


class Backbone(nn.Sequential):
    """(n, 3, S, S) in 0 … 1 -> (n, width, S / 4, S / 4)."""

    def __init__(self, width: int):
        super().__init__(
            nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False), norm(width // 2), nn.ReLU(),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1, bias=False), norm(width), nn.ReLU(),
            Residual(width, 1), Residual(width, 2), Residual(width, 4),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return super().forward((images - 0.5) / 0.25)


class _Proposals(RegionProposalNetwork):
    """Torchvision's, which also keeps how sure it was: `objectness`, n of (P_i,), 0 … 1, of the last pictures."""

    objectness: list[Tensor]

    def filter_proposals(self, *given) -> tuple[list[Tensor], list[Tensor]]:
        boxes, self.objectness = super().filter_proposals(*given)
        return boxes, self.objectness


class Proposer(nn.Module):
    """Backbone and proposals.

    width: channels of the map; size: S, the pictures' edge.
    """

    def __init__(self, width: int, size: int):
        super().__init__()
        self.size = size
        self.backbone = Backbone(width)
        anchors = AnchorGenerator((tuple(side * size for side in SIDES),), (SHAPES,))
        kept = {"training": 256, "testing": 256}
        self.rpn = _Proposals(
            anchors,
            RPNHead(width, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=64,
            positive_fraction=0.5,
            pre_nms_top_n=kept,
            post_nms_top_n={"training": 48, "testing": 48},
            nms_thresh=0.7,
        )

    def forward(self, images: Tensor, truth: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor], Tensor]:
        """images: (n, 3, S, S); truth: n of (m_i, 4), in training.

        Returns the map (n, width, S / 4, S / 4), proposals, n of (P_i, 4), the likeliest first, and the loss of the
        proposals, 0 where no truth is given.
        """
        maps = self.backbone(images)
        targets = None if truth is None else [{"boxes": boxes} for boxes in truth]
        listed = ImageList(images, [(self.size, self.size)] * len(images))
        self.rpn.train(truth is not None)
        proposals, losses = self.rpn(listed, {"0": maps}, targets)
        return maps, proposals, sum(losses.values(), maps.new_zeros(()))

    @torch.inference_mode()
    def fixed(self, images: Tensor, most: int) -> Tensor:
        """(n, most, 4): the likeliest proposals, the rest of no area."""
        _, proposals, _ = self(images)
        out = images.new_zeros(len(images), most, 4)
        for row, boxes in zip(out, proposals):
            row[: min(most, len(boxes))] = boxes[:most]
        return out
