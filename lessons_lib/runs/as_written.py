"""A sweep's YAML, with names as they are written: 0001, 2024-05-01, no, 1e5 and null are names of folders, too."""

from collections.abc import Mapping
from typing import Any

import yaml

from lessons_lib.files import check_depth

MOST = 100_000  # values in a sweep's file
# The keys that hold names; in `settings` and `fit` only their own keys, the methods' labels, are.
NAMES = ("methods", "tasks", "others", "folds", "protocol", "model", "pretrained", "device", "precision", "root")


def load(text: str) -> Any:
    """What the YAML holds. Raises yaml.YAMLError for what is none, or is nested or repeated without end."""
    try:
        typed = yaml.safe_load(text)
        written = yaml.load(text, Loader=yaml.BaseLoader)  # which makes texts of all there is
        check_depth(typed, MOST)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # PyYAML's own, such as of a 13th month
        raise yaml.YAMLError(f"it makes no sense ({error})") from error
    if not isinstance(typed, Mapping) or len(typed) != len(written):
        return typed
    found = {}
    for (key, value), plain in zip(typed.items(), written.values()):
        if key in NAMES and value is not None and not (key == "folds" and isinstance(value, int)):
            value = _names(value, plain)
        elif key in ("settings", "fit") and isinstance(value, Mapping) and len(value) == len(plain):
            value = dict(zip(plain, value.values()))
        found[key] = value
    return found


def _names(typed: Any, written: Any) -> Any:
    if isinstance(typed, Mapping) and len(typed) == len(written):
        return {key: _names(value, plain) for (key, plain), value in zip(written.items(), typed.values())}
    if isinstance(typed, list):
        return [_names(*pair) for pair in zip(typed, written)]
    plain = type(typed) in (int, float) and str(typed) == written  # 5 stays a number, refused where a list is wanted
    return typed if plain or isinstance(typed, str | Mapping) else written
