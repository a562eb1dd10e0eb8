"""Two ways to learn from pairs of an image and its caption.

Contrastive (CLIP: Radford et al., ICML 2021, section 2.3, figure 3; InfoNCE: van den Oord et al., 2018): which of the
batch's N captions belongs to this image, and which of its N images to this caption?
    L = (CE(s · F Wᵀ, 1…N) + CE(s · W Fᵀ, 1…N)) / 2      F, W: (N, D), L2-normalised; s: the temperature's inverse

Bag of words (Joulin et al., ECCV 2016; the weaker baseline in CLIP's figure 2): which words does the caption contain?
    L = −1/N Σ_i Σ_v t_iv log softmax(z_i)_v              t_i: equal mass on each of the caption's words
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def clip_loss(image_features: Tensor, text_features: Tensor, logit_scale: Tensor | float) -> Tensor:
    """CLIP's symmetric contrastive loss over a batch of pairs: row i of the images belongs to row i of the texts.

    image_features, text_features: (N, D), L2-normalised. logit_scale: the exponentiated scale (100 for OpenAI's CLIP).
    Returns a scalar: 0 when every pair stands out, log N when the features tell nothing.
    Raises ValueError where the two are not two matrices of one shape.
    """
    if image_features.ndim != 2 or image_features.shape != text_features.shape:
        raise ValueError(
            f"clip_loss needs one text for each image, both (N, D); got {tuple(image_features.shape)} image features "
            f"and {tuple(text_features.shape)} text features"
        )
    logits = logit_scale * image_features @ text_features.T  # (N, N), images × texts
    pairs = torch.arange(len(logits), device=logits.device)  # (N,)
    return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2


def bag_of_words(tokens: Tensor, vocabulary: Tensor) -> Tensor:
    """Which words of the vocabulary each caption contains, whatever their order and number.

    tokens: (N, L) token ids. vocabulary: (V,) ascending token ids to predict; ids outside it (start, end, padding,
    rare words) are dropped. Returns (N, V) float, 0 or 1.
    """
    position = torch.searchsorted(vocabulary, tokens).clamp(max=len(vocabulary) - 1)  # (N, L)
    known = vocabulary[position] == tokens  # (N, L)
    words = torch.zeros(len(tokens), len(vocabulary), device=tokens.device)
    return words.scatter_reduce_(1, position, known.float(), reduce="amax")  # (N, V)


def bag_of_words_loss(word_logits: Tensor, words: Tensor) -> Tensor:
    """Cross-entropy of the predicted words against the caption's words, each of which gets an equal share.

    word_logits: (N, V), from the image alone. words: (N, V), 1 where the caption has the word, as `bag_of_words` gives.
    Returns a scalar. A caption with no word of the vocabulary adds nothing. Raises ValueError where the shapes differ.
    """
    if word_logits.ndim != 2 or word_logits.shape != words.shape:
        raise ValueError(
            f"bag_of_words_loss needs logits and words of one shape (N, V); got {tuple(word_logits.shape)} logits "
            f"and {tuple(words.shape)} words"
        )
    words = words.to(word_logits.dtype)
    shares = words / words.sum(dim=1, keepdim=True).clamp(min=1)  # (N, V), each row sums to 1
    return F.cross_entropy(word_logits, shares)
