"""LP++ (CVPR 2024), the released training loop on features at hand; the bias starts at 0 instead of at random."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import image, text


def train(features: Tensor, labels: Tensor, texts: Tensor, shots: int, epochs: int, val: Tensor, val_labels: Tensor):
    """features, val: (N, D), (V, D), normalised; texts: (C, D), normalised; the same number of shots for every class.

    Returns v (C, D), b (C,), α (C,) of the epoch that is best on the validation features, and which epoch that is.
    """
    classes = len(texts)
    one_hot = F.one_hot(labels, classes).float()  # (N, C)
    text_weights = texts.T  # (D, C)
    classifier = nn.Linear(features.shape[1], classes)
    classifier.weight.data = one_hot.T @ features
    classifier.bias.data.zero_()

    eigenvalues = torch.linalg.eigvalsh((features.T @ features).double())
    lr_w = (4 * len(features)) / eigenvalues.max().item()
    per_class = (one_hot * (features @ text_weights) / one_hot.sum(-2, keepdim=True)).sum(0) * shots  # (C,)
    alpha = torch.autograd.Variable((250 / shots * per_class).mean() * torch.ones(1, classes), requires_grad=True)
    lr_alpha = len(features) / (torch.pow(features @ text_weights, 2).sum(dim=0).max() * 4)

    optimizer = torch.optim.SGD(classifier.parameters(), lr_w, momentum=0.9)
    best, found = 0.0, None
    for epoch in range(epochs):
        logits = classifier(features) + torch.ones(len(features), 1) @ alpha * (features @ text_weights)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()  # of the classifier alone: α's gradient goes on adding up
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 10 == 0:
            alpha.data -= lr_alpha * alpha.grad.data
        with torch.no_grad():
            scores = classifier(val) + torch.ones(len(val), 1) @ alpha * (val @ text_weights)
        accuracy = (scores.argmax(dim=1) == val_labels).float().mean().item() * 100
        if accuracy >= best:
            best = accuracy
            found = classifier.weight.data.clone(), classifier.bias.data.clone(), alpha.data[0].clone(), epoch + 1
    return found


def of_method(method, images: Tensor) -> Tensor:
    """Class by class."""
    features = image.encode_plain(method.clip, images)
    texts = text.hand_made(method.clip, method.classnames, method.template or method.task_template)
    rows = [weight + alpha * t for weight, alpha, t in zip(method.weight, method.alpha, texts)]
    return torch.stack([features @ row + bias for row, bias in zip(rows, method.bias)], dim=1)
