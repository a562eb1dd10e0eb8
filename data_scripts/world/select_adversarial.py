"""Chooses the pictures of `toy_things_a`: hard conditions, and only what a small ResNet gets wrong.

    python data_scripts/world/select_adversarial.py      # ten minutes on two cores

ImageNet-A was chosen in the same way, with a ResNet-50 that had learned ImageNet as the judge (Hendrycks et al., CVPR
2021). Ours is a ResNet-18 that learns `toy_things` from freshly drawn pictures, with labels: no CLIP has a part in it,
so none is scored on its own mistakes. Writes lessons_lib/toyworld/adversarial.json: for each split and class, which
of the candidates are kept, the wrong ones first.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from tqdm.auto import tqdm

from lessons_lib import toyworld
from lessons_lib.files import atomic_write

LEARNED, TASK = "toy_things", "toy_things_a"
TARGET = Path(toyworld.__file__).parent / "adversarial.json"
SEED, PER_CLASS, EPOCHS, BATCH, LR = 3_000, 256, 3, 128, 2e-3  # pictures of a seed that no study uses


def judge(per_class: int = PER_CLASS, epochs: int = EPOCHS) -> torch.nn.Module:
    """A ResNet-18 that has learned the task's classes."""
    torch.manual_seed(SEED)
    scenes, labels = toyworld.draw_scenes(LEARNED, "train", seed=SEED, per_class=per_class)
    images, classes = scenes.render(), len(labels.unique())
    model = torchvision.models.resnet18(num_classes=classes).to(memory_format=torch.channels_last)
    steps = epochs * (len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps)
    order = torch.cat([torch.randperm(len(labels))[: steps // epochs * BATCH] for _ in range(epochs)])
    for batch in tqdm(order.split(BATCH), desc="the judge learns", unit="step"):
        loss = F.cross_entropy(model(shown(images[batch])), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def shown(images: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) uint8 -> float, around 0."""
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def right(model: torch.nn.Module, task: str, split: str, *, seed: int = 0, per_class: int) -> np.ndarray:
    """(classes, per_class) bool: which pictures it names rightly."""
    scenes, labels = toyworld.draw_scenes(task, split, seed=seed, per_class=per_class)
    answers = torch.cat(
        [model(shown(scenes[slice(i, i + 256)].render())).argmax(1) for i in range(0, len(labels), 256)]
    )
    return (answers == labels).reshape(-1, per_class).numpy()


def choice(right: np.ndarray, n: int) -> list[list[int]]:
    """Of each class n candidates, in order: wrong ones first, in the order drawn."""
    return [sorted(np.argsort(row, kind="stable")[:n].tolist()) for row in right]


def main() -> None:
    model = judge()
    usual = right(model, LEARNED, "test", seed=SEED, per_class=20)
    print(f"the judge gets {100 * usual.mean():.1f} % of {LEARNED} right")
    kept, wrong = {}, []
    for split, n in toyworld.SPLIT_SIZES.items():
        answers = right(model, TASK, split, per_class=n * toyworld.ADVERSARIAL_CANDIDATES)
        kept[split] = choice(answers, n)
        wrong += [~row[at] for row, at in zip(answers, kept[split])]
        print(f"{split}: {100 * answers.mean():.1f} % of the candidates right")
    atomic_write(TARGET, json.dumps(kept, separators=(",", ":")).encode())
    print(
        f"wrote '{TARGET.name}': the judge gets {100 * np.concatenate(wrong).mean():.1f} % of the kept pictures wrong"
    )


if __name__ == "__main__":
    main()
