"""Lesson 08's figures: texts, pictures and trainings stand where their numbers are, told apart by more than colour."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson08 import plots
from lessons_lib.teaching.lesson08.plots import DOTS

NAMES = [f"kind {i}" for i in range(12)]


def rows(count, seed=0, width=8):
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=1)


LABELS = torch.arange(12).repeat_interleave(3)
IMAGES, TEXTS = F.normalize(rows(12)[LABELS] + 0.1 * rows(36, 1), dim=1), rows(12, 2)


def circle(*degrees):
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def maps(before=IMAGES, after=IMAGES, texts=TEXTS, classes=tuple(NAMES[:5])):
    return plots.embedding_maps(
        {"before": before, "after": after}, {"before": texts, "after": TEXTS}, LABELS, NAMES, classes=classes
    )


def stars(ax):
    return np.concatenate([dots.get_offsets() for dots in ax.collections if list(dots.get_sizes()) == [170]])


def test_lines_on_the_circle_are_as_dark_as_the_potential():
    left, right = plots.rings({"far": circle(0, 60, 180), "near": circle(0, 0)}, t=2.0).axes
    alphas = [[line.get_alpha() for line in ax.lines if line.get_color() == "black"] for ax in (left, right)]
    assert alphas[0] == pytest.approx(np.exp([-2.0, -8.0, -6.0]), rel=1e-4)
    assert alphas[1] == pytest.approx([1.0])
    np.testing.assert_allclose(left.collections[0].get_offsets(), circle(0, 60, 180), atol=1e-6)
    assert [text.get_text() for text in left.texts] == ["A", "B", "C"]


def test_the_map_is_scikit_learns_pca_of_all_panels_each_kind_about_its_own_middle():
    after = F.normalize(IMAGES + 0.2 * rows(36, 3), dim=1)
    figure = maps(after=after)
    sets = [each - each.mean(dim=0) for each in (IMAGES, after, TEXTS, TEXTS)]
    pca = PCA(2, random_state=0).fit(torch.cat(sets).numpy())
    for ax, images, texts in zip(figure.axes, sets, sets[2:]):
        places = pca.transform(images.numpy())
        for c in range(5):
            np.testing.assert_allclose(ax.collections[c].get_offsets(), places[3 * c : 3 * c + 3], atol=1e-5)
        np.testing.assert_allclose(stars(ax), pca.transform(texts.numpy())[:5], atol=1e-5)
    assert [ax.get_title() or ax.get_title(loc="left") for ax in figure.axes] == ["before", "after"]


def test_each_class_has_its_own_colour_shape_and_letter_and_the_legend_names_it():
    figure = maps(classes=["kind 11", "kind 4"])
    ax = figure.axes[0]
    assert [text.get_text() for text in ax.texts] == ["A", "B"]
    np.testing.assert_allclose([text.xy for text in ax.texts], stars(ax))
    assert [to_hex(ax.collections[c].get_facecolor()[0]) for c in (0, 1)] == [
        each.lower() for each in plots.PALETTE[:2]
    ]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["A: kind 11", "B: kind 4", "text of a class"]
    assert len(set(DOTS[:10])) == 10 and "*" not in DOTS


def test_a_shift_of_all_texts_alone_moves_nothing():
    before, after = maps(texts=TEXTS + 3 * torch.eye(8)[0]).axes
    np.testing.assert_allclose(stars(before), stars(after), atol=1e-5)


def test_trainings_stand_at_their_two_measures_with_lines_through_the_first():
    places = {"rival": (0.3, 0.2), "both": (0.5, 0.1)}
    ax = plots.moved(places, start="rival", title="ends")
    np.testing.assert_allclose([dots.get_offsets()[0] for dots in ax.collections], list(places.values()))
    assert [text.get_text() for text in ax.texts] == ["rival", "both"]
    across, up = ax.lines
    assert set(across.get_xdata()) == {0.3} and set(up.get_ydata()) == {0.2}


def test_what_is_to_be_seen_is_said_in_words():
    words = alt_text(plots.rings({"far": circle(0, 180), "near": circle(0, 0, 90)}))
    assert "far, highest potential of a pair 0.00; near, highest potential of a pair 1.00" in words
    assert "before and after: A kind 11, B kind 4" in alt_text(maps(classes=["kind 11", "kind 4"]))
    assert "both: dispersion 0.50, variance 0.100" in alt_text(plots.moved({"both": (0.5, 0.1)}, start="both").figure)


def test_every_figure_can_be_drawn():
    for figure in (maps(), plots.rings({"$a": circle(0, 90)}), plots.moved({"a": (0, 1)}, start="a").figure):
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())
        assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 10, "the picture is empty"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: maps(after=IMAGES[:5]), r"5 images need as many labels; got 36 \(panel 'after'\)"),
        (lambda: maps(classes=["owl"]), "there is no class 'owl'"),
        (lambda: maps(classes=NAMES), "12 classes to colour: give at most 10"),
        (
            lambda: plots.embedding_maps({"a": IMAGES}, {"b": TEXTS}, LABELS, NAMES, classes=NAMES[:2]),
            "texts of the same names",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
