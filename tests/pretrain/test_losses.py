"""The contrastive loss equals open_clip's, and the bag-of-words loss is the cross-entropy that its formula says."""

import math

import open_clip
import pytest
import torch
import torch.nn.functional as F

from lessons_lib.pretrain.losses import bag_of_words, bag_of_words_loss, clip_loss


def pairs(n: int = 7, width: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, n, width, generator=generator)
    return F.normalize(images, dim=1).requires_grad_(), F.normalize(texts, dim=1).requires_grad_()


def test_clip_loss_equals_open_clips_in_value_and_gradient():
    gradients = []
    values = []
    for loss in (clip_loss, open_clip.ClipLoss()):
        images, texts = pairs()
        scale = torch.tensor(14.3, requires_grad=True)
        value = loss(images, texts, scale)
        gradients.append(torch.autograd.grad(value, (images, texts, scale)))
        values.append(value)
    torch.testing.assert_close(values[0], values[1])
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_clip_loss_is_log_n_for_features_that_tell_nothing():
    same = torch.ones(6, 4) / 2
    assert clip_loss(same, same, 100.0).item() == pytest.approx(math.log(6))


def test_clip_loss_vanishes_when_every_pair_stands_out():
    assert clip_loss(torch.eye(4), torch.eye(4), 100.0).item() == pytest.approx(0, abs=1e-6)


def test_clip_loss_says_when_images_and_texts_are_not_pairs():
    with pytest.raises(ValueError, match=r"one text for each image.*\(3, 4\) image.*\(2, 4\) text"):
        clip_loss(torch.eye(4)[:3], torch.eye(4)[:2], 1.0)


def test_bag_of_words_marks_each_word_once_and_drops_those_outside_the_vocabulary():
    vocabulary = torch.tensor([3, 5, 9])
    tokens = torch.tensor([[99, 5, 3, 5, 100, 0], [99, 4, 10, 100, 0, 0], [99, 9, 100, 0, 0, 0]])
    expected = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(bag_of_words(tokens, vocabulary), expected)


def test_bag_of_words_loss_is_the_mean_log_loss_of_the_captions_words():
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    words = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    log_p = logits.log_softmax(dim=1)
    expected = -((log_p[0, 0] + log_p[0, 2]) / 2 + log_p[1, 3]) / 2
    torch.testing.assert_close(bag_of_words_loss(logits, words), expected)


def test_a_caption_without_known_words_adds_no_loss_and_no_gradient():
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    words = torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    bag_of_words_loss(logits, words).backward()
    assert logits.grad[0].abs().sum() > 0
    assert logits.grad[1].abs().sum() == 0


def test_bag_of_words_loss_says_when_shapes_differ():
    with pytest.raises(ValueError, match=r"one shape \(N, V\)"):
        bag_of_words_loss(torch.zeros(2, 4), torch.zeros(2, 3))
