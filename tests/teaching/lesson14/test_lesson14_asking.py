"""What lesson 14 asks of a GLIP is what the library answers; its live training learns with the library's loss."""

import pytest
import torch
from noise_task import NAMES, caption_task
from tiny_clip import tiny_clip

from lessons_lib.methods import GLIP
from lessons_lib.methods.parts.alignment import alignment_loss
from lessons_lib.methods.parts.grounding import grounding, pseudo_labelled
from lessons_lib.teaching.lesson14 import asking, live, player, record

SMALL = {"image_size": 32, "width": 16, "layers": 1, "text_layers": 1, "context_length": 24}


@pytest.fixture
def glip():
    return GLIP(tiny_clip(), **SMALL).for_classes(NAMES).eval()


@pytest.fixture
def split():
    return caption_task().test


def test_an_answer_is_the_librarys(glip, split):
    picture = asking.pictures(split, [0], 32)[0]
    prompt = glip.phrases.of_names(NAMES[:2])
    said = asking.ask(glip, picture, prompt)
    boxes, scores = asking.best_boxes(said, prompt)
    [found] = glip.grounded(picture[None], [prompt])
    torch.testing.assert_close(scores, found.scores.amax(dim=0))
    torch.testing.assert_close(boxes, found.boxes[found.scores.argmax(dim=0)])
    words = asking.words_of(glip, prompt)
    assert len(words) == len(prompt.ids) and (words[0], words[-1]) == ("‹", "›")
    assert asking.planes(glip, said.S).shape == (len(words), 4, 4)


def test_a_typed_prompt_becomes_phrases():
    assert asking.phrases_of("red key. a  blue key.. red key") == ["red key", "a blue key"]
    with pytest.raises(ValueError, match="nothing is asked for"):
        asking.phrases_of(" . ")


def test_choices_agree_with_grounding(glip, split):
    twins = asking.of_twins(split)
    if any(twins.targets.phrases):
        found = asking.choices(glip, split)
        share = 100 * found.count("right") / len(found)
        assert share == pytest.approx(grounding(glip, twins)["grounding"])


def test_a_teachers_boxes_are_told_right_from_wrong(glip, split):
    found = pseudo_labelled(glip, split, 1e-4)
    right = asking.rightly(found, split)
    assert [len(each) for each in right] == [len(each) for each in found.targets.phrases]
    table = asking.tally(found, split, NAMES[:1])
    assert table.boxes.sum() == sum(map(len, right))
    rows = [i for i, each in enumerate(right) if each][:2]
    shown = asking.labels_of(found, split, rows)
    assert [[not name.startswith("✓") for name in each] for each in shown.names] == shown.wrong
    answers = asking.answered(glip, split, [0])
    assert len(answers.boxes[0]) == len(answers.names[0]) == len(split.targets.phrases[0])


def test_the_newborn_keeps_the_eyes_and_learns_with_the_librarys_loss(glip, split):
    young = live.newborn(glip)
    for own, other in zip(young.grounder.pyramid.parameters(), glip.grounder.pyramid.parameters()):
        torch.testing.assert_close(own, other)
        assert not own.requires_grad
    lessons = live.Lessons(young, [split])
    step = next(lessons.epoch(0, 4))
    v, states = live.together(young.grounder, step)
    wanted = young.grounder.wanted(step.boxes, step.told)
    words = alignment_loss(young.grounder.alignment(v, states), wanted.tokens, step.there)
    whole = live.whole_loss(young.grounder, step)
    torch.testing.assert_close(words + live.places(young.grounder, v, wanted), whole)
    assert sum(len(step.boxes) for step in lessons.epoch(1, 4)) == len(split)


def test_what_glipv2_contrasts_fits_in_its_own_picture(glip, split):
    one, batch = (live.contrasted(glip, split, rows) for rows in ([0], range(3)))
    regions, words = batch.fits.shape
    assert regions == sum(batch.regions) == len(batch.v) and words == sum(batch.words) == len(batch.e)
    torch.testing.assert_close(batch.fits[: len(one.v), : len(one.e)], one.fits)


def test_the_prompt_player_draws_and_says_what_is_wrong(glip, split, capsys):
    some = asking.pictures(split, [0, 1], 32)
    box = player.prompt_player(glip, some, [f"{NAMES[0]}.", f"{NAMES[1]}."])
    which, text = box.children[:2]
    which.value = 1
    assert text.value == f"{NAMES[1]}."
    with pytest.raises(ValueError, match="context holds"):
        player.draw(glip, some[0], ". ".join(f"{name} {i}" for i in range(9) for name in NAMES))


def test_the_shipped_models_records_are_told():
    rows = record.rows()
    assert set(rows.on) == {"base", "novel"} and set(rows.arm) == set(record.ARMS.values())
    assert (rows.floor < rows.ceiling).all()
    assert record.told("glip", "glip_detection").startswith("boxes and captions, fused − boxes alone")
    found = record.choices()
    assert len({len(each) for each in found.values()}) == 1
    assert " − " in record.of_right(found, "glip", "glip_unfused")
