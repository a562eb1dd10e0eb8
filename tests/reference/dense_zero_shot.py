"""MaskCLIP's and SCLIP's maps on the whole model, row by row; those of the last block as trained; bilinear between."""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import image, text


def tokens(clip, images: Tensor, last: str) -> Tensor:
    """(N, h, w, D), normalised."""
    visual = clip.model.visual
    *blocks, block = visual.transformer.resblocks
    x = visual.ln_pre(image.patches_with_positions(clip, images))
    for each in blocks:
        x = each(x)
    attn, d = block.attn, x.shape[-1]
    q, k, v = F.linear(block.ln_1(x), attn.in_proj_weight, attn.in_proj_bias).split(d, dim=-1)
    if last == "attention":
        out = block(x)
    elif last == "value":
        out = attn.out_proj(v)
    else:
        heads = []
        for one in torch.arange(d).split(d // attn.num_heads):
            to_likes = sum(
                (each[..., one] @ each[..., one].transpose(1, 2) / len(one) ** 0.5).softmax(dim=-1) for each in (q, k)
            )
            heads.append(to_likes @ v[..., one])
        out = x + attn.out_proj(torch.cat(heads, dim=-1))
        out = out + block.mlp(block.ln_2(out))
    side = clip.image_size // visual.patch_size[0]
    patches = visual.ln_post(out)[:, 1:] @ visual.proj
    return F.normalize(patches.float(), dim=-1).unflatten(1, (side, side))


def of_method(method, images: Tensor) -> Tensor:
    """(N, C, S, S)."""
    clip, names = method.clip, method.classnames
    each = [text.hand_made(clip, names, template) for template in method.templates or [method.task_template]]
    texts = F.normalize(sum(each) / len(each), dim=-1)
    maps = text.similarities(clip, tokens(clip, images, method.last), texts).permute(0, 3, 1, 2)  # (N, C, h, w)
    return F.interpolate(maps, size=images.shape[-2:], mode="bilinear", align_corners=False)
