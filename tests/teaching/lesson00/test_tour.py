"""ToyWorld's tour: overviews and sheets of its tasks, and a picture taken apart."""

from pathlib import Path

import torch

from lessons_lib import toyworld
from lessons_lib.teaching.lesson00 import tour

ROOT = Path(__file__).resolve().parents[3]


def test_the_overview_shows_a_row_a_task_in_few_colours():
    page = tour.overview(["toy_flowers", "toy_things_sketch"], size=32, columns=4)
    assert page.mode == "P" and page.height == 2 * 52 + 6 and page.width == 142 + 4 * 38


def test_shifts_have_twins_of_their_own():
    assert [tour.twin(f"toy_things{shift}") for shift in ("", "_v2", "_sketch", "_a", "_r")] == [
        "ImageNet", "ImageNetV2", "ImageNet-Sketch", "ImageNet-A", "ImageNet-R",
    ]  # fmt: skip
    assert tour.twin("toy_satellite") == "EuroSAT"


def test_classes_chosen_for_the_overview_exist():
    for task, names in tour.SHOWN.items():
        known = {name.replace(" ", "_") for name in toyworld.TASKS[task].classnames}
        assert set(names.split()) <= known, task


def test_the_last_step_of_a_picture_is_the_picture():
    scenes, _ = toyworld.draw_scenes("toy_flowers", "train", per_class=1)
    figure = tour.show_steps(scenes, 1)
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert len(titles) == len(scenes.describe(1)["parts"]) and titles[0] == "1. background"
    last = torch.as_tensor(figure.axes[len(titles) - 1].images[0].get_array())  # (H, W, 3)
    assert torch.equal(last, scenes[[1]].render()[0].permute(1, 2, 0))


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
