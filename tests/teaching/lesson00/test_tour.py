"""ToyWorld's tour: overviews and sheets of its tasks, and a picture taken apart."""

from pathlib import Path

import torch

from lessons_lib import toyworld
from lessons_lib.teaching.lesson00 import tour
from lessons_lib.toyworld import render

ROOT = Path(__file__).resolve().parents[3]


def test_the_overview_shows_a_row_a_task_in_few_colours():
    page = tour.overview(["toy_flowers", "toy_things_sketch"], size=32, columns=4)
    assert page.mode == "P" and page.height == 2 * 62 + 6 and page.width == 142 + 4 * 38


def test_shifts_have_twins_of_their_own():
    assert [tour.twin(f"toy_things{shift}") for shift in ("", "_v2", "_sketch", "_a", "_r")] == [
        "ImageNet", "ImageNetV2", "ImageNet-Sketch", "ImageNet-A", "ImageNet-R",
    ]  # fmt: skip
    assert tour.twin("toy_satellite") == "EuroSAT"


def test_classes_chosen_for_the_overview_exist():
    for task, names in tour.SHOWN.items():
        known = {name.replace(" ", "_") for name in toyworld.TASKS[task].classnames}
        assert set(names.split()) <= known, task


def test_the_last_step_of_a_picture_is_the_cameras_and_gives_the_picture():
    scenes, _ = toyworld.draw_scenes("toy_flowers", "train", per_class=1)
    figure = tour.show_steps(scenes, 1)
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == len(scenes.describe(1)["parts"]) + 1
    assert titles[0] == "1. background" and titles[-1].endswith(". camera")
    painted, taken = (torch.as_tensor(figure.axes[len(titles) - k].images[0].get_array()) for k in (2, 1))  # (H, W, 3)
    assert torch.equal(taken, scenes[[1]].render()[0].permute(1, 2, 0))
    bare = render.paint(scenes[[1]].tables)[0].permute(1, 2, 0)
    assert (painted / 255 - bare).abs().max() < 0.01, "before the camera there is no grain, contrast or look"


def test_a_long_name_is_broken_where_its_lines_are_most_alike():
    assert tour._two_lines("pug", most=13) == ["pug"]
    assert tour._two_lines("brushland or shrubland", most=13) == ["brushland or", "shrubland"]
    assert tour._two_lines("chrysanthemums", most=13) == ["chrysanthemums"], "one word stays whole"


def test_captions_stand_under_their_pictures_and_do_not_overlap():
    captions = [
        "today , after a long walk with the children , we saw adopt this orange dog today thanks for looking"
    ] * 3
    figure = tour.show_pairs(torch.zeros(3, 3, 64, 64, dtype=torch.uint8), captions, columns=2)
    figure.draw_without_rendering()
    boxes = [ax.texts[0].get_window_extent() for ax in figure.axes if ax.texts]
    assert len(boxes) == 3 and not boxes[0].overlaps(boxes[1]) and not boxes[0].overlaps(boxes[2])
    assert all(box.y0 > 0 for box in boxes), "nothing is cut off below"


def test_answers_are_marked_by_more_than_a_colour():
    class Two:
        classnames, labels = ["pug", "boxer"], torch.tensor([0, 1])

        def __len__(self):
            return 2

        def image(self, i):
            return torch.zeros(8, 8, 3, dtype=torch.uint8).numpy()

    split = Two()
    figure = tour.show_answers(split, [0, 0])
    assert [ax.get_title() for ax in figure.axes[:2]] == ["✓ pug\n", "✗ pug\n(is: boxer)"]


def test_a_share_of_captions_that_name_a_class_is_counted():
    assert 0 < tour.share_that_names("toy_pets", pairs=60) < 60


def test_every_visible_object_of_a_scene_gets_a_box_with_its_name():
    scenes, _ = toyworld.draw_scenes("toy_scenes", "train", per_class=1)
    figure = tour.show_objects(scenes, 3, title="a street")
    seen = [name for name, box in zip(scenes.objects[3], scenes.boxes(3)) if not box.isnan().any()]
    assert [text.get_text() for text in figure.axes[2].texts] == seen and len(figure.axes[2].patches) == len(seen)


def test_there_is_a_contact_sheet_of_every_task_and_an_overview_below_300_kilobytes():
    sheets = {path.stem: path for path in (ROOT / "docs" / "contact_sheets").glob("*.png")}
    assert set(sheets) == set(toyworld.TASKS)
    for path in (*sheets.values(), ROOT / "docs" / "toyworld.png"):
        assert path.stat().st_size <= 300_000
