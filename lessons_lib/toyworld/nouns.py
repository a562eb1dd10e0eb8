"""Which nouns a caption says: the names, other names and categories of the world's classes, as they stand in it.

No grammar is asked, unlike a tagger, which also takes verbs for nouns: what is not a name of this world is not found.
"""

import re
from functools import cache

from lessons_lib.toyworld.tasks import EXTRAS, TASKS

SAYS_NOTHING = ("thing",)  # of what is in the picture: every caption could say it


def nouns_of(caption: str) -> list[str]:
    """In the order of the caption, each once; of "hot air balloon" the whole, not "balloon" too. Empty where it names
    nothing."""
    return list(dict.fromkeys(found.group() for found in _pattern().finditer(caption)))


@cache
def _pattern() -> re.Pattern:
    nouns = {spec.category for spec in TASKS.values()}
    for spec in (*TASKS.values(), *EXTRAS):
        nouns |= {noun for cls in spec.classes for noun in (cls.name, *cls.also)}
    longest_first = sorted(nouns - set(SAYS_NOTHING), key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b")
