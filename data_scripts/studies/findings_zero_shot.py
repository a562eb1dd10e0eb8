"""How much the wording matters to ToyCLIP: the zero-shot table of the eleven toy tasks, and findings F1, F2, F3.

    python data_scripts/studies/findings_zero_shot.py                       # about 5 minutes on two CPU cores
    python data_scripts/studies/findings_zero_shot.py --pretrained my.safetensors --out build

Every wording is scored on the same test pictures, drawn five times over; differences are paired draw by draw, intervals
are Student's t at 95 %. The best template, and the probe's regularisation, are chosen on validation pictures.
Writes zero_shot_findings.json and .md to --out, by default into the package, and prints the table.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

import lessons_lib as ll
from lessons_lib import toyworld
from lessons_lib.files import atomic_write
from lessons_lib.metrics import Interval, interval, paired_difference
from lessons_lib.teaching.lesson03.wordings import SENSES, both_senses, in_caption_frames
from lessons_lib.templates import DEFAULT, IMAGENET_80, apply

OUT = Path(__file__).resolve().parents[2] / "lessons_lib" / "teaching" / "recorded"
BARE, PLAIN, OWN, BEST, FRAMED, EIGHTY, PROBE = (
    "bare name", "a photo of a {}.", "default template", "best template", "caption ensemble", "ImageNet-80 ensemble",
    "16-shot probe",
)  # fmt: skip
SHIFT_PER_CLASS = 10  # test pictures a class and draw of the domain shifts


def encode(clip: ll.Clip, scenes: toyworld.Scenes) -> Tensor:
    """The pictures' embeddings (N, D), drawn and encoded in parts, so that memory stays small."""
    parts = (scenes[i : i + 512].render() for i in range(0, len(scenes), 512))
    return torch.cat([clip.encode_images(clip.preprocess_tensor(pixels)).cpu() for pixels in parts])


def accuracy(features: Tensor, texts: Tensor, labels: Tensor) -> float:
    """Percent of features (N, D) whose nearest text (C, D) is that of their label (N,)."""
    return 100 * ((features @ texts.T).argmax(dim=1) == labels).double().mean().item()


def say(clip: ll.Clip, templates: list[str], names: list[str]) -> Tensor:
    """(T, C, D): every name in every template, encoded."""
    prompts = [apply(template, name) for template in templates for name in names]
    return clip.encode_texts(prompts).cpu().unflatten(0, (len(templates), len(names)))


def ensemble(texts: Tensor) -> Tensor:
    """(T, C, D) -> (C, D): the mean over templates, normalised again."""
    return F.normalize(texts.mean(dim=0), dim=-1)


def measure_task(clip: ll.Clip, name: str, draws: int) -> tuple[dict[str, list[float]], str]:
    """Accuracy (percent) of each wording on each draw of the test pictures, and the best template."""
    task, spec = ll.load_task(name, shots=16, seed=1), toyworld.TASKS[name]
    framed = in_caption_frames(spec.templates[0])
    candidates = list(dict.fromkeys(["{}", DEFAULT, spec.templates[0], *framed, *IMAGENET_80]))
    texts = dict(zip(candidates, say(clip, candidates, spec.classnames)))  # template -> (C, D)
    validation = encode(clip, task.val_pool.scenes)
    best = max(candidates, key=lambda template: accuracy(validation, texts[template], task.val_pool.labels))
    classifiers = {
        BARE: texts["{}"],
        PLAIN: texts[DEFAULT],
        OWN: texts[spec.templates[0]],
        BEST: texts[best],
        FRAMED: ensemble(torch.stack([texts[template] for template in framed])),
        EIGHTY: ensemble(torch.stack([texts[template] for template in IMAGENET_80])),
    }
    probe = ll.LinearProbe(clip).fit(task)
    scores: dict[str, list[float]] = {wording: [] for wording in [*classifiers, PROBE]}
    for draw in range(draws):
        scenes, labels = toyworld.draw_scenes(name, "test", seed=draw)
        features = encode(clip, scenes)
        for wording, classifier in classifiers.items():
            scores[wording].append(accuracy(features, classifier, labels))
        right = probe.logits_from_features(features).argmax(dim=1).cpu() == labels
        scores[PROBE].append(100 * right.double().mean().item())
    return scores, best


