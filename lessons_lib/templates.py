"""Prompt templates: "{}" stands where the class name goes ("a photo of a {}." -> "a photo of a yellow crane.").

The ensembles are those that CLIP's authors published for ImageNet: all 80, and the seven that their notebook selects
(github.com/openai/CLIP, Prompt_Engineering_for_ImageNet.ipynb). Both are read from open_clip's own metadata.
A template is said literally, as it was published: "a" does not become "an" before a vowel.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from open_clip import OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

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
    return " ".join(classname.replace("_", " ").split())


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


def check_classnames(classnames: Iterable[str]) -> list[str]:
    """The class names as a list. Raises ValueError where there are none, or where one is empty or said twice."""
    if isinstance(classnames, str):
        raise ValueError(f"class names are a list of names, not one text: write [{classnames!r}]")
    names = list(classnames)
    if not names:
        raise ValueError("no class names were given: give at least one")
    for position, name in enumerate(names):
        if not isinstance(name, str) or not spoken(name):
            raise ValueError(f"class name number {position} is empty ({name!r}): every class needs a name to be said")
    repeated = [name for name, times in Counter(map(spoken, names)).items() if times > 1]
    if repeated:
        raise ValueError(
            f"class names are repeated: {', '.join(map(repr, repeated[:5]))} ('_' is read as a space). Two classes "
            "with one name would get one prompt: rename one of them, or merge the two"
        )
    return names
