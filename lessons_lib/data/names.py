"""Which tasks there are by name, and what each stands for in the papers: each task's own record says so."""

from lessons_lib.data.published import PUBLISHED
from lessons_lib.data.toys import toy_tasks


def papers_eleven() -> list[str]:
    """The eleven data sets of the prompt-learning papers, in the papers' order."""
    return [name for name, one in PUBLISHED.items() if one.eleven]


def toy_eleven() -> list[str]:
    """The toy tasks that stand for them, in the same order."""
    return [name for name, one in toy_tasks().items() if one.eleven]


def shifts_of(name: str) -> list[str]:
    """The tasks that show the classes of this one under other conditions; none for most."""
    return [other for other, one in {**toy_tasks(), **PUBLISHED}.items() if one.shift_of == name]


def title_of(name: str) -> str | None:
    """What the papers call a published set, or the set that a toy task stands for; None for any other name."""
    if name in PUBLISHED:
        return PUBLISHED[name].title
    return toy_tasks()[name].twin if name in toy_tasks() else None
