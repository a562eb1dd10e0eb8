"""Lesson 11's figures and the label player: what is drawn is what was answered, in words too."""

import pytest
import torch
from matplotlib.colors import to_rgb

from lessons_lib.methods import METHODS
from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson11 import player, plots
from lessons_lib.teaching.plots.segmented import GREY

NAMES = ["background", "owl", "mug", "key"]
GRID = torch.zeros(8, 8, dtype=torch.long)
GRID[:4], GRID[6:, :2] = 1, 3
PICTURE = torch.zeros(3, 8, 8, dtype=torch.uint8)


def test_every_label_has_its_colour_and_letter_and_the_background_none():
    figure = plots.segmented([PICTURE], {"map": ([GRID], NAMES)})
    shown = figure.axes[1].images[0].get_array()
    assert tuple(shown[7, 7]) == pytest.approx(to_rgb(GREY))
    assert len({tuple(shown[y, x].round(3)) for y, x in ((0, 0), (7, 0), (7, 7))}) == 3
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["A owl", "B key", "none of them"]
    assert [text.get_text() for text in figure.axes[1].texts if text.get_text()] == ["A", "B"]
    assert "map, picture 1: owl, background, key" in alt_text(figure)


def test_maps_with_other_labels_share_the_colours_of_names():
    other = (GRID == 1).long()
    figure = plots.segmented([PICTURE], {"first": ([GRID], NAMES), "second": ([other], ["others", "owl"])})
    first, second = (ax.images[0].get_array() for ax in figure.axes[1:])
    assert torch.equal(torch.tensor(first[0, 0]), torch.tensor(second[0, 0]))


def test_bars_stand_at_their_numbers_between_floor_and_ceiling():
    one = lambda value: {"seen": {"mIoU": value, "low": value - 1, "high": value + 2}}  # noqa: E731
    found = {"LSeg": one(50.0), "dense": one(5.0), "floor": one(1.0), "ceiling": one(90.0)}
    [ax] = plots.asked(found, ways={"seen": "48 seen"}).axes
    assert [bar.get_width() for bar in ax.patches] == [50.0, 5.0]
    lines = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2]
    assert {1.0, 90.0} <= set(lines)
    assert "LSeg 50, dense 5, floor 1, ceiling 90" in alt_text(ax.figure)


def test_the_pairs_that_take_most_are_named():
    ax = plots.near_and_taken(
        torch.tensor([[0.9, 0.1]]), torch.tensor([[70.0, 30.0]]), ["owl"], ["bat", "key"], named=1
    )
    assert [text.get_text() for text in ax.texts] == ["A"]
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["owl → bat"]
    assert "owl → bat 70 % at cosine 0.90" in alt_text(ax.figure)


@pytest.fixture
def told(clip):
    pixels = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return METHODS["DenseZeroShot"](clip), pixels, clip.preprocess_tensor(pixels)


def test_the_player_draws_its_first_state_and_follows_slider_and_box(told, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(plots, "segmented", lambda pictures, maps: drawn.append(maps["labelled"][1]))
    which, chosen, typed, _ = player.label_player(*told, [["dog", "owl"], ["sun"]]).children
    assert drawn == [["dog", "owl"]]
    chosen.value = 1
    assert typed.value == "sun" and drawn[-1] == ["sun"]
    typed.value = "cat , moon,"
    assert drawn[-1] == ["cat", "moon"]
    which.value = 1
    assert len(drawn) == 4


def test_what_is_typed_wrong_is_told_in_words():
    with pytest.raises(ValueError):
        player.labels_of(" , ")
    with pytest.raises(ValueError):
        player.labels_of("cat, cat")


def test_a_still_map_is_what_the_method_predicts(told):
    method, _, seen = told
    assert torch.equal(player.labelled(method, seen, ["dog", "owl"]), method.for_classes(["dog", "owl"]).predict(seen))
