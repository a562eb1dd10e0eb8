"""The image tower opened up: a Vision Transformer whose blocks can be given prompts beside the patches.

A prompt is a row of width d_v that enters next to the patch tokens (VPT, Jia et al., ECCV 2022). Shallow prompts enter
once, before the first block; deep ones replace, before block j, what the block before made of them. Patch tokens have
their positions added and prompts have none, so where in the sequence prompts stand changes nothing; whether they enter
before `ln_pre` (MaPLe) or after it (VPT) does.

Two ways to run, equal in values and gradients: `plain` through open_clip's own blocks, every row of every block; and
the fast one, where the last block computes only the class token, the one row that is read.
"""

from collections.abc import Sequence

import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from lessons_lib.clip.blocks import attend, finish, join_heads, opens_up, qkv, query_and_keys, split_heads


class ImageTower:
    """The image half of an open_clip model, in steps. Holds references to the model's parts, no weights of its own.

    opens: whether the steps apply (a Vision Transformer with standard blocks, read at its class token). Other towers
        are run whole by the model's own `encode_image`.
    width: d_v.   layers: blocks.   patch_size: pixels.   These three are None where `opens` is false.
    """

    def __init__(self, model: nn.Module, name: str = "this model") -> None:
        self.model, self.name = model, name
        visual = model.visual
        self.opens = (
            type(visual) is VisionTransformer
            and opens_up(visual.transformer)
            and visual.attn_pool is None
            and visual.pool_type == "tok"
        )
        self.plain = False  # what `encode` does unless told
        self.width = self.layers = self.patch_size = None
        if self.opens:
            self.width, self.layers = visual.transformer.width, visual.transformer.layers
            self.patch_size = visual.patch_size[0]

    def check_promptable(self) -> None:
        """Raises ValueError, naming the model, where its image tower cannot be given prompts."""
        if not self.opens:
            kind = type(self.model.visual)
            obstacle = (
                "that is not read at its class token behind standard blocks"
                if kind is VisionTransformer
                else "without rows of tokens that prompts could join"
            )
            raise ValueError(
                f"the image tower of {self.name} is a {kind.__name__} {obstacle}: visual prompts need a standard "
                "Vision Transformer, such as ToyCLIP's or ViT-B-16's (text prompts, as in CoOp, work with this model "
                "too)"
            )

    def check_depth(self, depth: int) -> None:
        """Raises ValueError where `depth` is not a whole number of at least 1, or there are fewer blocks."""
        self.check_promptable()
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= self.layers:
            raise ValueError(
                f"depth={depth!r}: the image tower of {self.name} has {self.layers} blocks, so give 1 to {self.layers}"
            )

    def encode(
        self,
        images: Tensor,
        prompts: Tensor | None = None,
        deep: Sequence[Tensor] = (),
        *,
        before_ln_pre: bool = False,
        plain: bool | None = None,
    ) -> Tensor:
        """images: (N, 3, S, S) float, preprocessed -> (N, D), not normalised.

        prompts: (P, d_v), the same for every image, or None.
        deep: for blocks 2, 3, …, the (P, d_v) that replace the prompts' rows before that block.
        before_ln_pre: prompts pass through `ln_pre` with the patches, as in MaPLe; else they enter after it, as in VPT.
        plain: through open_clip's own blocks, whole; None for `self.plain`.
        """
        plain = self.plain if plain is None else plain
        if prompts is None and (plain or not self.opens):
            return self.model.encode_image(images)
        self.check_promptable()
        x = self._embed(images)  # (N, 1 + patches, d_v)
        ln_pre = self.model.visual.ln_pre
        if prompts is None:
            x = ln_pre(x)
        elif before_ln_pre:
            x = ln_pre(_append(x, prompts))
        else:
            x = _append(ln_pre(x), prompts.to(x.dtype))  # (N, 1 + patches + P, d_v)
        return self._run(x, deep, plain=plain)

    def _embed(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) -> (N, 1 + patches, d_v): class token and patches with their positions, before `ln_pre`."""
        visual = self.model.visual
        patches = visual.conv1(images).flatten(2).transpose(1, 2)  # (N, patches, d_v)
        first = visual.class_embedding.to(patches.dtype).expand(len(images), 1, -1)
        return torch.cat([first, patches], dim=1) + visual.positional_embedding.to(patches.dtype)

    def _run(self, x: Tensor, deep: Sequence[Tensor], *, plain: bool) -> Tensor:
        visual = self.model.visual
        blocks = visual.transformer.resblocks
        for i, block in enumerate(blocks):
            if 1 <= i <= len(deep):
                x = _append(x[:, : -len(deep[i - 1])], deep[i - 1])
            if plain:
                x = block(x)
                continue
            heads = block.attn.num_heads
            if i == len(blocks) - 1:
                q, k, v = query_and_keys(block, x, slice(0, 1))
                x = x[:, :1]  # only the class token is read
            else:
                q, k, v = qkv(block, x)
            x = finish(block, x, join_heads(attend(*(split_heads(each, heads) for each in (q, k, v)))))
        x = visual.ln_post(x[:, 0])  # (N, d_v)
        return x if visual.proj is None else x @ visual.proj  # (N, D)


def _append(x: Tensor, prompts: Tensor) -> Tensor:
    """(N, L, d), (P, d) -> (N, L + P, d)."""
    return torch.cat([x, prompts.to(x.dtype).expand(len(x), -1, -1)], dim=1)
