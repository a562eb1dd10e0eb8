"""Chooses the pictures of `toy_things_a`: hard conditions, and only what a weaker CLIP gets wrong.

ImageNet-A was chosen in the same way, with a ResNet-50 as the judge (Hendrycks et al., CVPR 2021). Our judge is
ToyCLIP itself early in its pre-training, so that the finished one is not scored on its own mistakes:

    python data_scripts/pretraining/pretrain_toyclip.py --keep-at 1000      # also writes
    build/pretrain/toyclip_step1000.safetensors python data_scripts/world/select_adversarial.py --judge
    build/pretrain/toyclip_step1000.safetensors

Writes lessons_lib/toyworld/adversarial.json: for each split and class, which of the candidates are kept, the
wrong ones first.
"""

import argparse
import json
import zlib
from pathlib import Path

import numpy as np

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.files import atomic_write
from lessons_lib.toyworld.scenes import draw_class

TASK = "toy_things_a"
TARGET = Path(toyworld.__file__).parent / "adversarial.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True)
    judge = ll.load_clip("toyclip", pretrained=parser.parse_args().judge, precision="fp32")
    spec, kept, wrong = toyworld.TASKS[TASK], {}, []
    prompts = judge.encode_texts([spec.templates[0].replace("{}", name) for name in spec.classnames])  # (C, D)
    for number, (split, n) in enumerate(toyworld.SPLIT_SIZES.items()):
        kept[split] = []
        for label, cls in enumerate(spec.classes):
            rng = np.random.default_rng([0, zlib.crc32(TASK.encode()), number, label])  # as draw_scenes
            many = draw_class(
                cls, n * toyworld.ADVERSARIAL_CANDIDATES, rng, category=spec.category, conditions=spec.conditions
            )
            answers = (judge.encode_images(judge.preprocess_tensor(many.render())) @ prompts.T).argmax(1).cpu().numpy()
            order = np.argsort(answers == label, kind="stable")[:n]  # wrong ones first, in the order drawn
            wrong.append(np.mean(answers[order] != label))
            kept[split].append(sorted(order.tolist()))
    atomic_write(TARGET, json.dumps(kept, separators=(",", ":")).encode())
    print(f"wrote '{TARGET.name}': the judge gets {100 * np.mean(wrong):.1f} % of the kept pictures wrong")


if __name__ == "__main__":
    main()
