"""What can make a world harder: looks of tasks, the language of trades, wrong names, pictures of several things."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from lessons_lib import toyworld
from lessons_lib.toyworld.captions import Dials, Wording, caption, caption_of_several
from lessons_lib.toyworld.looks import NO_LOOK, Look, any_look
from lessons_lib.toyworld.scenes import draw_class
from lessons_lib.toyworld.several import CROWDS, draw_together

LOOKED = [name for name, spec in toyworld.TASKS.items() if spec.look != NO_LOOK]


def drawn(look: Look, seed: int = 3):
    spec = toyworld.TASKS["toy_objects"]
    rng, conditions = np.random.default_rng(seed), replace(spec.conditions, look=look)
    return draw_class(spec.classes[0], 6, rng, category="object", conditions=conditions)


# --- looks


@pytest.mark.parametrize("task", LOOKED)
def test_a_look_changes_pictures_but_not_what_they_show(task):
    plain, looked = (toyworld.draw_scenes(task, "val", per_class=2, looks=strength)[0] for strength in (0.0, 1.0))
    # the look's own numbers are drawn last for each class, so the first pictures have the same shapes
    assert torch.equal(plain.tables, looked.tables)
    assert [f.colours for f in plain.facts] == [f.colours for f in looked.facts]
    changed = (plain.render().float() - looked.render().float()).abs().mean((1, 2, 3))
    assert (changed > 4).all()  # of 255


def test_ten_of_the_eleven_tasks_have_a_look_and_the_things_have_none():
    assert set(LOOKED) == set(toyworld.ELEVEN) - {"toy_things"}


def test_a_look_at_strength_0_is_none_and_at_1_itself():
    look = toyworld.TASKS["toy_scenes"].look
    assert look.at(0.0) == NO_LOOK
    for name in Look.__dataclass_fields__:
        assert getattr(look.at(1.0), name) == pytest.approx(getattr(look, name))
        half = getattr(look.at(0.5), name)
        assert half == pytest.approx([(a + b) / 2 for a, b in zip(getattr(look, name), getattr(NO_LOOK, name))])


@pytest.mark.parametrize(
    ("look", "seen"),
    [
        (Look(cast=(0.2, 0.2)), lambda old, new: new.mean() > old.mean() + 20),
        (Look(contrast=(0.5, 0.5)), lambda old, new: new.std() < 0.7 * old.std()),
        (Look(warmth=(0.2, 0.2)), lambda old, new: (new - old)[:, 0].mean() > 20 > -20 > (new - old)[:, 2].mean()),
        (Look(noise=(0.1, 0.1)), lambda old, new: new.diff(dim=-1).abs().mean() > old.diff(dim=-1).abs().mean() + 5),
        (
            Look(vignette=(1.0, 1.0)),
            lambda old, new: new[..., 0, 0].mean() < 20 and (new - old)[..., 32, 32].abs().max() < 2,
        ),
        (Look(softness=(1.0, 1.0)), lambda old, new: new.diff(dim=-1).abs().amax() < old.diff(dim=-1).abs().amax()),
    ],
    ids=["cast", "contrast", "warmth", "noise", "vignette", "softness"],
)
def test_each_of_a_looks_numbers_does_what_it_says(look, seen):
    assert seen(drawn(NO_LOOK).render().float(), drawn(look).render().float())


def test_looks_of_no_task_are_of_many_kinds():
    rng = np.random.default_rng(0)
    found = [any_look(rng) for _ in range(60)]
    assert NO_LOOK not in found
    for name in Look.__dataclass_fields__:
        assert 10 < sum(getattr(look, name) != getattr(NO_LOOK, name) for look in found) < 50


# --- captions


def said(dials: Dials, n: int = 2000, trade=("buy {} now", "{}, as new"), **changes) -> list[str]:
    facts, rng = drawn(NO_LOOK).facts[0], random.Random(1)
    wording = Wording(name_share=1.0, trade=trade)
    return [caption(facts, rng, wording=wording, name="anchor", dials=dials, **changes) for _ in range(n)]


def test_named_captions_speak_the_trades_language_as_often_as_asked():
    plain = Dials(lead_in=0, chatter=0)
    for share in (0.0, 0.4, 1.0):
        texts = said(replace(plain, trade=share))
        trade = [text for text in texts if text.startswith("buy ") or text.endswith(", as new")]
        assert len(trade) / len(texts) == pytest.approx(share, abs=0.04)
        assert not any(text.startswith("buy a ") for text in trade)


def test_misnamed_captions_name_the_class_that_this_one_is_mistaken_for():
    texts = said(Dials(misnamed=0.25, trade=0.0), mistaken="kettle")
    assert sum("kettle" in text for text in texts) / len(texts) == pytest.approx(0.25, abs=0.04)
    assert all(("kettle" in text) != ("anchor" in text) for text in texts)
    assert not any("kettle" in text for text in said(Dials(misnamed=1.0, trade=1.0), mistaken="kettle"))


def test_every_class_is_mistaken_for_another_one_always_the_same():
    for spec in toyworld.TASKS.values():
        mistaken = toyworld.mistaken_for(spec)
        assert sorted(mistaken) == sorted(mistaken.values()) == sorted(spec.classnames)
        assert all(name != other for name, other in mistaken.items())


def test_what_is_off_draws_nothing_from_the_generator():
    off = Dials(trade=0.0, trade_unnamed=0.0, misnamed=0.0)
    assert said(off, mistaken="kettle") == said(off, trade=(), mistaken="")


def test_captions_of_one_dial_go_with_the_same_pictures():
    tasks = ["toy_pets", "toy_food"]
    (plain, texts), (same, trade) = (
        toyworld.draw_pairs(64, seed=5, tasks=tasks, dials=Dials(wrong=0.0, trade=share)) for share in (0.0, 1.0)
    )
    assert torch.equal(plain, same) and texts != trade


# --- several things


def test_phrases_speak_of_the_things_that_they_are_linked_with():
    scenes, _ = draw_together(CROWDS, 60, np.random.default_rng(2))
    rng, counts = random.Random(3), []
    for facts in scenes.facts:
        text, phrases = caption_of_several(facts, rng, dials=Dials(named_of_several=1.0))
        counts.append(len(phrases))
        assert len({k for _, k in phrases}) == len(phrases)
        for phrase, k in phrases:
            assert phrase in text and facts.things[k].name in phrase
    assert set(counts) == {1, 2, 3}


def test_pre_training_can_see_pictures_of_several_things():
    _, texts = toyworld.draw_pairs(200, seed=4, dials=Dials(several=0.5, lead_in=0, chatter=0, wrong=0))
    several = sum(any(f" {joint} " in text for joint in ("next to", "beside", "near")) for text in texts)
    assert 20 < several < 100  # of about 100, some speak of one thing, or join with "and" or "with"
    _, alone = toyworld.draw_pairs(200, seed=4, dials=Dials(several=0.0, wrong=0))
    assert sum(" next to " in text for text in alone) < several / 4
