"""Maps of embeddings: every image and text is where the projection puts it, in its class's colour and shape."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

from lessons_lib.metrics import geometry as diagnostics
from lessons_lib.teaching.lesson08 import plots
from lessons_lib.teaching.lesson08.plots import DOTS

NAMES = [f"kind {i}" for i in range(12)]


def rows(count, seed=0, width=8):
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=1)


LABELS = torch.arange(12).repeat_interleave(3)
IMAGES, TEXTS = F.normalize(rows(12)[LABELS] + 0.1 * rows(36, 1), dim=1), rows(12, 2)


def drawn(ax, label):
    return next(dots for dots in ax.collections if dots.get_label() == label)


def test_pca_places_are_scikit_learns_of_all_sets_together():
    images, texts = plots.flat_maps(IMAGES, TEXTS, how="pca")
    wanted = PCA(2, random_state=0).fit_transform(torch.cat([IMAGES, TEXTS]).numpy())
    np.testing.assert_allclose(np.concatenate([images, texts]), wanted, atol=1e-5)
    assert images.shape == (36, 2) and texts.shape == (12, 2)


def test_tsne_keeps_groups_together_and_is_the_same_every_time():
    [places] = plots.flat_maps(IMAGES, how="tsne")
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(36, np.inf))
    assert (LABELS.numpy()[distances.argmin(axis=1)] == LABELS.numpy()).mean() > 0.9
    np.testing.assert_array_equal(places, plots.flat_maps(IMAGES, how="tsne")[0])


def test_each_class_has_its_own_colour_and_shape_and_unnamed_classes_are_grey():
    figure = plots.embedding_maps(IMAGES, LABELS, NAMES, texts=TEXTS, how="pca")
    [ax] = figure.axes
    middle = (IMAGES - IMAGES.mean(dim=0), TEXTS - TEXTS.mean(dim=0))
    images, texts = plots.flat_maps(*middle, how="pca")
    for c, name in enumerate(NAMES[:10]):
        dots = drawn(ax, name)
        np.testing.assert_allclose(dots.get_offsets(), images[3 * c : 3 * c + 3], atol=1e-5)
        assert to_hex(dots.get_facecolor()[0]) == plots.PALETTE[c].lower()
    assert len(drawn(ax, "other classes").get_offsets()) == 6
    assert len(set(DOTS[:10])) == 10 and "*" not in DOTS
    words = {text.get_text(): text.xy for text in ax.texts}
    assert list(words) == NAMES[:10]
    np.testing.assert_allclose(list(words.values()), texts[:10], atol=1e-5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "other classes",
        *NAMES[:10],
        "text of a class",
    ]


def test_before_and_after_are_on_one_map():
    figure = plots.embedding_maps(
        {"before": IMAGES, "after": IMAGES}, LABELS, NAMES,
        texts={"before": TEXTS, "after": F.normalize(TEXTS + rows(12), dim=1)}, how="pca",
    )  # fmt: skip
    before, after = figure.axes
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["before", "after"]
    np.testing.assert_allclose(
        drawn(before, "kind 3").get_offsets(), drawn(after, "kind 3").get_offsets(), atol=1e-5
    )  # images stay where they are, texts move
    assert before.texts[3].xy != after.texts[3].xy
    assert before.get_xlim() == after.get_xlim() and before.get_ylim() == after.get_ylim()


def test_chosen_classes_alone_are_named():
    [ax] = plots.embedding_maps(IMAGES, LABELS, NAMES, texts=TEXTS, classes=["kind 11", "kind 4"], how="pca").axes
    assert [text.get_text() for text in ax.texts] == ["kind 11", "kind 4"]
    assert len(drawn(ax, "other classes").get_offsets()) == 30


def test_as_they_are_texts_keep_their_distance_from_images():
    shifted = F.normalize(TEXTS + 3 * torch.eye(8)[0], dim=1)

    def distance(centred):
        [ax] = plots.embedding_maps(IMAGES, LABELS, NAMES, texts=shifted, centred=centred, how="pca").axes
        dots = np.concatenate([drawn(ax, name).get_offsets() for name in NAMES[:10]])
        return np.linalg.norm(dots.mean(axis=0) - np.mean([text.xy for text in ax.texts], axis=0))

    assert distance(centred=False) > 3 * distance(centred=True)


def test_the_gap_is_drawn_in_its_true_length_with_a_line_for_each_image():
    texts = F.normalize(TEXTS + torch.eye(8)[0], dim=1)
    ax = plots.gap_map(IMAGES, texts, labels=LABELS)
    gap = diagnostics.modality_gap(IMAGES, texts)
    of_images, of_texts = drawn(ax, "images").get_offsets(), drawn(ax, "texts").get_offsets()
    assert np.mean(of_images[:, 0]) - np.mean(of_texts[:, 0]) == pytest.approx(gap, abs=1e-5)
    [arrow] = ax.texts
    assert arrow.xy[0] - arrow.xyann[0] == pytest.approx(gap, abs=1e-5)
    assert f"gap, {gap:.2f} long" in [text.get_text() for text in ax.get_legend().get_texts()]
    lines = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) == 2]
    assert len(lines) == 36
    np.testing.assert_allclose(lines[5], [of_images[5], of_texts[LABELS[5]]], atol=1e-6)
    along = diagnostics.gap_vector(IMAGES, texts) / gap
    wanted = (IMAGES.double() - texts.double().mean(dim=0)) @ along
    np.testing.assert_allclose(of_images[:, 0], wanted, atol=1e-5)


def points(*degrees):
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_on_the_circle_stars_are_texts_and_images_nearer_to_another_text_are_rimmed():
    images, labels, texts = points(10, 20, 80, 200), torch.tensor([0, 0, 0, 1]), points(0, 90)
    ax = plots.circle_map(images, labels, texts, ["cat", "dog"])
    stars = [dots for dots in ax.collections if list(dots.get_sizes()) == [190]]
    np.testing.assert_allclose(np.concatenate([dots.get_offsets() for dots in stars]), texts, atol=1e-6)
    rims = {
        (to_hex(dots.get_edgecolor()[0]), round(float(np.linalg.norm(place)), 2)): place
        for dots in ax.collections
        if list(dots.get_sizes()) == [22]
        for place in dots.get_offsets()
    }
    assert np.allclose(rims["#000000", 1.09], 1.09 * points(80)[0]), "80 degrees is nearer to the text at 90"
    assert (plots.PALETTE[0].lower(), 1.09) in rims and (plots.PALETTE[1].lower(), 1.09) in rims


def test_on_the_circle_chords_are_as_dark_as_the_potential_and_crosses_are_the_means():
    images, labels = points(-30, 30, 180), torch.tensor([0, 0, 1])
    texts = points(0, 60, 180)
    ax = plots.circle_map(images, labels, texts, ["a", "b", "c"], t=2.0, prototypes=True)
    chords = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [line.get_alpha() for line in chords] == pytest.approx(np.exp([-2.0, -8.0, -6.0]), rel=1e-4)
    crosses = [dots.get_offsets()[0] for dots in ax.collections if list(dots.get_sizes()) == [70]]
    np.testing.assert_allclose(crosses, [[np.cos(np.pi / 6), 0], [-1, 0]], atol=1e-6)  # class c has none
    plain = plots.circle_map(images, labels, texts, ["a", "b", "c"])
    assert len(plain.lines) == 1 and 70 not in [dots.get_sizes()[0] for dots in plain.collections]


@pytest.mark.parametrize("how", ["pca", "tsne"])
def test_every_figure_can_be_drawn(how):
    for figure in (
        plots.embedding_maps(IMAGES, LABELS, NAMES, how=how, title="images alone"),
        plots.gap_map(IMAGES, TEXTS).figure,
        plots.circle_map(points(0, 10, 90), torch.tensor([0, 0, 1]), points(0, 80), NAMES[:2], t=2.0).figure,
    ):
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())
        assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 10, "the picture is empty"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plots.flat_maps(IMAGES, how="umap"), "how='umap': a map is made by"),
        (lambda: plots.flat_maps(IMAGES, rows(5, width=4)), r"one width D.*got \(36, 8\), \(5, 4\)"),
        (lambda: plots.flat_maps(IMAGES[:2]), "at least 3 rows"),
        (lambda: plots.embedding_maps(IMAGES, LABELS[:5], NAMES), "36 images need as many labels; got 5"),
        (lambda: plots.embedding_maps(IMAGES, LABELS, NAMES, classes=["owl"]), "there is no class 'owl'"),
        (lambda: plots.embedding_maps(IMAGES, LABELS, NAMES, classes=NAMES), "12 classes to colour: give at most 10"),
        (
            lambda: plots.embedding_maps({"a": IMAGES}, LABELS, NAMES, texts={"b": TEXTS}),
            "texts of the same names",
        ),
        (lambda: plots.gap_map(IMAGES, IMAGES), "there is no gap to draw"),
        (lambda: plots.circle_map(IMAGES, LABELS, TEXTS, NAMES), r"a circle needs images \(N, 2\)"),
        (lambda: plots.circle_map(points(1), torch.tensor([0]), points(*range(12)), NAMES), "12 classes to colour"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
