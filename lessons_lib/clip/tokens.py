"""Texts to token ids, without the silent cut that the tokenizers make at the end of the context."""

from collections.abc import Callable, Sequence

import torch
from open_clip.tokenizer import SimpleTokenizer


def tokenize(tokenizer: Callable, texts: str | Sequence[str], context_length: int) -> torch.Tensor:
    """texts: N strings -> (N, context_length) long, padded.

    Raises TypeError when something is not a string, ValueError when a text does not fit into the context.
    """
    texts = [texts] if isinstance(texts, str) else list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts must be strings; number {i} is a {type(text).__name__}: {text!r:.60}")
    if isinstance(tokenizer, SimpleTokenizer) and tokenizer.reduction_fn is None:
        start, end = tokenizer.sot_token_id, tokenizer.eot_token_id
        ids = [[start, *tokenizer.encode(text), end] for text in texts]
        _check_lengths(texts, [len(row) for row in ids], context_length)
        tokens = torch.zeros(len(texts), context_length, dtype=torch.long)
        for i, row in enumerate(ids):
            tokens[i, : len(row)] = torch.tensor(row)
        return tokens
    if not texts:
        return torch.zeros(0, context_length, dtype=torch.long)
    _check_lengths(texts, _token_counts(tokenizer, texts), context_length)
    return tokenizer(texts, context_length=context_length)


def token_ids(tokenizer: Callable, text: str) -> list[int]:
    """The ids of a text alone, without start and end. Raises ValueError for a tokenizer other than CLIP's."""
    if not isinstance(tokenizer, SimpleTokenizer):
        raise ValueError(
            f"prompts with learnable context are put together from the tokens of CLIP's own tokenizer; this model's is "
            f"a {type(tokenizer).__name__}"
        )
    return tokenizer.encode(text)


def read_by(tokenizer: Callable) -> Callable[[str], tuple[int, ...]]:
    """What a tokenizer makes of a text: its ids, without a cut. Texts with the same ids are one text to its model."""
    if isinstance(tokenizer, SimpleTokenizer):
        return lambda text: tuple(tokenizer.encode(text))
    return lambda text: tuple(tokenizer.tokenizer([tokenizer.clean_fn(text)]).input_ids[0])


def _token_counts(tokenizer: Callable, texts: list[str]) -> list[int]:
    """Tokens that each text needs under a tokenizer from Hugging Face, which open_clip wraps in a class of its own."""
    return [len(ids) for ids in tokenizer.tokenizer([tokenizer.clean_fn(text) for text in texts]).input_ids]


def _check_lengths(texts: list[str], counts: list[int], context_length: int) -> None:
    for text, count in zip(texts, counts):
        if count > context_length:
            shown = text if len(text) <= 60 else text[:57] + "…"
            raise ValueError(f"text {shown!r} needs {count} tokens; the context holds {context_length}. Shorten it")
