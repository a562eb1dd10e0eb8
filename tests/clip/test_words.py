"""Words beside sentences: every position of a text in the joint space."""

import pytest
import torch
from tiny_clip import tiny_clip

TEXTS = ["a photo of a cat.", "dog", "", "a centered satellite photo of annual crop land.", "word " * 60]


@pytest.mark.parametrize("batch_size", [2, None])
def test_the_end_rows_of_words_are_the_texts(device, batch_size):
    clip = tiny_clip(device=device)
    rows, mask = clip.encode_words(TEXTS, batch_size=batch_size)
    assert rows.shape == (5, 62, 32) and mask.sum(dim=1).tolist() == [8, 3, 2, 11, 62]
    ends = mask.sum(dim=1) - 1
    torch.testing.assert_close(rows[torch.arange(5), ends], clip.encode_texts(TEXTS), rtol=0, atol=2e-6)
    torch.testing.assert_close(rows.norm(dim=-1), mask.float())


def test_words_are_the_same_whatever_stands_behind_them(clip):
    """Under the causal mask a word's row knows what came before it: the same beginning, the same rows."""
    (one, other), _ = clip.encode_words(["a photo of a cat.", "a photo of a dog on a mat."])
    torch.testing.assert_close(one[:5], other[:5], rtol=0, atol=1e-6)
    assert (one[5] - other[5]).abs().max() > 1e-3


def test_words_in_bfloat16_stay_close():
    exact, quick = (tiny_clip(precision=precision).encode_words(TEXTS) for precision in ("fp32", "bf16"))
    assert (exact.rows * quick.rows).sum(-1)[exact.mask].min() > 0.999


def test_no_texts_have_no_words_and_foreign_towers_say_so(clip):
    assert clip.encode_words([]).rows.shape == (0, 0, 32)
    with pytest.raises(ValueError, match="text tower of tiny .CustomTextCLIP. cannot be read row by row"):
        tiny_clip(custom_text=True).encode_words(TEXTS)
