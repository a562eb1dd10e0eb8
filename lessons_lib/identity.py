"""What tells one result from another: a digest of all that decides it, and of nothing else.

Kept runs, checkpoints and cached features are found by it. It is over values, never over names of files or of Python
objects, so it is the same on every machine.
"""

import json
from hashlib import sha256
from typing import Any


def canonical(parts: Any) -> str:
    """One text for equal parts: JSON with sorted keys.

    parts: dicts with text keys, lists, tuples, texts, numbers, booleans, None. A tuple is read as a list.
    Raises TypeError for anything else, and ValueError for a number that is not finite: neither has one text.
    """
    _check(parts, "")
    return json.dumps(parts, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def digest(parts: Any) -> str:
    """64 hex digits over `canonical(parts)`; raises as it does."""
    return sha256(canonical(parts).encode()).hexdigest()


def _check(part: Any, where: str) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of an identity is a text; got {key!r}{_at(where)}")
            _check(value, f"{where}.{key}")
    elif isinstance(part, list | tuple):
        for place, value in enumerate(part):
            _check(value, f"{where}[{place}]")
    elif part is not None and not isinstance(part, str | int | float):
        raise TypeError(f"an identity holds plain values; got a {type(part).__name__}{_at(where)}")


def _at(where: str) -> str:
    return f" at {where.lstrip('.')}" if where else ""