def measure_shift(clip: ll.Clip, name: str, draws: int) -> list[float]:
    """Zero-shot accuracy (percent) by the default template on each draw; of the adversarial shift there is but one."""
    spec, scores = toyworld.TASKS[name], []
    [texts] = say(clip, [spec.templates[0]], spec.classnames)
    for draw in range(1 if spec.adversarial else draws):
        per_class = None if spec.adversarial else SHIFT_PER_CLASS
        scenes, labels = toyworld.draw_scenes(name, "test", seed=draw, per_class=per_class)
        scores.append(accuracy(encode(clip, scenes), texts, labels))
    return scores


def measure_senses(clip: ll.Clip, draws: int) -> dict[str, dict[str, list[float]]]:
    """For each word with two senses, percent right on each draw.

    "two senses": pictures of both, told apart by the kinds' names (the word alone gives both one text: 50 %).
    "word", "kind": pictures of the sense that is in toy_things, found among its 64 classes by the word or the kind.
    """
    names = toyworld.TASKS["toy_things"].classnames
    [things] = say(clip, [DEFAULT], names)
    results = {}
    for word, kinds in SENSES.items():
        [two] = say(clip, [DEFAULT], list(kinds))
        at = names.index(word)
        with_kind = things.clone()
        with_kind[at] = two[0]
        results[word] = {"two senses": [], "word": [], "kind": []}
        for draw in range(draws):
            scenes, labels = both_senses(word, seed=draw)
            features = encode(clip, scenes)
            mine = features[labels == 0]
            target = torch.full((len(mine),), at)
            results[word]["two senses"].append(accuracy(features, two, labels))
            results[word]["word"].append(accuracy(mine, things, target))
            results[word]["kind"].append(accuracy(mine, with_kind, target))
    return results


def mean_by_draw(runs: list[list[float]]) -> list[float]:
    """The mean over tasks of each draw: [[draw, …] a task] -> [draw, …]."""
    return [sum(draw) / len(draw) for draw in zip(*runs)]


def findings(tasks: dict[str, dict[str, list[float]]], senses: dict[str, dict[str, list[float]]]) -> dict[str, dict]:
    """F1, F2, F3: each a claim, the interval that answers it (points), whether it is seen, and by task."""

    def gain(a: str, b: str) -> dict:
        by_task = {name: paired_difference(scores[a], scores[b])._asdict() for name, scores in tasks.items()}
        means = [mean_by_draw([scores[wording] for scores in tasks.values()]) for wording in (a, b)]
        overall = paired_difference(*means)
        return {"difference": overall._asdict(), "seen": overall.low > 0, "by_task": by_task}

    two, word, kind = (mean_by_draw([s[k] for s in senses.values()]) for k in ("two senses", "word", "kind"))
    above_chance, found = paired_difference(two, [50.0] * len(two)), paired_difference(kind, word)
    by_task = {name: interval(scores[OWN]) for name, scores in tasks.items()}
    ordered = sorted(by_task, key=lambda name: by_task[name].mean)
    worst, top = ordered[0], ordered[-1]
    spread = paired_difference(tasks[top][OWN], tasks[worst][OWN])
    mean = interval(mean_by_draw([scores[OWN] for scores in tasks.values()]))
    return {
        "F1 plain": {"claim": "'a photo of a {}.' beats the bare name", **gain(PLAIN, BARE)},
        "F1": {"claim": "the default template beats the bare name", **gain(OWN, BARE)},
        "F1 senses": {
            "claim": "naming the kind tells the two senses of a word apart (above 50 %)",
            "difference": above_chance._asdict(),
            "seen": above_chance.low > 0,
        },
        "F1 kinds": {
            "claim": "among 64 things, the kind finds an ambiguous word's pictures better than the word",
            "difference": found._asdict(),
            "seen": found.low > 0,
        },
        "F2": {"claim": "the caption ensemble beats the default template", **gain(FRAMED, OWN)},
        "F2 ImageNet": {"claim": "the 80 ImageNet templates beat 'a photo of a {}.'", **gain(EIGHTY, PLAIN)},
        "F3": {
            "claim": f"zero-shot is far better on {top} than on {worst}, mean of the eleven between 45 and 75 %",
            "difference": spread._asdict(),
            "mean": mean._asdict(),
            "seen": spread.low > 20 and 45 <= mean.mean <= 75,
        },
    }


