"""How an answer differs from what it should be, in words: shape, kind, sign, scale, order, and where.

The checks of exercises (`lessons_lib.teaching.checks`) say it to the learner.
"""

import numbers

import numpy as np
import torch


def difference(got: object, expected: object, *, rtol: float = 1e-4, atol: float = 1e-5) -> str:
    """How `got` differs from `expected`, in words, or "" when it does not.

    Numbers, arrays and tensors are compared by shape, kind (whole, real, boolean), NaN, scale, offset, order and value;
    strings and lists of strings exactly. Whole numbers pass for real ones where the values agree.
    """
    if isinstance(expected, str) or _is_strings(expected):
        return _text_difference(got, expected)
    a, b = _as_array(got), _as_array(expected)
    if a is None:
        return f"should be {kind_of(expected)}; it is {kind_of(got)}."
    if a.shape != b.shape:
        return _shape_difference(a, b)
    if (a.dtype == bool) != (b.dtype == bool):
        return f"should hold {_values(b)}; it holds {_values(a)}."
    if b.dtype.kind in "iu" and a.dtype.kind == "f" and not np.array_equal(a, np.round(a)):
        return "should hold whole numbers; it holds fractions."
    a, b = a.astype(np.float64), b.astype(np.float64)
    if np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    return _value_difference(a, b, rtol=rtol, atol=atol)


def _value_difference(a: np.ndarray, b: np.ndarray, *, rtol: float, atol: float) -> str:
    """The likeliest reason why two arrays of one shape differ in value."""
    near = {"rtol": max(rtol, 1e-3), "atol": atol}
    new_nan = np.isnan(a) & ~np.isnan(b)
    if new_nan.any():
        return f"has NaN in {new_nan.sum()} of {a.size} places. A division by zero, or the log of zero?"
    if (np.isinf(a) & ~np.isinf(b)).any():
        return "is infinite. Too large for exp, or a division by zero?"
    if np.allclose(a, -b, **near):
        return "has the opposite sign."
    if a.size > 1 and np.ptp(b) > atol:
        if np.ptp(a) <= atol:
            return f"is {_number(a.flat[0])} everywhere; the values should differ."
        ratio = float((a * b).sum() / (b * b).sum())
        if np.allclose(a, ratio * b, **near):
            return f"is {_number(ratio)} times as large as it should be, everywhere. Is a factor too many, or missing?"
        offset = float((a - b).mean())
        if np.allclose(a, b + offset, **near):
            return f"is {_number(abs(offset))} too {'large' if offset > 0 else 'small'} everywhere."
        if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and np.allclose(np.swapaxes(a, -1, -2), b, **near):
            return "is transposed: rows and columns are exchanged."
        for axis in range(a.ndim):
            if a.shape[axis] > 1 and np.allclose(np.flip(a, axis), b, **near):
                return f"holds the right values in reversed order{_along(a, axis)}."
        if np.allclose(np.sort(a, axis=None), np.sort(b, axis=None), **near):
            return "holds the right values in another order."
    if a.ndim == 0 or a.size == 1:
        x, y = float(a.flat[0]), float(b.flat[0])
        times = f", {_number(x / y)} times as much" if y and x / y > 0 and not 0.9 < x / y < 1.1 else ""
        return f"is {_number(x)}; it should be {_number(y)}{times}."
    wrong = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    where = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = where[0] if len(where) == 1 else where
    return (
        f"differs in {wrong.sum()} of {a.size} places; the first is [{str(place).strip('()')}]: "
        f"{_number(a[where])} instead of {_number(b[where])}."
    )


def _shape_difference(a: np.ndarray, b: np.ndarray) -> str:
    if b.ndim == 0:
        return f"should be one number; it has the shape {a.shape}. Is a mean or a sum missing?"
    if a.ndim == 0:
        return f"should have the shape {b.shape}; it is one number."
    advice = ""
    if a.shape == b.shape[::-1]:
        advice = " Rows and columns are exchanged: is a transpose missing, or one too many?"
    elif a.size == b.size:
        advice = " The number of values is right: squeeze, unsqueeze or reshape?"
    return f"should have the shape {b.shape}; it has {a.shape}.{advice}"


def _text_difference(got: object, expected: object) -> str:
    if isinstance(expected, str):
        if not isinstance(got, str):
            return f"should be a string; it is {kind_of(got)}."
        return "" if got == expected else f"is {got!r}; it should be {expected!r}."
    if isinstance(got, str) or not _is_strings(got):
        return f"should be a list of strings; it is {kind_of(got)}."
    got, expected = list(got), list(expected)
    if len(got) != len(expected):
        return f"should hold {len(expected)} strings; it holds {len(got)}."
    if sorted(got) == sorted(expected) and got != expected:
        return "holds the right strings in another order."
    return next((f"[{i}] is {x!r}; it should be {y!r}." for i, (x, y) in enumerate(zip(got, expected)) if x != y), "")


def _as_array(value: object) -> np.ndarray | None:
    """A number, array, tensor or nested list of them as an array of numbers; None for anything else."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return value.float().numpy() if value.is_floating_point() else value.numpy()
    if isinstance(value, (bool, numbers.Number, np.ndarray, list, tuple)):
        try:
            array = np.asarray(value)
        except (ValueError, TypeError):
            return None
        return array if array.dtype.kind in "biuf" else None
    return None


def _is_strings(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(item, str) for item in value)


def kind_of(value: object) -> str:
    """What a value is, in words: "a tensor of shape (3, 4)", "a number", "a list"."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, numbers.Number):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if callable(value):
        return "a function (call it?)"
    return f"a {type(value).__name__}"


def _values(array: np.ndarray) -> str:
    return "True and False" if array.dtype == bool else "numbers"


def _along(array: np.ndarray, axis: int) -> str:
    return "" if array.ndim == 1 else f" along dimension {axis}"


def _number(value: float) -> str:
    return f"{value:.4g}"
