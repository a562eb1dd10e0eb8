"""ViLD's second stage, region by region and number by number, on the map and the boxes that it is given.

RoIAlign is written out too: bilinear values at four points a cell, averaged (He et al., "Mask R-CNN", ICCV 2017).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from . import text


def region_align(fmap: Tensor, box: Tensor, cells: int = 7, stride: int = 4) -> Tensor:
    """fmap: (width, h, w); box: (4,) in pixels -> (width, 7, 7)."""
    height, width = fmap.shape[1:]
    left, top, right, bottom = (value / stride - 0.5 for value in box)
    out = []
    for row in range(cells):
        for column in range(cells):
            total = 0
            for dy in (0.25, 0.75):
                for dx in (0.25, 0.75):
                    y = (top + (row + dy) * (bottom - top) / cells).clamp(0, height - 1)
                    x = (left + (column + dx) * (right - left) / cells).clamp(0, width - 1)
                    y0, x0 = int(y), int(x)
                    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
                    ly, lx = y - y0, x - x0
                    total = total + (
                        (1 - ly) * (1 - lx) * fmap[:, y0, x0]
                        + (1 - ly) * lx * fmap[:, y0, x1]
                        + ly * (1 - lx) * fmap[:, y1, x0]
                        + ly * lx * fmap[:, y1, x1]
                    )
            out.append(total / 4)
    return torch.stack(out, dim=1).view(-1, cells, cells)


def embed(method, head: str, fmap: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """(hidden,), and e_r: (D,)."""
    layers, projection = method.heads[head].layers, method.heads[head].projection
    hidden = region_align(fmap, box).flatten()
    for layer in (layers[0], layers[2]):
        hidden = (layer.weight @ hidden + layer.bias).clamp(min=0)
    e = projection.weight @ hidden + projection.bias
    return hidden, e / e.square().sum().sqrt()


def texts(method) -> Tensor:
    each = [text.hand_made(method.clip, method.classnames, one) for one in method.templates or [method.task_template]]
    return F.normalize(sum(each) / len(each), dim=-1)


def heads(method) -> tuple[str, str]:
    """Of the text's and of the image's loss."""
    return ("text", "image") if method.variant == "ensemble" else ("only", "only")


def z(method, e: Tensor) -> Tensor:
    """(1 + C + masked,): e · b, e · t_1 … over τ, and the released code's zeros."""
    b = method.background / method.background.square().sum().sqrt()
    logits = [e @ b / method.temperature, *(e @ t / method.temperature for t in texts(method))]
    return torch.stack(logits + [e.sum() * 0.0] * method.masked)


def losses(method, maps: Tensor, rois: Tensor, labels: Tensor, wanted: Tensor, proposals: Tensor, teacher: Tensor):
    """L_boxes + L_text + w · L_image."""
    of_text, of_image = heads(method)
    classes, boxes, images = [], [], []
    for roi, label, deltas in zip(rois, labels.tolist(), wanted):
        hidden, e = embed(method, of_text, maps[int(roi[0])], roi[1:])
        if method.variant != "image":
            logits = z(method, e)
            classes.append(-(logits[label] - logits.logsumexp(dim=0)))
        if label > 0:
            found = method.mover.weight @ hidden + method.mover.bias
            for d in (found - deltas).abs():
                boxes.append(0.5 * d * d * 9 if d < 1 / 9 else d - 0.5 / 9)
    for fmap, some, targets in zip(maps, proposals, teacher):
        for box, target in zip(some, targets):
            if box[2] > box[0] and box[3] > box[1]:
                _, e = embed(method, of_image, fmap, box)
                images.append(sum((e[d] - target[d]).abs() for d in range(len(e))))
    total = sum(boxes) / len(rois) + (sum(classes) / len(classes) if classes else 0)
    return total + method.weight * sum(images) / len(images) if images else total


def of_method(method, pictures: Tensor) -> Tensor:
    """(regions of all pictures, C): the score of every class in every region."""
    maps, proposals, _ = method.proposer(pictures)
    sure, (of_text, of_image), words = method.proposer.rpn.objectness, heads(method), texts(method)
    is_base = method.is_base.tolist()
    rows = []
    for fmap, boxes, objectness in zip(maps, proposals, sure):
        for box, there in zip(boxes[: method.proposals], objectness):
            e, image = (embed(method, head, fmap, box)[1] for head in (of_text, of_image))
            p_image = [math.exp(float(image @ t) / method.temperature) for t in words]
            p_image = [p / sum(p_image) for p in p_image]
            if method.variant == "image":
                rows.append([math.sqrt(float(there) * p) for p in p_image])
                continue
            p_text = z(method, e)[: 1 + len(words)].softmax(dim=0)[1:].tolist()
            if method.variant == "ensemble":
                p_text = [
                    p ** (2 / 3) * q ** (1 / 3) if base else p ** (1 / 3) * q ** (2 / 3)
                    for p, q, base in zip(p_text, p_image, is_base)
                ]
            rows.append(p_text)
    return torch.tensor(rows)
