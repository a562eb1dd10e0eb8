"""What a grounding detector is asked: a prompt of phrases, "key. red key.", or a caption, and which tokens are whose.

A prompt is put together from token ids, so a phrase's tokens are known and never looked for. More class names than one
prompt holds are asked in several, as GLIP asks for LVIS's 1,203 by 40 at a time.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lessons_lib.clip.tokens import token_ids
from lessons_lib.methods.parts.alignment import token_spans
from lessons_lib.templates import spoken


class Prompt(NamedTuple):
    """ids: of its tokens, start and end with them; spans: the positions of each phrase's tokens."""

    ids: tuple[int, ...]
    spans: tuple[range, ...]

    def phrase(self, number: int) -> tuple[int, ...]:
        """The ids of a phrase's tokens: what it says."""
        span = self.spans[number]
        return self.ids[span.start : span.stop]


class Phrases:
    """Makes prompts.   tokenizer: CLIP's; context_length: the most tokens of one, start and end with them."""

    def __init__(self, tokenizer: Callable, context_length: int):
        self.tokenizer, self.context_length = tokenizer, context_length
        self._separator = token_ids(tokenizer, ".")
        self._ids: dict[str, list[int]] = {}  # of names, each followed by the separator

    def of_names(self, names: Sequence[str]) -> Prompt:
        """ "key. red key." Raises ValueError where they are more than the context holds."""
        count = 2 + sum(map(self._count, names))
        if count > self.context_length:
            said = f"class name {names[0]!r} needs" if len(names) == 1 else f"{len(names)} class names need"
            raise ValueError(f"{said} {count} tokens in one prompt; the context holds {self.context_length}")
        ids, spans = [self.tokenizer.sot_token_id], []
        for name in names:
            spans.append(range(len(ids), len(ids) + self._count(name) - len(self._separator)))
            ids += self._ids[name]
        return Prompt((*ids, self.tokenizer.eot_token_id), tuple(spans))

    def of_caption(self, caption: str, phrases: Sequence[tuple[int, int]]) -> Prompt:
        """phrases: (first letter, letter behind the last) of each. Raises ValueError as `token_spans` does."""
        spans = token_spans(self.tokenizer, caption, phrases, self.context_length)
        ids = token_ids(self.tokenizer, caption)
        return Prompt((self.tokenizer.sot_token_id, *ids, self.tokenizer.eot_token_id), tuple(spans))

    def chunks(self, names: Sequence[str]) -> list[list[int]]:
        """Positions of the names, in order, as many in each chunk as one prompt holds. Raises ValueError for a name
        that fits into none."""
        found, left = [], 0
        for place, name in enumerate(names):
            if self._count(name) > left:
                self.of_names([name])  # raises where it is too long
                found, left = [*found, []], self.context_length - 2
            found[-1].append(place)
            left -= self._count(name)
        return found

    def drawn(self, names: Sequence[str], present: Sequence[int], draws: torch.Generator) -> list[int]:
        """Positions of names for one prompt, in an order by chance: those that are present, and as many others as it
        holds. Raises ValueError where those present are more than that."""
        self.of_names([names[place] for place in present])
        others = [place for place in torch.randperm(len(names), generator=draws).tolist() if place not in present]
        picked, left = list(present), self.context_length - 2 - sum(self._count(names[place]) for place in present)
        for place in others:
            if self._count(names[place]) <= left:
                picked.append(place)
                left -= self._count(names[place])
        return [picked[i] for i in torch.randperm(len(picked), generator=draws).tolist()]

    def _count(self, name: str) -> int:
        if name not in self._ids:
            self._ids[name] = [*token_ids(self.tokenizer, spoken(name)), *self._separator]
        return len(self._ids[name])


def letters_of(caption: str, phrases: Sequence[str]) -> list[tuple[int, int]]:
    """Where each phrase stands: (first letter, letter behind the last); the same phrase again stands further on.

    Raises ValueError where there is no phrase, or one is not in the caption, in whole words.
    """
    if not phrases:
        raise ValueError(f"no phrase of {caption!r} was given: say what is to be found")
    found: dict[str, list[tuple[int, int]]] = {}
    out = []
    for phrase in phrases:
        if phrase not in found:
            whole = rf"(?<!\w){re.escape(phrase)}(?!\w)" if phrase.strip() else r"(?!)"
            found[phrase] = [place.span() for place in re.finditer(whole, caption)]
            if not found[phrase]:
                raise ValueError(f"the phrase {phrase!r} is not in the caption {caption!r}, in whole words")
        out.append(found[phrase].pop(0) if len(found[phrase]) > 1 else found[phrase][0])
    return out


def stacked(prompts: Sequence[Prompt], device: torch.device) -> tuple[Tensor, Tensor]:
    """(n, L) long ids, 0 behind a prompt's end, and (n, L) bool: which tokens are there."""
    length = max(len(prompt.ids) for prompt in prompts)
    ids = torch.tensor([[*prompt.ids, *[0] * (length - len(prompt.ids))] for prompt in prompts], device=device)
    ends = torch.tensor([len(prompt.ids) for prompt in prompts], device=device)
    return ids, torch.arange(length, device=device) < ends[:, None]
