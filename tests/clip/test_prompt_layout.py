"""Where the tokens of a prompt stand, and what names and settings are refused."""

import pytest
import torch

import lessons_lib as ll
from lessons_lib.clip.prompts import POSITIONS, PromptLayout

NAMES = ["cat", "yellow_crane", "St. Bernard (a dog)", "cat food"]
START, END = 49406, 49407


def said(layout: PromptLayout, c: int, clip) -> str:
    """The prompt of a class up to its end-of-text, context vectors as v1, v2, …"""
    ends = int(layout.ends[c])
    words = [
        f"v{slot + 1}" if slot >= 0 else clip.tokenizer.decode([token]).strip()
        for token, slot in zip(layout.tokens[c, : ends + 1].tolist(), layout.slots[c, : ends + 1].tolist())
    ]
    return " ".join(words)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (dict(n_ctx=3), "v1 v2 v3 yellow crane ."),
        (dict(n_ctx=4, position="middle"), "v1 v2 yellow crane v3 v4 ."),
        (dict(n_ctx=3, position="middle"), "v1 yellow crane v2 v3 ."),
        (dict(n_ctx=1, position="middle"), "yellow crane v1 ."),
        (dict(n_ctx=2, position="front"), "yellow crane v1 v2 ."),
        (dict(n_ctx=2, words="of a"), "v1 v2 of a yellow crane ."),
        (dict(n_ctx=0, words="a photo of a"), "a photo of a yellow crane ."),
    ],
)
def test_the_name_stands_where_it_was_asked_for(clip, settings, wanted):
    layout = PromptLayout(clip, NAMES, **settings)
    assert said(layout, 1, clip) == f"<start_of_text> {wanted} <end_of_text>"


@pytest.mark.parametrize("position", POSITIONS)
def test_every_prompt_starts_ends_and_has_each_context_vector_once(clip, position):
    layout = PromptLayout(clip, NAMES, 5, position=position)
    assert (layout.tokens[:, 0] == START).all()
    assert layout.ends.tolist() == [8, 9, 13, 9]  # ")." is one token
    for c, end in enumerate(layout.ends.tolist()):
        assert layout.tokens[c, end] == END and layout.slots[c, end] == -1
        slots = layout.slots[c]
        assert slots[slots >= 0].tolist() == [0, 1, 2, 3, 4]
        assert (layout.tokens[c, :end][layout.slots[c, :end] < 0] != END).all()


def test_rows_are_shared_as_far_as_all_classes_agree(clip):
    assert PromptLayout(clip, NAMES, 4).shared == 5  # start and context
    assert PromptLayout(clip, NAMES, 2, words="of a").shared == 5  # and the fixed words
    assert PromptLayout(clip, ["cat", "cat food"], 4).shared == 6  # and a word with which all names begin
    assert PromptLayout(clip, NAMES, 4, position="middle").shared == 3
    assert PromptLayout(clip, NAMES, 4, position="front").shared == 1
    assert PromptLayout(clip, NAMES, 4, class_specific=True).shared == 1  # the start alone


def test_the_row_that_is_read_is_never_shared(clip):
    alone = PromptLayout(clip, ["cat"], 4)
    assert alone.shared == int(alone.ends[0])
    assert len(alone.own_class) == 1


def test_only_rows_of_a_class_s_own_are_run_for_it(clip):
    """The fast path's rows: all that is not shared, without padding, in the order of the classes."""
    layout = PromptLayout(clip, NAMES, 4)
    lengths = layout.ends + 1 - layout.shared
    assert layout.own_class.tolist() == torch.arange(4).repeat_interleave(lengths).tolist()
    assert layout.own_position[layout.rows.last].tolist() == layout.ends.tolist()
    assert (layout.tokens[layout.own_class, layout.own_position][layout.rows.last] == END).all()
    assert layout.rows.grid[layout.rows.in_grid].tolist() == list(range(int(lengths.sum())))


