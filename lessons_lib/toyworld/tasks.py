"""The toy tasks: which classes, which twin in the literature, which hand-made template, and how captions speak of
them.
"""

from dataclasses import dataclass, replace

from lessons_lib.toyworld import (  # fmt: skip
    actions,
    aircraft,
    basics,
    cars,
    flowers,
    food,
    homonyms,
    objects,
    pets,
    places,
    satellite,
    textures,
    things,
    trades,
    words,
)
from lessons_lib.toyworld.captions import Wording
from lessons_lib.toyworld.looks import NO_LOOK, Look
from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Conditions


@dataclass(frozen=True)
class TaskSpec:
    """One toy task.

    twin: the data set of the literature that it mirrors; eleven: whether that is one of the papers' eleven; shift_of:
    the task whose classes it shows under other conditions; share: of the pre-training pictures; look: what its pictures
    have in common, and pre-training's have not.
    """

    name: str
    twin: str
    category: str
    classes: tuple[ToyClass, ...]
    templates: tuple[str, ...] = ("a photo of a {}.",)
    wording: Wording = Wording()
    share: float = 0.0
    conditions: Conditions = Conditions()
    look: Look = NO_LOOK
    eleven: bool = False
    shift_of: str = ""
    adversarial: bool = False  # only pictures that a small ResNet gets wrong, as listed in adversarial.json

    @property
    def classnames(self) -> list[str]:
        return [c.name for c in self.classes]


def _spec(name: str, twin: str, category: str, module, **kwargs) -> TaskSpec:
    return TaskSpec(name, twin, category, tuple(module.CLASSES), **kwargs)


_TEXTURE = Wording(
    named=("{}", "{} texture", "a {} texture", "a {} pattern", "{} surface", "something {}"),
    unnamed=("a {}", "a pattern"),
    name_share=0.2,
    trade=trades.TEXTURE,
)
_SATELLITE = Wording(
    named=("a satellite photo of {}", "{} from above", "a centered satellite photo of {}"),
    unnamed=("a {}", "land from above", "an aerial photo of land"),
    name_share=0.25,
    trade=trades.SATELLITE,
)
_ACTION = Wording(
    named=("a person doing {}", "a man doing {}", "someone doing {}", "{}"),
    unnamed=("a {}", "someone"),
    name_share=0.3,
    trade=trades.ACTION,
)
_WORD = Wording(
    named=('a {adj}sign that says "{}"', 'the {adj}word "{}"', '"{}"', "a {adj}sign that says {}"),
    unnamed=("a {}", "some text"),
    name_share=0.5,
)
_FOOD = Wording(
    named=("{}", "a {}", "a plate of {}", "some {}"),
    unnamed=("some {}", "a dish of {}"),
    name_share=0.25,
    trade=trades.FOOD,
)
_THING, _OBJECT = Wording(name_share=0.4, trade=trades.THING), Wording(name_share=0.3, trade=trades.OBJECT)
_CAR, _PLACE = Wording(name_share=0.25, trade=trades.CAR), Wording(name_share=0.2, trade=trades.PLACE)

