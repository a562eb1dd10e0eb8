"""LSeg's computation literally: the tower whole and through its own blocks, the fusion depth by depth, each pixel's dot
products with each label's text in a loop, and the blocks label by label."""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import text

TAU = 0.07


def rows_behind(clip, visual, images: Tensor, hooks) -> list[Tensor]:
    """(N, 1 + patches, d_v) each."""
    patches = visual.conv1(images)
    patches = patches.reshape(*patches.shape[:2], -1).permute(0, 2, 1)
    first = visual.class_embedding.repeat(len(images), 1, 1)
    x, seen = visual.ln_pre(torch.cat([first, patches], dim=1) + visual.positional_embedding), []
    for number, block in enumerate(visual.transformer.resblocks, start=1):
        x = block(x)
        if number in hooks:
            seen.append(x)
    return seen


def residual_unit(unit, x: Tensor) -> Tensor:
    inside = F.conv2d(F.relu(x), unit.first.weight, unit.first.bias, padding=1)
    return x + F.conv2d(F.relu(inside), unit.second.weight, unit.second.bias, padding=1)


def fused(fusion, rows: list[Tensor], side: int) -> Tensor:
    """(N, f, 2^(n-1) side, 2^(n-1) side)."""
    n, maps = len(rows), []
    for level, x in enumerate(rows):
        read, narrow, resample = fusion.read[level], fusion.narrow[level], fusion.resample[level]
        joined = [torch.cat([x[:, 1 + p], x[:, 0]], dim=1) for p in range(x.shape[1] - 1)]
        x = torch.stack([F.gelu(each @ read.weight.T + read.bias) for each in joined], dim=2)  # (N, d_v, patches)
        x = F.conv2d(x.reshape(*x.shape[:2], side, side), narrow.weight, narrow.bias)
        times = n - 2 - level
        if times > 0:
            x = F.conv_transpose2d(x, resample.weight, resample.bias, stride=2**times)
        elif times < 0:
            x = F.conv2d(x, resample.weight, resample.bias, stride=2, padding=1)
        maps.append(F.conv2d(x, fusion.smooth[level].weight, padding=1))
    y = residual_unit(fusion.refine[n - 1], maps[n - 1])
    for level in range(n - 2, -2, -1):
        larger = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        y = F.conv2d(larger, fusion.out[level + 1].weight, fusion.out[level + 1].bias)
        if level >= 0:
            y = residual_unit(fusion.refine[level], y + residual_unit(fusion.skip[level], maps[level]))
    return y


def by_pixels(features: Tensor, texts: Tensor) -> Tensor:
    """(N, D, h, w) and (K, D) -> (N, K, h, w), one dot product after the other."""
    images = []
    for picture in features:
        rows = []
        for i in range(picture.shape[1]):
            for j in range(picture.shape[2]):
                f = picture[:, i, j]
                f = f / f.square().sum().sqrt()
                rows.append(torch.stack([(f * t).sum() / TAU for t in texts]))
        images.append(torch.stack(rows).T.reshape(len(texts), *picture.shape[1:]))
    return torch.stack(images)


def smoothed(logits: Tensor, block: str | None, depth: int, plane) -> Tensor:
    for turn in range(depth if block else 0):
        planes = []
        for k in range(logits.shape[1]):
            out = F.conv2d(logits[:, k : k + 1], plane.weight, plane.bias, padding=1)[:, 0]
            out = out + logits.max(dim=1).values if block == "bottleneck" else out
            planes.append(out if turn == depth - 1 else torch.where(out > 0, out, 0.01 * out))
        logits = torch.stack(planes, dim=1)
    return logits


def pixel_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy of every pixel that has a class, one after the other; their mean. logits: (N, K, S, S)."""
    losses = []
    for n in range(len(masks)):
        for i in range(masks.shape[1]):
            for j in range(masks.shape[2]):
                if masks[n, i, j] != 255:
                    losses.append(logits[n, :, i, j].logsumexp(dim=0) - logits[n, masks[n, i, j], i, j])
    return sum(losses) / len(losses)


def of_method(method, images: Tensor) -> Tensor:
    """(N, K, S, S)."""
    clip, names = method.clip, method.classnames
    side = clip.image_size // clip.model.visual.patch_size[0]
    rows = rows_behind(clip, method.visual, images, method.read_at)
    joint = fused(method.fusion, rows, side)
    features = torch.einsum("nfhw,df->ndhw", joint, method.to_joint.weight[:, :, 0, 0])
    features = features + method.to_joint.bias[:, None, None]
    with torch.no_grad():
        texts = text.hand_made(clip, names, method.template or method.task_template)
    logits = smoothed(by_pixels(features, texts), method.block, method.block_depth, method.plane)
    return F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
