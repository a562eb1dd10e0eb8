"""Retrieval ranks by cosine similarity; recall counts the pairs found."""

import pytest
import torch
import torch.nn.functional as F
from noise_task import noise_split

from lessons_lib import metrics
from lessons_lib.metrics.retrieval import image_to_text, rank, recall_at_k, text_to_image


def unit(n, width=8, seed=0):
    return F.normalize(torch.randn(n, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_the_room_offers_it_and_its_file():
    assert metrics.rank is metrics.retrieval.rank is rank and metrics.recall_at_k is recall_at_k
    with pytest.raises(AttributeError, match="no attribute 'ranking'"):
        _ = metrics.ranking


def test_rank_gives_the_most_similar_first():
    queries, gallery = unit(4), unit(9, seed=1)
    ranking = rank(queries, gallery, k=3)
    for query, indices, scores in zip(queries, ranking.indices, ranking.scores, strict=True):
        similarities = [float(query @ other) for other in gallery]
        expected = sorted(range(9), key=lambda i: -similarities[i])[:3]
        assert indices.tolist() == expected
        torch.testing.assert_close(scores, torch.tensor([similarities[i] for i in expected]))


def test_ties_keep_the_order_of_what_is_searched():
    same = torch.ones(5000, 4) / 2
    assert rank(same[:2], same, k=5000).indices.tolist() == [list(range(5000))] * 2


def test_a_text_finds_images_of_a_split_or_a_tensor(clip):
    split = noise_split(2, 0)
    texts = ["a cat", "an owl"]
    found = text_to_image(clip, texts, split, k=4)
    images = clip.preprocess_tensor(split.tensor())
    similarities = clip.encode_texts(texts) @ clip.encode_images(images).T
    torch.testing.assert_close(found.scores, similarities.topk(4).values)
    assert torch.equal(found.indices, text_to_image(clip, texts, images, k=4).indices)
    assert text_to_image(clip, "a cat", split, k=1).indices.shape == (1, 1)


def test_an_image_finds_texts(clip):
    split = noise_split(1, 0)
    texts = ["a cat", "an owl", "seven red boats"]
    found = image_to_text(clip, split, texts, k=3)
    similarities = clip.encode_images(clip.preprocess_tensor(split.tensor())) @ clip.encode_texts(texts).T
    torch.testing.assert_close(found.scores, similarities.topk(3).values)


def test_recall_counts_a_literal_search_in_both_directions():
    images, texts = unit(20), unit(20, seed=1)
    recalls = recall_at_k(images, texts, ks=(1, 5))
    for direction, queries, gallery in (("text to image", texts, images), ("image to text", images, texts)):
        for k in (1, 5):
            hits = [i in (queries[i] @ gallery.T).topk(k).indices.tolist() for i in range(20)]
            assert recalls.loc[direction, f"R@{k}"] == pytest.approx(100 * sum(hits) / 20)


def test_perfect_features_find_every_pair_and_constant_ones_find_chance():
    assert (recall_at_k(unit(10), unit(10)) == 100).all(axis=None)
    same = torch.ones(10, 4) / 2
    assert recall_at_k(same, same, ks=(1, 5)).to_numpy().tolist() == [[10, 50], [10, 50]]


def test_an_image_is_found_by_any_of_its_texts():
    images = torch.eye(3)
    texts = torch.eye(3)[[2, 0, 1, 0]]  # the last text is about image 1, but looks like image 0
    recalls = recall_at_k(images, texts, ks=(1,), image_of_text=torch.tensor([2, 0, 1, 1]))
    assert recalls["R@1"].tolist() == [75, 100]


def test_recall_beyond_the_gallery_is_complete():
    assert (recall_at_k(unit(3), unit(3, seed=1), ks=(10,)) == 100).all(axis=None)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rank(unit(2), unit(5, width=7)), r"share their width; got \(2, 8\) and \(5, 7\)"),
        (lambda: rank(unit(2), unit(5), k=6), "k=6 matches cannot be taken from 5"),
        (lambda: rank(unit(2), unit(5), k=0), "choose k from 1 to 5"),
        (lambda: recall_at_k(unit(2), unit(4)), "2 images and 4 texts are not pairs: give image_of_text"),
        (lambda: recall_at_k(unit(2), unit(2), image_of_text=[0]), "one entry for each of the 2 texts; got 1"),
        (lambda: recall_at_k(unit(2), unit(2), image_of_text=[0, 0]), "image 1 has no text"),
        (lambda: recall_at_k(unit(2), unit(3), image_of_text=[0, 1, 2]), "there is no image 2"),
        (lambda: recall_at_k(unit(2), unit(2), ks=(0, 1)), "at least 1; got"),
    ],
)
def test_what_cannot_be_ranked_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()