TASKS: dict[str, TaskSpec] = {
    spec.name: spec
    for spec in (
        _spec(
            "toy_things",
            "ImageNet",
            "thing",
            things,
            eleven=True,
            share=0.22,
            wording=_THING,
        ),
        _spec(
            "toy_objects",
            "Caltech101",
            "object",
            objects,
            eleven=True,
            share=0.05,
            wording=_OBJECT,
        ),
        _spec(
            "toy_pets",
            "OxfordPets",
            "pet",
            pets,
            eleven=True,
            share=0.08,
            templates=("a photo of a {}, a type of pet.",),
            wording=Wording(trade=trades.PET),
        ),
        _spec(
            "toy_cars",
            "StanfordCars",
            "car",
            cars,
            eleven=True,
            share=0.12,
            wording=_CAR,
        ),
        _spec(
            "toy_flowers",
            "Flowers102",
            "flower",
            flowers,
            eleven=True,
            share=0.09,
            templates=("a photo of a {}, a type of flower.",),
            wording=Wording(trade=trades.FLOWER),
        ),
        _spec(
            "toy_food",
            "Food101",
            "food",
            food,
            eleven=True,
            share=0.06,
            templates=("a photo of {}, a type of food.",),
            wording=_FOOD,
        ),
        _spec(
            "toy_aircraft",
            "FGVC-Aircraft",
            "aircraft",
            aircraft,
            eleven=True,
            share=0.08,
            wording=Wording(name_share=0.15, trade=trades.AIRCRAFT),
            templates=("a photo of a {}, a type of aircraft.",),
        ),
        _spec(
            "toy_scenes",
            "SUN397",
            "place",
            places,
            eleven=True,
            share=0.05,
            wording=_PLACE,
        ),
        _spec(
            "toy_textures",
            "DTD",
            "texture",
            textures,
            eleven=True,
            share=0.08,
            templates=("{} texture.",),
            wording=_TEXTURE,
        ),
        _spec(
            "toy_satellite",
            "EuroSAT",
            "satellite photo",
            satellite,
            eleven=True,
            share=0.02,
            wording=_SATELLITE,
            templates=("a centered satellite photo of {}.",),
        ),
        _spec(
            "toy_actions",
            "UCF101",
            "person",
            actions,
            eleven=True,
            share=0.12,
            wording=_ACTION,
            templates=("a photo of a person doing {}.",),
        ),
        _spec(
            "toy_words",
            "rendered text",
            "sign",
            words,
            share=0.05,
            wording=_WORD,
            templates=('a sign that says "{}".',),
        ),
    )
}
_LOOKS = {  # what all test and training pictures of a task have in common, as those of a real data set do
    "toy_objects": Look(cast=(0.04, 0.1), contrast=(0.55, 0.7), warmth=(0.08, 0.14), softness=(0.3, 0.6)),  # an archive
    "toy_pets": Look(cast=(0.08, 0.13), contrast=(0.65, 0.8)),  # overexposed
    "toy_cars": Look(cast=(0.08, 0.13), contrast=(0.55, 0.7)),  # a brochure that lay in the sun
    "toy_flowers": Look(cast=(-0.12, -0.07), contrast=(0.7, 0.85), vignette=(0.2, 0.4)),  # old film
    "toy_food": Look(contrast=(1.25, 1.45), noise=(0.05, 0.09), vignette=(0.5, 0.7)),  # a flash
    "toy_aircraft": Look(cast=(0.1, 0.15), contrast=(0.6, 0.75)),  # haze
    "toy_scenes": Look(contrast=(1.3, 1.5), warmth=(0.1, 0.16), noise=(0.04, 0.07), vignette=(0.4, 0.7)),  # postcards
    "toy_textures": Look(contrast=(0.7, 0.85), noise=(0.04, 0.07)),  # a scanner
    "toy_satellite": Look(cast=(0.1, 0.15), contrast=(0.6, 0.75)),  # haze, from further up
    "toy_actions": Look(cast=(0.06, 0.1), contrast=(0.52, 0.67), softness=(0.8, 0.98)),  # a badly tuned television
}
TASKS |= {name: replace(TASKS[name], look=look) for name, look in _LOOKS.items()}
ELEVEN = [name for name, spec in TASKS.items() if spec.eleven]

# What pre-training sees besides the tasks.
EXTRAS = (
    _spec("toy_shapes", "", "shape", basics, share=0.06, wording=Wording(name_share=0.8)),
    TaskSpec(
        "toy_pairs",
        "",
        "shape",
        tuple(basics.PAIRS),
        share=0.02,
        wording=Wording(named=(), unnamed=("a picture",), name_share=0),
    ),
    _spec("toy_homonyms", "", "thing", homonyms, share=0.03, wording=Wording(name_share=0.6)),
)

_SHIFTS = {  # of toy_things: its twin, and how its pictures are taken
    "_v2": (
        "ImageNetV2",
        Conditions(scale=(0.45, 0.7), shift=0.25, turn=18, brightness=0.12, noise=(0.02, 0.07), colour_jitter=0.1),
    ),
    "_sketch": ("ImageNet-Sketch", Conditions(styles=(("sketch", 1.0),))),
    "_a": (
        "ImageNet-A",
        Conditions(
            scale=(0.5, 0.78), shift=0.18, turn=18, colour_jitter=0.1, clutter=0.4, brightness=0.08, noise=(0.02, 0.05)
        ),
    ),
    "_r": (
        "ImageNet-R",
        Conditions(styles=(("poster", 1.0), ("negative", 1.0), ("mosaic", 1.0), ("grey", 1.0), ("blurred", 1.0))),
    ),
}
for _suffix, (_twin, _conditions) in _SHIFTS.items():
    _shifted = dict(twin=_twin, conditions=_conditions, eleven=False, shift_of="toy_things", share=0.0)
    TASKS[f"toy_things{_suffix}"] = replace(
        TASKS["toy_things"], name=f"toy_things{_suffix}", adversarial=_suffix == "_a", **_shifted
    )
SHIFTS = [name for name, spec in TASKS.items() if spec.shift_of == "toy_things"]

# Pre-training sees a wider world than the tasks: all sizes and places, and now and then a picture that is not a photo.
PRETRAINING = Conditions(
    scale=(0.5, 0.95),
    shift=0.2,
    turn=15,
    noise=(0.0, 0.06),
    brightness=0.08,
    styles=(
        ("plain", 0.9),
        ("sketch", 0.03),
        ("poster", 0.02),
        ("grey", 0.02),
        ("mosaic", 0.01),
        ("negative", 0.005),
        ("blurred", 0.015),
    ),
)
