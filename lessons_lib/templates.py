"""Prompt templates: "{}" stands where the class name goes ("a photo of a {}." -> "a photo of a yellow crane.").

The ensembles are those that CLIP's authors published for ImageNet: all 80, and the seven that their notebook selects
(github.com/openai/CLIP, Prompt_Engineering_for_ImageNet.ipynb). Both are read from open_clip's own metadata.
A template is said literally, as it was published: "a" does not become "an" before a vowel.
"""

import unicodedata
from collections.abc import Callable, Hashable, Iterable
from functools import cache

from open_clip import OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES, SimpleTokenizer

from lessons_lib.suggest import nearest

DEFAULT = "a photo of a {}."
IMAGENET_80 = tuple(template("{}") for template in OPENAI_IMAGENET_TEMPLATES)  # there they are functions of the name
IMAGENET_7 = tuple(template("{}") for template in SIMPLE_IMAGENET_TEMPLATES)
ENSEMBLES = {"imagenet80": IMAGENET_80, "imagenet7": IMAGENET_7}

Template = str | Callable[[str], str]


def apply(template: str, classname: str) -> str:
    """The prompt for one class, its name `spoken`. Raises ValueError where the template has not exactly one "{}"."""
    [template] = check_templates([template])
    return template.replace("{}", spoken(classname))


def spoken(classname: str) -> str:
    """A class name as it is said in a prompt, underscores read as spaces: "yellow_crane" -> "yellow crane"."""
    return " ".join(composed(classname).replace("_", " ").split())


def composed(name: str) -> str:
    """A name in the one form in which names are compared (NFC): a Mac takes "é" apart into two characters."""
    return unicodedata.normalize("NFC", name)


@cache
def as_clip_reads(text: str) -> tuple[int, ...]:
    """The ids of a text under CLIP's own tokenizer, without start and end: it lowers case, takes "&amp;" for "&",
    curled quotation marks for straight ones, wide letters for plain ones, and leaves out spaces beside marks."""
    return tuple(_clip_tokenizer().encode(text))


@cache
def _clip_tokenizer() -> SimpleTokenizer:
    return SimpleTokenizer()


def read_alike(names: Iterable[str], read: Callable[[str], Hashable] = as_clip_reads) -> list[list[str]]:
    """Groups of names that are one text to a tokenizer, as they are said in prompts, each wording once.

    read: what the tokenizer makes of a text.
    """
    groups: dict[Hashable, list[str]] = {}
    for name in map(spoken, names):
        groups.setdefault(read(name), []).append(name)
    return [list(dict.fromkeys(group)) for group in groups.values() if len(group) > 1]


def check_templates(templates: Template | Iterable[Template]) -> list[str]:
    """The templates as a list of strings, from one, several, or the name of an ensemble ("imagenet80", "imagenet7").

    Functions of the class name, as open_clip keeps them, are taken too.
    Raises ValueError where there are none, or where one has not exactly one "{}".
    """
    if isinstance(templates, str) and templates in ENSEMBLES:
        return list(ENSEMBLES[templates])
    given = [templates] if isinstance(templates, str) or callable(templates) else list(templates)
    if not given:
        raise ValueError('no templates were given: give at least one, such as "a photo of a {}." or "{}"')
    texts = [template("{}") if callable(template) else template for template in given]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f'a template is a text such as "a photo of a {{}}."; got {text!r}')
        if text.count("{}") != 1:
            raise ValueError(
                f'template {text!r} has "{{}}" {text.count("{}")} times: write it exactly once, where the class name '
                f'goes, as in "a photo of a {{}}." {nearest(text, ENSEMBLES)}'.rstrip()
            )
    return texts


def check_classnames(classnames: Iterable[str], read: Callable[[str], Hashable] = as_clip_reads) -> list[str]:
    """The class names as a list, `composed`. Raises ValueError where there are none, or where one is empty or two are
    one text to the tokenizer.   read: what the tokenizer makes of a text; CLIP's own if not given."""
    if isinstance(classnames, str):
        raise ValueError(f"class names are a list of names, not one text: write [{classnames!r}]")
    names = list(classnames)
    if not names:
        raise ValueError("no class names were given: give at least one")
    for position, name in enumerate(names):
        if not isinstance(name, str) or not spoken(name) or not as_clip_reads(spoken(name)):
            raise ValueError(f"class name number {position} is empty ({name!r}): every class needs a name to be said")
    if repeated := read_alike(names, read):
        said = ", ".join(" = ".join(map(repr, group)) for group in repeated[:5])
        raise ValueError(
            f"class names are repeated: {said} ('_' is read as a space; what the tokenizer reads "
            "as one text is one name). Two classes with one name would get one prompt: rename one, or merge the two"
        )
    return [composed(name) for name in names]