def test_underscores_are_spaces(clip):
    one, other = PromptLayout(clip, ["tea_pot"], 2), PromptLayout(clip, ["tea pot"], 2)
    assert torch.equal(one.tokens, other.tokens)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no class names were given"),
        (["cat", ""], "class name number 1 is empty"),
        (["_ _", "cat"], "class name number 0 is empty"),
        (["cat", "dog", "cat"], "class names are repeated: 'cat'"),
        (["tea_pot", "tea pot"], "class names are repeated: 'tea pot'"),
        ("cat", "a list of names, not one text"),
        ([7], "class name number 0 is empty"),
    ],
)
def test_names_that_make_no_prompts_are_refused(clip, names, words):
    for build in (lambda: PromptLayout(clip, names, 4), lambda: ll.CoOp(clip).set_classes(names)):
        with pytest.raises(ValueError, match=words):
            build()


def test_a_name_too_long_with_its_context_is_refused_not_cut(clip):
    name = "cat " * 58
    PromptLayout(clip, ["dog", name], 16)  # 1 + 16 + 58 + 2 tokens: all 77
    with pytest.raises(
        ValueError, match=r"class name 'cat cat .* needs 78 tokens with n_ctx=17 .*holds 77: lower n_ctx"
    ):
        PromptLayout(clip, ["dog", name], 17)
    with pytest.raises(ValueError, match="needs 78 tokens with n_ctx=16"):
        ll.CoOp(clip).set_classes(["dog", name + "cat"])
    with pytest.raises(ValueError, match="needs 80 tokens"):
        ll.MaPLe(clip).set_classes(["dog", "cat " * 73])


def test_a_context_that_fills_the_tower_is_refused_at_once(clip):
    assert ll.CoOp(clip, n_ctx=73).n_ctx == 73
    with pytest.raises(ValueError, match="needs 78 tokens with n_ctx=74"):
        ll.CoOp(clip, n_ctx=74)


def test_an_unknown_position_gets_the_nearest_name(clip):
    with pytest.raises(ValueError, match=r"one of \('end', 'middle', 'front'\); got 'midle'.*'middle'"):
        ll.CoOp(clip, class_token_position="midle")


@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp])
def test_a_context_of_another_length_than_its_words_is_refused(clip, kind):
    with pytest.raises(
        ValueError, match="ctx_init='a photo of a' has 4 tokens, but n_ctx=16: leave n_ctx out, or give 4"
    ):
        kind(clip, n_ctx=16, ctx_init="a photo of a")
    with pytest.raises(ValueError, match="has no words to start context vectors from"):
        kind(clip, ctx_init=" ")
    assert kind(clip, ctx_init="a watercolour of").n_ctx == len(clip.tokenizer.encode("a watercolour of"))  # tokens


@pytest.mark.parametrize("n_ctx", [0, -1, 2.0, "4", True])
@pytest.mark.parametrize("kind", [ll.CoOp, ll.CoCoOp])
def test_an_impossible_number_of_context_vectors_is_refused(clip, kind, n_ctx):
    with pytest.raises(ValueError, match=f"n_ctx={n_ctx!r}: give a whole number of context vectors, at least 1"):
        kind(clip, n_ctx=n_ctx, ctx_init=None)


@pytest.mark.parametrize("kind", [ll.MaPLe, ll.IVLP])
def test_the_visible_words_must_be_tokens(clip, kind):
    with pytest.raises(ValueError, match="give words that are one token each"):
        kind(clip, ctx_init="a photograph-like picture of a")


@pytest.mark.parametrize(("kind", "rows"), [(ll.MaPLe, "n_ctx"), (ll.IVLP, "n_ctx_text")])
def test_more_rows_than_words_start_at_random_and_leave_no_word(clip, kind, rows):
    """As released: four words are four rows, five rows are none of them."""
    words = clip.text_tower.word_embeddings(clip.tokenizer, "a photo of a")
    four, five, other = kind(clip, **{rows: 4}), kind(clip, **{rows: 5}), kind(clip, **{rows: 5})
    other.reset(seed=2)
    assert torch.equal(four.ctx, words) and four.words == five.words == ""
    assert len(five.ctx) == 5 and not torch.equal(five.ctx[:4], words) and not torch.equal(five.ctx, other.ctx)
    assert five.ctx.std().item() == pytest.approx(0.02, rel=0.3)
