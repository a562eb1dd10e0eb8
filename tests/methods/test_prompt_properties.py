"""What holds for any class names and any prompts: the fast path is the plain one, and rows stand where they should."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.clip.prompts import POSITIONS, PromptLayout

CLIP = tiny_clip()
WIDTH, BLOCKS, END = CLIP.text_tower.width, CLIP.text_tower.layers, 49407
PARTS = ["cat", "Crane", "yellow", "extraordinarily", "St.", "(old)", "2", "x-ray", "d'or", "é", "the", "quetzalcoatl"]

names = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).flatmap(
    lambda parts: st.sampled_from([" ", "_"]).map(lambda space: space.join(parts))
)
class_names = st.lists(names, min_size=1, max_size=6, unique_by=lambda name: name.replace("_", " "))


def draw(*shape: int, seed: int) -> torch.Tensor:
    return (0.05 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))).requires_grad_()


@settings(max_examples=60, deadline=None)
@given(
    class_names,
    st.integers(1, 16),
    st.sampled_from(tuple(POSITIONS)),
    st.booleans(),
    st.integers(1, BLOCKS),
    st.integers(0, 9),
)
def test_the_fast_path_is_the_plain_one(classnames, n_ctx, position, class_specific, depth, seed):
    layout = PromptLayout(CLIP, classnames, n_ctx, position=position, class_specific=class_specific)
    context = draw(*([len(layout)] if class_specific else []), n_ctx, WIDTH, seed=seed)
    deep = draw(depth - 1, n_ctx, WIDTH, seed=seed + 10)
    if class_specific or position != "end":
        deep = deep[:0].detach().requires_grad_()
    fast, plain = (
        values_and_gradients(
            lambda plain=plain: CLIP.text_tower.encode_prompts(layout, context, deep, plain=plain), [context, deep]
        )
        for plain in (False, True)
    )
    assert_same(fast, plain, ["embeddings", "context", "deep context"], 1e-4)


@settings(max_examples=30, deadline=None)
@given(class_names, st.integers(1, 4), st.integers(1, 3), st.integers(1, BLOCKS), st.integers(0, 9))
def test_many_contexts_too(classnames, n_ctx, contexts, depth, seed):
    layout = PromptLayout(CLIP, classnames, n_ctx)
    context, deep = draw(contexts, n_ctx, WIDTH, seed=seed), draw(depth - 1, n_ctx, WIDTH, seed=seed + 10)
    fast, plain = (
        values_and_gradients(
            lambda plain=plain: CLIP.text_tower.encode_prompts(layout, context, deep, plain=plain), [context, deep]
        )
        for plain in (False, True)
    )
    assert fast[0].shape == (contexts, len(classnames), CLIP.embed_dim)
    assert_same(fast, plain, ["embeddings", "contexts", "deep context"], 1e-4)


@settings(max_examples=100, deadline=None)
@given(class_names, st.integers(0, 16), st.sampled_from(tuple(POSITIONS)), st.booleans())
def test_rows_stand_where_they_should(classnames, n_ctx, position, class_specific):
    layout = PromptLayout(CLIP, classnames, n_ctx, position=position, class_specific=class_specific)
    rows = torch.arange(len(layout))
    assert (layout.tokens[rows, layout.ends] == END).all() and (layout.slots[rows, layout.ends] == -1).all()
    for c, name in enumerate(classnames):
        tokens, slots = (each[c, : layout.ends[c] + 1] for each in (layout.tokens, layout.slots))
        assert slots[slots >= 0].tolist() == list(range(n_ctx))
        spoken = CLIP.tokenizer.encode(name.replace("_", " ") + ".")
        assert tokens[slots < 0][1:-1].tolist() == spoken  # between start and end, the name and its full stop

    together = torch.where(layout.slots < 0, layout.tokens, -1 - layout.slots)
    assert (together[:, : layout.shared] == together[0, : layout.shared]).all()
    if class_specific:
        assert layout.shared == 1
    elif layout.shared < layout.ends.min():  # as many as are equal
        assert (together[:, layout.shared] != together[0, layout.shared]).any()

    own = int((layout.ends + 1 - layout.shared).sum())
    assert len(layout.own_class) == len(layout.own_position) == own  # no padding is run
    assert (layout.tokens[layout.own_class, layout.own_position][layout.rows.last] == END).all()
    assert layout.rows.grid[layout.rows.in_grid].tolist() == list(range(own))
