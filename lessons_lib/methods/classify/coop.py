"""CoOp: context optimisation (Zhou et al., "Learning to Prompt for Vision-Language Models", IJCV 2022).

The words of the template become vectors, learned by cross-entropy from a few images a class:
    t_c = [SOS] v_1 … v_M name_c . [EOS]        v_m ∈ R^d, learned               (equation 2)
    p(c | x) = softmax_c(s · f(x) · g(t_c)ᵀ)    f, g: the frozen towers, normalised   (equation 1)
The context is one for all classes (unified), or one a class (class-specific, CSC); the name stands at the end, in the
middle (equation 3) or in front.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.methods.learned import LearnedClassifier
from lessons_lib.methods.parts.cost import AT_LEAST, Sizes
from lessons_lib.methods.parts.rows import known_rows, no_rows_for
from lessons_lib.methods.parts.starts import context_length, normal

if TYPE_CHECKING:
    from lessons_lib.clip import Clip


class CoOp(LearnedClassifier):
    """Learned context vectors in place of a template's words.

    n_ctx: M, context vectors; 16 unless `ctx_init` says how many.
    ctx_init: words whose embeddings the context starts from ("a photo of a", with M = 4), else N(0, 0.02²).
    class_token_position: where the class name stands, one of `clip.prompts.POSITIONS`: "end", "middle" or "front".
    class_specific: a context of its own for every class; such a method knows the classes of its fit, and any choice of
        them. Together with `ctx_init` it is ours alone: the release then learns one context for all, without a word.
    Published training: lr 0.002, batches of 32, 50 epochs (1 shot), 100 (2 and 4 shots), 200 (8 and 16 shots).
    Raises ValueError for a model whose text tower cannot be prompted, an unknown position, an n_ctx that is not the
    number of tokens in `ctx_init`, and class names too long for the context.

    ctx: what is learned, (M, d), or (C, M, d) where class-specific.
    """

    IN_PAPER = ("n_ctx", "ctx_init", "class_token_position")
    PER_IMAGE = 5e-4

    def __init__(
        self,
        clip: "Clip",
        n_ctx: int | None = None,
        *,
        ctx_init: str | None = None,
        class_token_position: str = "end",
        class_specific: bool = False,
    ):
        super().__init__(clip)
        clip.text_tower.check_promptable()
        self.n_ctx = context_length(clip, n_ctx, ctx_init, default=16)
        self.ctx_init = ctx_init
        self.class_token_position = class_token_position
        self.class_specific = class_specific
        PromptLayout(clip, ["x"], self.n_ctx, position=class_token_position)  # says now what would fail later
        self.ctx: nn.Parameter | None = None
        if not class_specific:
            self.reset(seed=1)

    def reset(self, seed: int) -> None:
        shape = (len(self.classnames), self.n_ctx) if self.class_specific else (self.n_ctx,)
        if self.ctx_init is None:
            start = normal(*shape, self.clip.text_tower.width, seed=torch.Generator().manual_seed(seed))
        else:
            start = self.clip.text_tower.word_embeddings(self.clip.tokenizer, self.ctx_init).expand(*shape, -1)
        self.ctx = nn.Parameter(start.clone().to(self.clip.device))

    def set_classes(self, classnames: Iterable[str]) -> None:
        self.layout = PromptLayout(
            self.clip,
            classnames,
            self.n_ctx,
            position=self.class_token_position,
            class_specific=self.class_specific,
        )
        super().set_classes(self.layout.classnames)
        if self.class_specific:
            self.reset(seed=1)

    def carries(self, to: Sequence[str], fitted_on: Sequence[str]) -> str:
        why = (
            "class-specific contexts exist only for the classes that they were learned for: use "
            "CoOp(class_specific=False), or fit on a task with these classes"
        )
        return no_rows_for(to, fitted_on, why) if self.class_specific else ""

    def carried(self, classnames: list[str]) -> dict[str, Tensor] | None:
        return known_rows(self, classnames) if self.class_specific else super().carried(classnames)

    def cost(self, sizes: Sizes) -> float | None:
        """The texts of all classes run at every step."""
        seconds = super().cost(sizes)
        return None if seconds is None else AT_LEAST + (seconds - AT_LEAST) * (1 + sizes.classes / 64)

    def text_features(self) -> Tensor:
        return self.clip.encode_prompts(self.layout, self.ctx)  # (C, D)
