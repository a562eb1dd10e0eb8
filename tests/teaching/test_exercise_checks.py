"""Checks of exercises say what is wrong in words, pass what is right, and lesson 00's own ones know their mistakes."""

from __future__ import annotations

import pytest
import torch

from lessons_lib.teaching.checks import ExerciseError, answer_of, difference, same, same_gradients, written

X = torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [64.0, 128.0, 300.0]])


@pytest.mark.parametrize(
    ("got", "expected", "says"),
    [
        (X[0], X, "should have the shape (3, 3); it has (3,)"),
        (X[:2].T, X[:2], "Rows and columns are exchanged"),
        (X.flatten(), X, "The number of values is right"),
        (X, X.sum(), "should be one number; it has the shape (3, 3). Is a mean or a sum missing?"),
        (X.sum(), X, "it is one number"),
        (X * float("nan"), X, "has NaN in 9 of 9 places"),
        (X / 0, X, "is infinite"),
        (-X, X, "has the opposite sign"),
        (100 * X, X, "is 100 times as large as it should be, everywhere"),
        (X + 3, X, "is 3 too large everywhere"),
        (X - 3, X, "is 3 too small everywhere"),
        (X.T, X, "is transposed"),
        (X.flip(0), X, "in reversed order along dimension 0"),
        (X[[1, 0, 2]], X, "the right values in another order"),
        (torch.zeros(3, 3), X, "is 0 everywhere; the values should differ"),
        (torch.tensor(0.25), torch.tensor(25.0), "is 0.25; it should be 25, 0.01 times as much"),
        ("a", X, "should be a tensor of shape (3, 3); it is a string"),
        (lambda: X, X, "it is a function (call it?)"),
        (X > 2, X, "should hold numbers; it holds True and False"),
        ([1.5, 2.0], torch.tensor([1, 2]), "should hold whole numbers; it holds fractions"),
        (["b", "a"], ["a", "b"], "the right strings in another order"),
        (["a"], ["a", "b"], "should hold 2 strings; it holds 1"),
        ("ab", ["a", "b"], "should be a list of strings; it is a string"),
        ("a photo", "a photo.", "is 'a photo'; it should be 'a photo.'"),
    ],
)
def test_a_difference_is_said_in_words(got, expected, says):
    assert says in difference(got, expected)


def test_a_single_wrong_value_is_pointed_at():
    wrong = X.clone()
    wrong[1, 2] = 33
    assert difference(wrong, X) == "differs in 1 of 9 places; the first is [1, 2]: 33 instead of 32."


@pytest.mark.parametrize("got", [X, X.numpy(), X.tolist(), X.double(), X + 1e-6, X.clone().requires_grad_()])
def test_equal_values_pass_whatever_holds_them(got):
    assert difference(got, X) == ""


def test_whole_numbers_pass_where_real_ones_are_asked_for():
    assert difference(3, 3.0) == "" and difference(torch.tensor([1, 2]), torch.tensor([1.0, 2.0])) == ""


@pytest.mark.parametrize(("empty", "shown"), [(None, "None"), (..., r"\.\.\.")])
def test_an_empty_answer_is_not_written_yet(empty, shown):
    with pytest.raises(ExerciseError, match=f"`loss` is still {shown}: not written yet"):
        written(empty, name="loss")
    with pytest.raises(ExerciseError, match="not written yet"):
        same(empty, X, name="loss")
    with pytest.raises(ExerciseError, match=f"returns {shown}: not written yet, or a missing return"):
        answer_of(lambda x: empty, X, name="loss")


def test_an_error_in_the_learners_function_becomes_a_hint_and_stays_as_the_cause():
    with pytest.raises(ExerciseError, match="`f` stopped with ZeroDivisionError: division by zero") as caught:
        answer_of(lambda x: 1 / 0, X, name="f")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_function_that_changes_its_input_is_told_so():
    with pytest.raises(ExerciseError, match="`f` changes its input in place"):
        answer_of(lambda x: x.mul_(2), X.clone(), name="f")


def test_what_is_no_function_is_told_so():
    with pytest.raises(ExerciseError, match="`f` should be a function; it is a number"):
        answer_of(3, X, name="f")


def test_a_notebook_shows_the_hint_without_a_traceback():
    assert ExerciseError("almost")._render_traceback_() == ["Not yet: almost"]
    assert issubclass(ExerciseError, AssertionError)


# --- values and gradients


def mean_of_squares(x, y):
    return (x * y).square().mean(dim=1)


@pytest.mark.parametrize(
    "wrong, hint",
    [
        (lambda x, y: mean_of_squares(x, y).detach(), "no gradient flows back"),
        (lambda x, y: mean_of_squares(x.detach(), y.detach()), "no gradient flows back"),
        (lambda x, y: mean_of_squares(x.detach(), y) + 0 * x.sum(), "gradient of argument 1 is 0 everywhere"),
        (lambda x, y: mean_of_squares(x, y.detach()) + 0 * y.sum(), "gradient of argument 2 is 0 everywhere"),
        (lambda x, y: (x * x.detach()).mean(dim=1) * 0 + mean_of_squares(x, y) * 2, "2 times as large"),
        (lambda x, y: (x * x.detach() * y.square()).mean(dim=1), "gradient of argument 1 is 0.5 times"),
    ],
)
def test_what_nothing_can_learn_from_is_refused(wrong, hint):
    x, y = torch.randn(4, 3), torch.randn(4, 3)
    with pytest.raises(ExerciseError, match=hint):
        same_gradients(wrong, mean_of_squares, x, y, name="f", learned=(0, 1))


def test_equal_values_and_gradients_pass_and_inputs_stay_as_they_were():
    x, y, labels = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3), torch.arange(4)

    def mine(x, y, labels):
        return (x.pow(2) * y.pow(2)).sum(1)[labels] / 3

    def theirs(x, y, labels):
        return mean_of_squares(x, y)[labels]

    same_gradients(mine, theirs, x, y, labels, name="f", learned=(0, 1))
    assert x.grad is None and not y.requires_grad
