"""Names in errors: the nearest to one that does not exist, and the first of many."""

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, names: Iterable[str], *, limit: int = 3) -> str:
    """A sentence with the names closest to `name`, such as "Did you mean 'x' or 'y'?"; empty when none is close.

    Case, and the difference between `-`, `_`, `/` and a space, do not count.
    """

    def plain(text: str) -> str:
        return str(text).lower().translate(str.maketrans("-/ ", "___"))

    by_plain: dict[str, str] = {}
    for candidate in names:
        by_plain.setdefault(plain(candidate), candidate)
    wanted = plain(name)
    close = difflib.get_close_matches(wanted, by_plain, n=limit, cutoff=0.6)
    if len(wanted) >= 3:  # "pets" is not close to "toy_pets" letter by letter, but is part of it
        close += [other for other in by_plain if wanted in other and other not in close]
    quoted = [repr(by_plain[match]) for match in close[:limit]]
    if not quoted:
        return ""
    return f"Did you mean {' or '.join(quoted) if len(quoted) < 3 else ', '.join(quoted[:-1]) + ' or ' + quoted[-1]}?"


def listed(items: Sequence[str], most: int = 10) -> str:
    """The first ten, and how many more there are."""
    return ", ".join(items[:most]) + (f" and {len(items) - most:,} more" if len(items) > most else "")
