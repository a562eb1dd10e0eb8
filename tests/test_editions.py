"""What was made with an earlier ToyCLIP is told which one that was."""

import pytest
from noise_task import noise_task
from tiny_clip import tiny_clip

import lessons_lib as ll
from lessons_lib.editions import EDITIONS, weights_in_words

FIRST = next(iter(EDITIONS))


def test_weights_are_named_where_they_were_shipped_and_numbered_where_not():
    assert weights_in_words("toyclip", FIRST) == "the first ToyCLIP, of 21 November 2026"
    assert weights_in_words("mine", "0123456789abcdef") == "mine, weights 0123456789ab"


def test_a_method_of_an_earlier_toyclip_says_for_which_it_was_made(tmp_path, monkeypatch):
    clip = tiny_clip()
    method = ll.CoOp(clip, n_ctx=2).fit(noise_task(), epochs=1, progress=False)
    monkeypatch.setitem(clip.__dict__, "fingerprint", FIRST)
    method.save(tmp_path / "coop.safetensors")
    with pytest.raises(
        ValueError, match="fitted on another CLIP \\(the first ToyCLIP, of 21 November 2026\\) than this"
    ):
        ll.load_method(tmp_path / "coop.safetensors", tiny_clip(seed=5))
