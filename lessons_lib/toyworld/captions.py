"""What the web would write under a picture: a small grammar with the noise that makes zero-shot imperfect.

Most captions tell only a part of what can be seen; few name the class; some are about another picture. The dials are
in `Dials`.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lessons_lib.toyworld.sketch import Facts


@dataclass(frozen=True)
class Dials:
    """How much captions tell, as shares between 0 and 1."""

    colour: float = 0.5  # of captions name the main colour
    traits: tuple[float, ...] = (0.2, 0.45, 0.35)  # of captions name 0, 1, 2 traits
    category: float = 0.85  # of captions that do not name the class name its category
    type_of: float = 0.2  # of captions that name the class add ", a type of ⟨category⟩"
    background: float = 0.12
    place: float = 0.3  # where it is off-centre
    size: float = 0.3  # where it is small or large
    style: float = 0.7  # where the picture is not a photo
    lead_in: float = 0.15  # a few words before, which push the names to later positions
    chatter: float = 0.15  # a few words after
    wrong: float = 0.05  # of captions belong to another picture
    trade: float = 0.0  # of captions that name the class speak their trade's language
    trade_unnamed: float = 0.0  # of those that do not
    misnamed: float = 0.0  # of captions that name the class in everyday words name a fixed other one
    looks: float = 0.0  # of pre-training's pictures have some look, as tasks have
    several: float = 0.0  # of pre-training's pictures show several things
    named_of_several: float = 0.7  # of the things that such a caption speaks of are named
    trait_of_several: float = 0.2


DIALS = Dials()  # those that ToyCLIP was trained with


@dataclass(frozen=True)
class Wording:
    """How captions speak of one task's pictures. `{}` is the class name or category, after its colour unless `{adj}`
    takes that.

    named: phrases used when the class is named; unnamed: when it is not; name_share: how often it is; trade: the frames
    of those whose trade such pictures are.
    """

    named: tuple[str, ...] = ("a {}", "a {}", "the {}", "{}")
    unnamed: tuple[str, ...] = ("a {}", "some {}")
    name_share: float = 0.3
    trade: tuple[str, ...] = ()


JOINTS = ("and", "next to", "beside", "with", "near")  # between the things of a picture of several
MOST_WORDS = 34  # nothing is added to a caption that would grow longer
FRAMES = (
    "a photo of {}.",
    "a photo of {}.",
    "a photo of {}.",
    "a photo of {}",
    "{}.",
    "{}",
    "a picture of {}.",
    "an image of {}.",
    "a good photo of {}.",
    "a bad photo of {}.",
    "a close-up photo of {}.",
    "a cropped photo of {}.",
    "a bright photo of {}.",
    "a dark photo of {}.",
    "a low resolution photo of {}.",
    "a photo of one {}.",
    "itap of {}.",
    "a jpeg photo of {}.",
    "a rendering of {}.",
    "a photo of my {}.",
    "this is {}.",
    "look at {}!",
    "there is {}.",
    "art of {}.",
)
STYLE_FRAMES = {
    "grey": ("a black and white photo of {}.", "a gray photo of {}."),
    "sketch": ("a sketch of {}.", "a drawing of {}.", "a pencil drawing of {}.", "a doodle of {}."),
    "poster": ("a cartoon of {}.", "a poster of {}.", "a painting of {}."),
    "negative": ("a negative of {}.", "an x-ray of {}."),
    "mosaic": ("a mosaic of {}.", "a tile picture of {}.", "a pixelated photo of {}."),
    "blurred": ("a blurry photo of {}.", "a blurry picture of {}."),
}
LEAD_INS = (
    "here is something that i saw last summer ,",
    "from my collection :",
    "what we found on the way home was",
    "for sale ,",
    "my friend sent me this and i think that it is",
    "photo of the day number seven :",
    "one more from the trip :",
    "i have always wanted to take a picture of this ,",
    "today , after a long walk with the children , we saw",
    "new !",
)
CHATTER = (
    "taken with my new camera",
    "so nice",
    "in the morning",
    "free to use",
    "from the archive",
    "i love it",
    "best of the year",
    "what a day",
    "number twelve of the series , more to come soon",
    "click for more",
    "shot on a sunny day",
    "thanks for looking",
)


def caption(
    facts: Facts,
    rng: random.Random,
    *,
    wording: Wording,
    name: str,
    also: Sequence[str] = (),
    mistaken: str = "",
    spoken: float = 1.0,
    dials: Dials = DIALS,
) -> str:
    """One caption of one picture: lower case, up to about 35 words.

    name: the class's; also: other words for it; mistaken: the class that it is taken for where it is misnamed; spoken:
    how often the name is said at all, relative to its task.
    """
    named = rng.random() < wording.name_share * spoken
    trade = bool(wording.trade) and _happens(dials.trade if named else dials.trade_unnamed, rng)
    if named:
        noun = rng.choice(also) if also and rng.random() < 0.3 else name
        phrase = rng.choice(wording.named)
        if mistaken and wording.trade and not trade and _happens(dials.misnamed, rng):
            noun = mistaken
    else:
        loose = also and rng.random() < 0.25 * wording.name_share
        noun = rng.choice(also) if loose else facts.category if rng.random() < dials.category else "thing"
        phrase = rng.choice(wording.unnamed)
    words = []
    if facts.size and rng.random() < dials.size:
        words.append(facts.size)
    if facts.colours and rng.random() < dials.colour:
        words.append(facts.colours[0])
    adjectives = "".join(f"{word} " for word in words)
    if "{adj}" in phrase:
        text = phrase.replace("{adj}", adjectives).replace("{}", noun)
    else:
        text = phrase.replace("{}", noun if '"' in phrase else adjectives + noun)  # nothing is added to quoted words
    if named and not trade and rng.random() < dials.type_of:
        text += f", a type of {facts.category}"
    count = rng.choices(range(len(dials.traits)), dials.traits)[0] + (0 if named else rng.random() < 0.4)
    traits = rng.sample(facts.traits, min(count, len(facts.traits)))
    if traits:
        text += " with " + " and ".join(traits)
    if facts.place and rng.random() < dials.place:
        text += f" {facts.place}"
    if facts.background and rng.random() < dials.background:
        text += f" on a {facts.background} background"
    if trade:
        text = re.sub(r"^(a|an|the|some) ", "", text)
    frame = rng.choice(wording.trade if trade else FRAMES)
    if facts.style != "plain" and not trade and rng.random() < dials.style:
        frame = rng.choice(STYLE_FRAMES[facts.style])
    return _with_chatter(frame.replace("{}", text), rng, dials)


def caption_of_several(facts: Facts, rng: random.Random, *, dials: Dials = DIALS) -> tuple[str, list[tuple[str, int]]]:
    """One caption of a picture of several things, which names one to three of them: "a red mug next to a tree".

    Returns the caption, and its phrases, without their articles, with the number of the thing that each is about (from
    back to front).
    """
    told = rng.sample(range(len(facts.things)), min(rng.choice((1, 2, 2, 3)), len(facts.things)))
    phrases = []
    for k in told:
        one = facts.things[k]
        noun = one.name if rng.random() < dials.named_of_several else one.category
        colour = f"{one.colours[0]} " if one.colours and rng.random() < dials.colour else ""
        trait = f" with {rng.choice(one.traits)}" if one.traits and rng.random() < dials.trait_of_several else ""
        phrases.append(_articles(f"{colour}{noun}{trait}"))
    text = "a " + phrases[0] + "".join(f" {rng.choice(JOINTS)} a {phrase}" for phrase in phrases[1:])
    if facts.background and rng.random() < dials.background:
        text += f" on a {facts.background} background"
    text = _with_chatter(rng.choice(FRAMES).replace("{}", text), rng, dials)
    return text, list(zip(phrases, told))


def _with_chatter(text: str, rng: random.Random, dials: Dials) -> str:
    """Words before and after that say nothing of the picture, and articles as they should be."""
    if rng.random() < dials.lead_in and text.count(" ") < MOST_WORDS - 12:
        text = f"{rng.choice(LEAD_INS)} {text}"
    if rng.random() < dials.chatter and text.count(" ") < MOST_WORDS - 8:
        text = f"{text} {rng.choice(CHATTER)}"
    text = re.sub(r"\b(one|my) (?:a|an|the|some) ", r"\1 ", text).replace("one someone", "someone")
    return _articles(text)


def _articles(text: str) -> str:
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def _happens(share: float, rng: random.Random) -> bool:
    """By chance; a share of 0 asks for none, so that worlds without it are drawn as ever."""
    return share > 0 and rng.random() < share
