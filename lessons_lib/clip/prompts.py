"""Prompts with learnable context: which token stands where, for every class.

end      [SOS] v_1 … v_M name . [EOS]               (CoOp, Zhou et al., IJCV 2022, equation 2)
middle   [SOS] v_1 … v_M/2 name v_M/2+1 … v_M . [EOS]   (equation 3)
front    [SOS] name v_1 … v_M . [EOS]

A layout says where tokens and context vectors stand; `TextTower.encode_prompts` puts the vectors in and runs them.
"""

from collections.abc import Sequence

import torch

from lessons_lib.clip.shared_prompts import SharedRows
from lessons_lib.clip.tokens import token_ids
from lessons_lib.suggest import nearest
from lessons_lib.templates import check_classnames, spoken

POSITIONS = {  # where the name stands -> how many of the M context vectors come before it
    "end": lambda m: m,
    "middle": lambda m: m // 2,
    "front": lambda m: 0,
}


class PromptLayout:
    """C prompts as rows of tokens, cut behind the last end-of-text.

    classnames: C names.   n_ctx: M.   position: where the name stands among the context, one of POSITIONS.
    words: fixed words between the context and the name (MaPLe's "of a"); only where position is "end".
    class_specific: whether every class has a context of its own, so that no row is shared behind the start.
    Raises ValueError for another position, and for names that are empty, repeated, or too long for the tower's context.
    `PromptLayout.of_texts` lays out whole texts, with no context vectors.

    tokens: (C, L) ids; where a context vector goes, any id.   slots: (C, L) which context vector, -1 for a token.
    ends: (C,) positions that are read.   shared: P, the first rows, which are the same for every class.
    own_class, own_position: (T,) the class of each other row, and where in its prompt it stands; without padding.
    rows: how the fast path runs them (`SharedRows`).
    All tensors are on the CLIP's device.
    """

    def __init__(
        self,
        clip,
        classnames: Sequence[str],
        n_ctx: int,
        *,
        position: str = "end",
        words: str = "",
        class_specific: bool = False,
    ) -> None:
        if position not in POSITIONS:
            raise ValueError(
                f"the class name stands at one of {tuple(POSITIONS)}; got {position!r}. {nearest(position, POSITIONS)}"
            )
        self.classnames, self.n_ctx, self.class_specific = check_classnames(classnames), n_ctx, class_specific
        self.position = position
        between = token_ids(clip.tokenizer, words) if words else []
        rows = []
        for name in self.classnames:
            said = spoken(name)
            sentence = token_ids(clip.tokenizer, f"{said}.")
            length = len(token_ids(clip.tokenizer, said))  # tokens of the name itself, without the full stop
            rows.append(_row(between + sentence, len(between) + length, n_ctx, position))
        _check_lengths(self.classnames, rows, n_ctx, clip.context_length)
        self._lay(clip, rows)

    @classmethod
    def of_texts(cls, clip, texts: Sequence[str]) -> "PromptLayout":
        """Whole texts, one a class: what `encode_texts` encodes, with gradients, and shared first rows run once.

        Raises ValueError for no texts, and for one that is too long for the tower's context.
        """
        if isinstance(texts, str) or not len(texts):
            raise ValueError(f"a list of at least one text is laid out; got {texts!r}")
        clip.tokenize(texts)  # says which text is too long
        layout = cls.__new__(cls)
        layout.classnames, layout.n_ctx, layout.class_specific, layout.position = list(texts), 0, False, "end"
        layout._lay(clip, [token_ids(clip.tokenizer, text) for text in texts])
        return layout

    def _lay(self, clip, rows: list[list[int]]) -> None:
        """rows: the ids of each prompt without start and end; context vector m as -(m + 1)."""
        start, end = clip.tokenize("")[0][:2].tolist()  # of an empty text: start and end
        self.ends = torch.tensor([1 + len(row) for row in rows])  # (C,)
        longest = int(self.ends.max()) + 1
        padded = torch.tensor([[start, *row] + [end] * (longest - 1 - len(row)) for row in rows])  # (C, L)
        self.slots = torch.where(padded < 0, -padded - 1, -1)
        self.tokens = torch.where(padded < 0, end, padded)
        same = (padded == padded[0]).all(dim=0).long().cumprod(0).sum()  # leading columns that all classes share
        self.shared = 1 if self.class_specific else min(int(same), int(self.ends.min()))
        self.rows = SharedRows(self.tokens, self.slots, self.ends, self.shared).to(clip.device)
        self.own_class, self.own_position = self.rows.own_class, self.rows.own_position
        self.tokens, self.slots, self.ends = (each.to(clip.device) for each in (self.tokens, self.slots, self.ends))

    def __len__(self) -> int:
        return len(self.classnames)


def _row(words: list[int], name_end: int, n_ctx: int, position: str) -> list[int]:
    """One prompt without its start and end; context vector m is written -(m + 1)."""
    context = [-(m + 1) for m in range(n_ctx)]
    before = POSITIONS[position](n_ctx)
    return context[:before] + words[:name_end] + context[before:] + words[name_end:]


def _check_lengths(classnames: list[str], rows: list[list[int]], n_ctx: int, context_length: int) -> None:
    longest = max(range(len(rows)), key=lambda c: len(rows[c]))
    needed = len(rows[longest]) + 2  # start and end
    if needed > context_length:
        raise ValueError(
            f"class name {classnames[longest]!r} needs {needed} tokens with n_ctx={n_ctx} context vectors; "
            f"the context holds {context_length}: lower n_ctx, or shorten the name"
        )
