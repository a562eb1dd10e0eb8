"""Prompts with learnable context: which token stands where, for every class.

end      [SOS] v_1 … v_M name . [EOS]               (CoOp, Zhou et al., IJCV 2022, equation 2)
middle   [SOS] v_1 … v_M/2 name v_M/2+1 … v_M . [EOS]   (equation 3)
front    [SOS] name v_1 … v_M . [EOS]
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons_lib.clip.tokens import token_ids
from lessons_lib.suggest import nearest
from lessons_lib.templates import check_classnames, spoken

POSITIONS = ("end", "middle", "front")


class PromptLayout:
    """C prompts as rows of tokens, cut behind the last end-of-text.

    classnames: C names.   n_ctx: M.   position: where the name stands among the context, one of POSITIONS.
    words: fixed words between the context and the name (MaPLe's "of a"); only where position is "end".
    class_specific: whether every class has a context of its own, so that no row is shared behind the start.
    Raises ValueError for another position, and for names that are empty, repeated, or too long for the tower's context.

    tokens: (C, L) ids; where a context vector goes, any id.   slots: (C, L) which context vector, -1 for a token.
    ends: (C,) positions that are read.   shared: P, the first rows, which are the same for every class.
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
                f"the class name stands at one of {POSITIONS}; got {position!r}. {nearest(position, POSITIONS)}"
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
        start, end = clip.tokenize("")[0][:2].tolist()  # of an empty text: start and end
        rows = [[start, *row, end] for row in rows]
        _check_lengths(self.classnames, rows, n_ctx, clip.context_length)

        self.ends = torch.tensor([len(row) - 1 for row in rows])
        longest = int(self.ends.max()) + 1
        padded = torch.tensor([row + [end] * (longest - len(row)) for row in rows])  # (C, L); context vectors below 0
        self.slots = torch.where(padded < 0, -padded - 1, -1)
        self.tokens = torch.where(padded < 0, end, padded)
        same = (padded == padded[0]).all(dim=0).long().cumprod(0).sum()  # leading columns that all classes share
        self.shared = 1 if class_specific else min(int(same), int(self.ends.min()))

        self._set_out()
        for name, value in list(vars(self).items()):
            if isinstance(value, Tensor):
                setattr(self, name, value.to(clip.device))

    def __len__(self) -> int:
        return len(self.classnames)

    def _set_out(self) -> None:
        """What the fast path runs: the shared rows once, and behind them the other rows of all classes, one after the
        other, T in all, none of them padding. Attention looks at them class by class, in a grid of (C, S) rows.

        own_class, own_position: (T,) the class that a row belongs to, and where in its prompt it stands.
        grid: (C · S,) the row that fills each place of the grid; behind a class's last row that row again, which no
            row before it sees and nothing reads.
        in_grid: (T,) the place of each row in the grid.   last: (C,) the row of each class that is read.
        learned, learned_shared, learned_own: where context vectors go among all (C, L), the shared (P,) and the own
            (T,) rows, a row of places each; found here once, since to find them on a GPU is to wait for it.
        """
        lengths = self.ends + 1 - self.shared  # (C,)
        behind = lengths.cumsum(0)  # (C,) rows up to and with this class
        width = int(lengths.max())  # S
        at = torch.arange(width)
        self.own_class, place = (at < lengths[:, None]).nonzero(as_tuple=True)  # (T,), (T,)
        self.own_position = self.shared + place
        self.grid = ((behind - lengths)[:, None] + torch.minimum(at, lengths[:, None] - 1)).flatten()
        self.in_grid = self.own_class * width + place
        self.last = behind - 1
        self.learned = (self.slots >= 0).nonzero()
        self.learned_shared = (self.slots[0, : self.shared] >= 0).nonzero()
        self.learned_own = (self.slots[self.own_class, self.own_position] >= 0).nonzero()


def _row(words: list[int], name_end: int, n_ctx: int, position: str) -> list[int]:
    """One prompt without its start and end; context vector m is written -(m + 1)."""
    context = [-(m + 1) for m in range(n_ctx)]
    before = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}[position]
    return context[:before] + words[:name_end] + context[before:] + words[name_end:]


def _check_lengths(classnames: list[str], rows: list[list[int]], n_ctx: int, context_length: int) -> None:
    longest = max(range(len(rows)), key=lambda c: len(rows[c]))
    if len(rows[longest]) > context_length:
        raise ValueError(
            f"class name {classnames[longest]!r} needs {len(rows[longest])} tokens with n_ctx={n_ctx} context vectors; "
            f"the context holds {context_length}: lower n_ctx, or shorten the name"
        )
