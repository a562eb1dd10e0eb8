"""Where phrases find what they are about, counted by hand; and what a teacher makes of captions."""

import pytest
import torch
from noise_task import NAMES, box_split, box_task, caption_split
from tiny_clip import tiny_clip

from lessons_lib.data import Captions, Split
from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.detector import Regions
from lessons_lib.methods.parts.grounding import grounding, pseudo_labelled
from lessons_lib.methods.parts.phrases import Phrases


class Told(torch.nn.Module):
    """In place of a detector: finds the same regions in every picture, with given scores of its first phrases."""

    image_size = 32

    def __init__(self, boxes, scores):
        super().__init__()
        self.phrases = Phrases(tiny_clip().tokenizer, 48)
        self.here = torch.nn.Parameter(torch.zeros(1))
        self.found = torch.tensor(boxes), torch.tensor(scores)

    def grounded(self, pictures, prompts):
        boxes, scores = self.found
        return [Regions(boxes, scores.amax(dim=1), scores[:, : len(prompt.spans)]) for prompt in prompts]


def captioned(boxes, phrases, text="a cat and an owl"):
    split, n = caption_split(len(boxes), 1), len(boxes)
    labels = [torch.zeros(len(some), dtype=torch.long) for some in boxes]
    return Split(split.images, Captions(boxes, labels, [(32, 32)] * n, [text] * n, phrases), NAMES)


CAT, OWL, LEFT, RIGHT = (2, 5), (13, 16), [0.0, 0, 10, 10], [20.0, 20, 30, 30]


def test_grounding_is_counted_beside_its_floor_and_ceiling():
    """Two phrases a picture: "owl" is found, "cat" is taken for the surest box, though its own was proposed."""
    split = captioned([[LEFT, RIGHT]] * 2 + [[]], [[(*CAT, 0), (*OWL, 1)]] * 2 + [[]])
    method = Told([LEFT, RIGHT], [[0.3, 0.2], [0.6, 0.9]])
    assert grounding(method, split) == {"grounding": 50.0, "grounding_floor": 50.0, "grounding_ceiling": 100.0}
    better = Told([LEFT, RIGHT], [[0.7, 0.2], [0.6, 0.9]])
    assert grounding(better, split)["grounding"] == 100


def test_a_phrase_about_several_boxes_may_find_any():
    split = captioned([[LEFT, RIGHT]], [[(*CAT, 0), (*CAT, 1)]])
    assert grounding(Told([RIGHT, LEFT], [[0.9, 0], [0.1, 0]]), split)["grounding"] == 100


def test_a_teacher_is_believed_from_a_score_of_half_on_and_says_each_thing_once():
    split = captioned([[LEFT]] * 2, [[(*CAT, 0), (*OWL, 0)]] * 2)
    near = [1.0, 1, 10, 10]
    method = Told([LEFT, near, RIGHT], [[0.8, 0.1], [0.7, 0.2], [0.55, 0.49]])
    found = pseudo_labelled(method, split)
    assert found.kind == "ground" and found.classnames == ["thing"] and len(found) == 2
    assert found.targets.boxes[0].tolist() == [LEFT, RIGHT], "the second cat overlaps the first"
    assert found.targets.phrases[0] == [(*CAT, 0), (*CAT, 1)] and found.targets.captions == split.targets.captions
    assert found.images is split.images
    assert [len(boxes) for boxes in pseudo_labelled(method, split, 0.9).targets.boxes] == [0, 0]


def test_boxes_of_a_teacher_lie_in_their_picture():
    split = captioned([[LEFT]], [[(*CAT, 0)]])
    found = pseudo_labelled(
        Told([[-5.0, -5, 40, 40], [31.9, 0, 33, 9], [33.0, 0, 35, 9]], [[0.9], [0.8], [0.8]]), split
    )
    assert found.targets.boxes[0].min() >= 0 and found.targets.boxes[0].max() <= 32
    assert len(found.targets.boxes[0]) == 2, "one lay outside altogether"


def test_a_student_learns_from_what_its_teacher_says():
    clip, small = tiny_clip(), {"image_size": 32, "width": 16, "layers": 1, "text_layers": 1, "anchor": 1.5}
    teacher = GLIP(clip, **small).for_classes(NAMES)
    labelled = pseudo_labelled(teacher, caption_split(5, 4), 0.05)
    assert sum(map(len, labelled.targets.boxes)) > 0
    student = GLIP(clip, **small).fit(box_task(), grounding=[labelled], epochs=1, progress=False)
    assert student.history[0]["loss"] > 0


@pytest.mark.parametrize(("of", "sure", "words"), [(box_split, 0.5, "give captions"), (caption_split, 1.0, "sure=1.0")])
def test_what_a_teacher_cannot_label_is_refused(of, sure, words):
    with pytest.raises(ValueError, match=words):
        pseudo_labelled(Told([LEFT], [[0.9]]), of(2, 1), sure)
