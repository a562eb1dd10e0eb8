"""The image tower opened up: a Vision Transformer whose blocks can be given prompts beside the patches.

    x = class token, patches + positions         (N, 1 + h · w, d_v)
    x = block(x), for each block, after ln_pre   (N, 1 + h · w, d_v)
    ln_post(x at the class token) @ proj         (N, D)

`encode` reads the class token, `encode_dense` the patches too (the ways through the last block: `dense`).

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

from lessons_lib.clip.blocks import (
    Change,
    Merged,
    attend,
    changes_of,
    check_depth,
    finish,
    join_heads,
    merged,
    opens_up,
    query_and_keys,
    split_heads,
    through,
)
from lessons_lib.clip.dense import Dense, check_last, foreign_tokens, last_block, positions_at


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

    def encode(
        self,
        images: Tensor,
        prompts: Tensor | None = None,
        deep: Sequence[Tensor] = (),
        *,
        before_ln_pre: bool = False,
        change: Sequence[Change | None] | None = None,
        plain: bool | None = None,
    ) -> Tensor:
        """images: (N, 3, S, S) float, preprocessed -> (N, D), not normalised.

        prompts: (P, d_v), the same for every image, or None.
        deep: for blocks 2, 3, …, the (P, d_v) that replace the prompts' rows before that block.
        before_ln_pre: prompts pass through `ln_pre` with the patches, as in MaPLe; else they enter after it, as in VPT.
        change: what is added to the blocks' queries, keys and values, one `Change` or None a block.
        plain: every row of every block, through open_clip's own where nothing is changed; None for `self.plain`.
        """
        plain = self.plain if plain is None else plain
        if prompts is None and change is None and (plain or not self.opens):
            return self.model.encode_image(images)
        self.check_promptable()
        changes = changes_of(change, self.layers)
        x = self._enter(images, prompts, before_ln_pre)  # (N, 1 + h · w + P, d_v)
        x, _ = self._run(x, deep, changes, plain=plain)
        return self._project(self._read(x, changes[-1], plain=plain))  # (N, D)

    @property
    def projection(self) -> Tensor:
        """(d_v, D): the last step into the joint space. Raises ValueError for towers that do not end in one."""
        self.check_promptable()
        if self.model.visual.proj is None:
            raise ValueError(f"the image tower of {self.name} has no projection into the joint space")
        return self.model.visual.proj

    def encode_unprojected(self, images: Tensor) -> Tensor:
        """images: (N, 3, S, S) -> (N, d_v), what `projection` is given: their product is what `encode` gives."""
        self.check_promptable()
        changes = changes_of(None, self.layers)
        x, _ = self._run(self._enter(images, None, False), (), changes, plain=self.plain)
        return self.model.visual.ln_post(self._read(x, None, plain=self.plain))

    def encode_dense(
        self,
        images: Tensor,
        prompts: Tensor | None = None,
        deep: Sequence[Tensor] = (),
        *,
        last: str = "attention",
        residual: bool | None = None,
        hooks: Sequence[int] = (),
        before_ln_pre: bool = False,
        change: Sequence[Change | None] | None = None,
    ) -> Dense:
        """images: (N, 3, H, W), sides multiples of the patch -> pooled, tokens (N, h, w, D), hooks; not normalised.

        last: how the last block makes the tokens: "attention", "value" or "correlative" (see `dense`).
        residual: whether its residual and MLP are kept; None: everywhere but in the value path.
        hooks: numbers of blocks, from 1, whose rows are wanted.   The others: as in `encode`.
        `pooled` is what `encode` gives, to the bit. Raises ValueError for towers that have no such tokens.
        """
        residual = check_last(last, residual)
        if not self.opens and prompts is None and change is None and not hooks:
            return foreign_tokens(self.model.visual, images, self.name, last, residual)
        self.check_promptable()
        for number in hooks:
            check_depth(number, self.layers, f"image tower of {self.name}")
        changes = changes_of(change, self.layers)
        block, grid = self.model.visual.transformer.resblocks[-1], self.grid(images)
        patches = slice(1, 1 + grid[0] * grid[1])

        x = self._enter(images, prompts, before_ln_pre)  # (N, 1 + h · w + P, d_v)
        x, seen = self._run(x, deep, changes, hooks=hooks)
        tokens = self._project(last_block(block, x, patches, last, residual, changes[-1]))  # (N, h · w, D)
        if self.layers in hooks:
            seen[self.layers] = through(block, x, changes[-1])
        kept = tuple(seen[number][:, : patches.stop] for number in hooks)  # (N, 1 + h · w, d_v) each
        return Dense(self._project(self._read(x, changes[-1])), tokens.unflatten(1, grid), kept)

    def encode_hooks(self, images: Tensor, hooks: Sequence[int]) -> tuple[Tensor, ...]:
        """images: (N, 3, H, W), sides multiples of the patch -> (N, 1 + h · w, d_v) behind each of these blocks, from
        1, and nothing else: for a tower that is trained. Raises ValueError as `encode_dense` does."""
        self.check_promptable()
        for number in hooks:
            check_depth(number, self.layers, f"image tower of {self.name}")
        x, seen = self._enter(images, None, False), {}
        for number, block in enumerate(self.model.visual.transformer.resblocks[: max(hooks)], start=1):
            x = seen[number] = through(block, x)  # (N, 1 + h · w, d_v)
        return tuple(seen[number] for number in hooks)

    def grid(self, images: Tensor) -> tuple[int, int]:
        """(h, w): how many patches lie in a column and in a row of these images."""
        patch = self.model.visual.patch_size
        return images.shape[-2] // patch[0], images.shape[-1] // patch[1]

    def _enter(self, images: Tensor, prompts: Tensor | None, before_ln_pre: bool) -> Tensor:
        """(N, 3, H, W) -> (N, 1 + h · w + P, d_v): class token, patches with their positions, prompts: what the first
        block is given."""
        visual = self.model.visual
        patches = visual.conv1(images).flatten(2).transpose(1, 2)  # (N, h · w, d_v)
        first = visual.class_embedding.to(patches.dtype).expand(len(images), 1, -1)
        positions = positions_at(visual.positional_embedding, self.grid(images), visual.grid_size)
        x = torch.cat([first, patches], dim=1) + positions.to(patches.dtype)  # (N, 1 + h · w, d_v)
        if prompts is None:
            return visual.ln_pre(visual.patch_dropout(x))  # in training alone, where the model has one (FLIP)
        return visual.ln_pre(_append(x, prompts)) if before_ln_pre else _append(visual.ln_pre(x), prompts)

    def _run(
        self,
        x: Tensor,
        deep: Sequence[Tensor],
        changes: Sequence[Change | None],
        *,
        plain: bool = False,
        hooks: Sequence[int] = (),
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """(N, 1 + h · w + P, d_v) into the first block -> the same into the last one; and the rows behind `hooks`."""
        seen = {}
        for i, block in enumerate(self.model.visual.transformer.resblocks[:-1]):
            x = block(x) if plain and changes[i] is None else through(block, x, changes[i])
            if i + 1 in hooks:
                seen[i + 1] = x
            if i < len(deep):
                x = _append(x[:, : -len(deep[i])], deep[i])
        return x, seen

    def _read(self, x: Tensor, change: Change | None, *, plain: bool = False) -> Tensor:
        """(N, 1 + h · w + P, d_v) into the last block -> (N, d_v): only the class token is read."""
        block = self.model.visual.transformer.resblocks[-1]
        if plain:
            x = block(x) if change is None else through(block, x, change)
        else:
            heads = block.attn.num_heads
            q, k, v = (split_heads(each, heads) for each in query_and_keys(block, x, slice(0, 1), change))
            x = finish(block, x[:, :1], join_heads(attend(q, k, v)))  # (N, 1, d_v)
        return x[:, 0]

    def _project(self, x: Tensor) -> Tensor:
        """(..., d_v) -> (..., D)."""
        visual = self.model.visual
        x = visual.ln_post(x)
        return x if visual.proj is None else x @ visual.proj

    def merged(self, deltas: Sequence[Tensor]) -> list[Merged]:
        """A change that costs nothing: each block's weight of queries, keys and values moved by one of deltas."""
        self.check_promptable()
        return merged(self.model.visual.transformer.resblocks, deltas)

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
                f"the image tower of {self.name} is a {kind.__name__} {obstacle}: visual prompts, hooks and changes of "
                "the attention need a standard Vision Transformer, such as ToyCLIP's or ViT-B-16's (text prompts, as "
                "in CoOp, work with this model too)"
            )

    def check_depth(self, depth: int) -> None:
        """Raises ValueError where `depth` is not a whole number of at least 1, or there are fewer blocks."""
        self.check_promptable()
        check_depth(depth, self.layers, f"image tower of {self.name}")


def _append(x: Tensor, prompts: Tensor) -> Tensor:
    """(N, L, d), (P, d) -> (N, L + P, d)."""
    return torch.cat([x, prompts.to(x.dtype).expand(len(x), -1, -1)], dim=1)
