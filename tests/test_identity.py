"""An identity is over values alone, and refuses what has no one text."""

import pytest

from lessons_lib.identity import canonical, digest


def test_equal_values_have_one_digest_whatever_their_order_and_kind_of_list():
    assert digest({"a": 1, "b": [1, 2.5, None]}) == digest({"b": (1, 2.5, None), "a": 1})
    assert len(digest({})) == 64


@pytest.mark.parametrize(
    "other", [{"a": 2}, {"b": 1}, {"a": "1"}, {"a": 1.5}, {"a": [1]}, {"a": None}, {"a": True}, {"a": 1, "b": None}]
)
def test_other_values_have_another(other):
    assert digest(other) != digest({"a": 1})


def test_letters_of_any_script_stand_for_themselves():
    assert canonical({"name": "Fuß"}) == '{"name":"Fuß"}'


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"path": object()}, "got a object at path"),
        ({"a": [{"b": {1, 2}}]}, r"got a set at a\[0\].b"),
        ({1: "one"}, "a key of an identity is a text; got 1"),
    ],
)
def test_what_has_no_one_text_is_refused_by_its_place(parts, words):
    with pytest.raises(TypeError, match=words):
        digest(parts)


def test_a_number_that_is_not_finite_is_refused():
    with pytest.raises(ValueError):
        digest({"lr": float("nan")})
