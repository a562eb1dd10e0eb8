"""Ways to say a ToyWorld class: templates worded as its captions are, and words with two senses.

ToyCLIP read captions that `lessons_lib.data.toyworld.captions` wrote, as CLIP read the web's. What is suited to a model
is what resembles the texts it was trained on; here they can be looked up.
"""

import random
import re
import zlib

import numpy as np
import torch
from torch import Tensor

from lessons_lib import toyworld
from lessons_lib.toyworld.captions import FRAMES, caption
from lessons_lib.toyworld.scenes import Scenes, draw_class

# word -> (what captions call the sense that is in toy_things, and the other one, which is in the extra pictures)
SENSES = {
    "crane": ("wading bird", "construction crane"),
    "bat": ("flying bat", "baseball bat"),
    "mouse": ("field mouse", "computer mouse"),
    "seal": ("sea lion", "wax seal"),
    "bow": ("archery bow", "ribbon bow"),
}


def in_caption_frames(template: str) -> list[str]:
    """One template said in every frame that ToyWorld's captions use: "a photo of a {}." -> ["a picture of a {}.", …].

    template: begins with "a photo of" or is put into the frames as it is; a final full stop goes.
    """
    core = template.removeprefix("a photo of ").removesuffix(".")
    said = [frame.replace("{}", core) for frame in dict.fromkeys(FRAMES)]
    return list(dict.fromkeys(re.sub(r"\b(one|my) (?:a|an|the|some) ", r"\1 ", text) for text in said))


def both_senses(word: str, *, per_sense: int = 50, seed: int = 0) -> tuple[Scenes, Tensor]:
    """Pictures of both senses of an ambiguous word and their labels (N,) long, 0 or 1 as in `SENSES`.

    Raises KeyError for a word that is not in `SENSES`.
    """
    order = list(SENSES).index(word) if word in SENSES else _unknown(word)
    first, second = toyworld.TASKS["toy_things"], next(s for s in toyworld.EXTRAS if s.name == "toy_homonyms")
    many = []
    for sense, spec in enumerate((first, second)):
        [cls] = [c for c in spec.classes if c.name == word]
        rng = np.random.default_rng([seed, zlib.crc32(b"both_senses"), order, sense])
        many.append(draw_class(cls, per_sense, rng, category=spec.category, conditions=toyworld.Conditions()))
    return Scenes.cat(many), torch.arange(2).repeat_interleave(per_sense)


def _unknown(word: str) -> int:
    raise KeyError(f"{word!r} has one sense in ToyWorld; those with two are {', '.join(SENSES)}")


def captions_of(task: str, classname: str, n: int, *, seed: int = 0) -> list[str]:
    """n captions as pre-training reads them beside pictures of one class of a toy task.

    Raises KeyError for a task or class that there is not.
    """
    spec = toyworld.TASKS[task]
    classes = {c.name: c for c in spec.classes}
    if classname not in classes:
        raise KeyError(f"{task} has no class {classname!r}; it has {', '.join(classes)}")
    one, words = classes[classname], random.Random(seed)
    scenes = draw_class(one, n, np.random.default_rng(seed), category=spec.category, conditions=toyworld.PRETRAINING)
    said = dict(wording=spec.wording, name=classname, also=one.also, mistaken=toyworld.mistaken_for(spec)[classname])
    return [caption(facts, words, spoken=one.spoken, **said) for facts in scenes.facts]
