"""What the diagnostics say of embeddings whose place on the sphere is known."""

import math

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.metrics import geometry as diagnostics

EYE = torch.eye(4)


def directions(count, width=16, seed=0):
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def simplex(count):
    """As many unit vectors as may be that are as far apart as may be."""
    return F.normalize(torch.eye(count) - 1 / count, dim=1)


def test_alignment_is_0_for_pairs_that_agree_2_at_right_angles_and_4_for_opposites():
    assert diagnostics.alignment(EYE, EYE) == 0
    assert diagnostics.alignment(EYE, EYE.roll(1, dims=0)) == pytest.approx(2)
    assert diagnostics.alignment(EYE, -EYE) == pytest.approx(4)
    assert diagnostics.alignment(EYE, -EYE, power=1) == pytest.approx(2)


def test_alignment_is_a_mean_over_pairs():
    """One pair in four at right angles."""
    assert diagnostics.alignment(EYE, EYE[[0, 1, 2, 0]]) == pytest.approx(2 / 4)


def test_uniformity_of_two_rows_is_minus_t_times_their_squared_distance():
    one, right, opposite = EYE[[0, 0]], EYE[[0, 1]], torch.stack([EYE[0], -EYE[0]])
    assert diagnostics.uniformity(one) == pytest.approx(0)
    assert diagnostics.uniformity(right) == pytest.approx(-4)
    assert diagnostics.uniformity(opposite) == pytest.approx(-8)
    assert diagnostics.uniformity(opposite, t=500) == pytest.approx(-2000)


def test_uniformity_is_the_published_formula(monkeypatch):
    """log of the mean over `pdist`, also where rows are compared in parts."""
    x = directions(50)
    wanted = torch.pdist(x).pow(2).mul(-2).exp().mean().log().item()
    assert diagnostics.uniformity(x) == pytest.approx(wanted, rel=1e-5)
    monkeypatch.setattr(diagnostics, "CHUNK", 7)
    assert diagnostics.uniformity(x) == pytest.approx(wanted, rel=1e-5)


def test_rows_of_a_sphere_of_many_dimensions_come_near_minus_2_t():
    assert diagnostics.uniformity(directions(300, width=512)) == pytest.approx(-4, abs=0.05)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_simplex_has_the_largest_dispersion(count):
    most = 2 * count / (count - 1)
    assert diagnostics.inter_class_dispersion(simplex(count)) == pytest.approx(most)
    assert diagnostics.inter_class_dispersion(directions(count)) < most


def test_dispersion_is_the_mean_squared_distance_of_pairs():
    texts = directions(9)
    assert diagnostics.inter_class_dispersion(texts) == pytest.approx(torch.pdist(texts).pow(2).mean().item(), rel=1e-5)
    assert diagnostics.inter_class_dispersion(EYE) == pytest.approx(2)
    assert diagnostics.inter_class_dispersion(EYE[[0, 0]]) == pytest.approx(0, abs=1e-12)


def test_variance_in_a_class_is_0_for_one_place_and_1_for_opposites():
    images = torch.stack([EYE[0], EYE[0], EYE[1], -EYE[1]])
    assert diagnostics.intra_class_variance(images[:2], torch.tensor([0, 0])) == 0
    assert diagnostics.intra_class_variance(images[2:], torch.tensor([7, 7])) == pytest.approx(1)
    assert diagnostics.intra_class_variance(images, torch.tensor([0, 0, 1, 1])) == pytest.approx(0.5)


def test_each_class_counts_alike_however_many_images_it_has():
    images = torch.cat([EYE[[0]].repeat(98, 1), EYE[[1]], -EYE[[1]]])
    labels = torch.tensor([0] * 98 + [1, 1])
    assert diagnostics.intra_class_variance(images, labels) == pytest.approx(0.5)


def test_the_gap_leads_from_the_texts_mean_to_the_images():
    images, texts = EYE[[0, 0, 0]], EYE[[1, 2]]
    assert diagnostics.gap_vector(images, texts).tolist() == [1, -0.5, -0.5, 0]
    assert diagnostics.modality_gap(images, texts) == pytest.approx(math.sqrt(1.5))
    assert diagnostics.modality_gap(EYE, EYE.flip(0)) == pytest.approx(0, abs=1e-12)
    assert diagnostics.modality_gap(EYE[[0]], -EYE[[0]]) == pytest.approx(2)


def test_a_turn_of_the_whole_sphere_changes_nothing():
    images, texts, labels = directions(40), directions(5, seed=1), torch.arange(5).repeat(8)
    turn = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(2)).double())[0]
    before = diagnostics.describe(images.double(), labels, texts.double())
    after = diagnostics.describe(images.double() @ turn, labels, texts.double() @ turn)
    assert before == pytest.approx(after)


def test_the_description_holds_each_number():
    images, texts, labels = directions(40), directions(5, seed=1), torch.arange(5).repeat(8)
    assert diagnostics.describe(images, labels, texts) == {
        "alignment": diagnostics.alignment(images, texts[labels]),
        "uniformity of images": diagnostics.uniformity(images),
        "uniformity of texts": diagnostics.uniformity(texts),
        "inter_class_dispersion": diagnostics.inter_class_dispersion(texts),
        "intra_class_variance": diagnostics.intra_class_variance(images, labels),
        "modality_gap": diagnostics.modality_gap(images, texts),
    }


def test_bfloat16_and_rows_with_gradients_are_taken():
    x = directions(20)
    assert diagnostics.uniformity(x.bfloat16()) == pytest.approx(diagnostics.uniformity(x), abs=0.02)
    x.requires_grad_()
    assert isinstance(diagnostics.inter_class_dispersion(x), float)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: diagnostics.alignment(EYE, EYE[:3]), r"needs pairs.*got \(4, 4\) and \(3, 4\)"),
        (lambda: diagnostics.uniformity(EYE[:1]), r"at least 2 rows; got \(1, 4\)"),
        (lambda: diagnostics.uniformity(EYE[0]), r"x must be \(N, D\)"),
        (lambda: diagnostics.uniformity(2 * EYE), "L2-normalised, rows of length 1; theirs run from 2 to 2"),
        (lambda: diagnostics.uniformity(torch.full((2, 4), float("nan"))), "L2-normalised"),
        (lambda: diagnostics.inter_class_dispersion(EYE[:1]), "texts must be .* at least 2 rows"),
        (lambda: diagnostics.intra_class_variance(EYE, torch.tensor([0, 1])), "4 images need as many labels"),
        (lambda: diagnostics.modality_gap(EYE, torch.eye(3)), "images have 4 dimensions and texts 3"),
        (lambda: diagnostics.describe(EYE, torch.tensor([0, 1, 2, 4]), EYE), "labels run from 0 to 4, .* 4 texts"),
        (lambda: diagnostics.describe(EYE, torch.tensor([0, 1]), EYE), "4 images need as many labels"),
        (lambda: diagnostics.modality_gap(torch.empty(0, 4), EYE), r"images must be \(N, D\) with at least 1 row;"),
    ],
)
def test_what_cannot_be_described_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