def markdown(tasks: dict, best: dict, shifts: dict, senses: dict, found: dict) -> str:
    """The tables that are printed: accuracy in percent, mean ± half-width over draws."""
    wordings = list(next(iter(tasks.values())))
    rows = [f"| task | {' | '.join(wordings)} | best template |", f"|---|{'---|' * (len(wordings) + 1)}"]
    for name, scores in tasks.items():
        rows.append(f"| {name} | {' | '.join(str(interval(v)) for v in scores.values())} | `{best[name]}` |")
    means = [interval(mean_by_draw([scores[wording] for scores in tasks.values()])) for wording in wordings]
    rows += [f"| **mean of {len(tasks)}** | {' | '.join(map(str, means))} | |", ""]
    rows += ["| ambiguous word | two senses by kind | among 64 things: by word | by kind |", "|---|---|---|---|"]
    rows += [f"| {word} | {' | '.join(str(interval(v)) for v in s.values())} |" for word, s in senses.items()]
    rows += ["", "| shift of toy_things | default template |", "|---|---|"]
    rows += [f"| {name} | {interval(scores)} |" for name, scores in shifts.items()]
    rows += ["", "| finding | claim | difference, points | |", "|---|---|---|---|"]
    for name, finding in found.items():
        how = Interval(**finding["difference"])
        rows.append(f"| {name} | {finding['claim']} | {how} | {'seen' if finding['seen'] else 'not seen'} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5, help="how often the test pictures are drawn")
    parser.add_argument("--pretrained", type=Path, default=None, help="a checkpoint of your own, for ToyCLIP's shape")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    clip = ll.load_clip("toyclip", pretrained=args.pretrained)
    began = time.perf_counter()
    tasks, best, shifts = {}, {}, {}
    for name in tqdm(toyworld.ELEVEN, desc="tasks"):
        tasks[name], best[name] = measure_task(clip, name, args.draws)
    senses = measure_senses(clip, args.draws)
    for name in tqdm(toyworld.SHIFTS, desc="shifts"):
        shifts[name] = measure_shift(clip, name, args.draws)
    found = findings(tasks, senses)
    text = markdown(tasks, best, shifts, senses, found)
    record = {
        "clip": {"name": clip.name, "fingerprint": clip.fingerprint, "precision": clip.precision},
        "settings": {
            "draws": args.draws,
            "test pictures a class": toyworld.SPLIT_SIZES["test"],
            "of the shifts": f"{SHIFT_PER_CLASS} (toy_things_a: its one test split)",
            "best template": "chosen on 16 validation pictures a class of draw 0",
            "probe": "16 shots, seed 1, of draw 0",
            "intervals": "Student's t, 95 %, over draws of the test pictures; differences paired",
        },
        "versions": {"torch": torch.__version__, "open_clip": open_clip.__version__, "lessons_lib": ll.__version__},
        "machine": platform.processor() or platform.machine(),
        "seconds": round(time.perf_counter() - began, 1),
        "accuracy": tasks,
        "best_template": best,
        "senses": senses,
        "shifts": shifts,
        "findings": found,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    atomic_write(args.out / "zero_shot_findings.json", (json.dumps(record, indent=1) + "\n").encode())
    atomic_write(args.out / "zero_shot_findings.md", text.encode())
    print(f"{text}\nin {record['seconds']:.0f} s; written to '{args.out}'")


if __name__ == "__main__":
    main()
