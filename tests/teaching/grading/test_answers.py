"""A student's function, called from another process, gives what it gives at home; and gives a check nothing else."""

import base64
import json
import pickle

import pytest
import torch

from lessons_lib.teaching.checks import ExerciseError, answer_of, same_gradients
from lessons_lib.teaching.grading.answers import answer, reply
from lessons_lib.teaching.grading.values import dumps


def far(name: str, **theirs):
    """The answer `name` of a student whose cells left these names."""
    return answer(name, lambda question: reply(theirs, question))


def test_a_value_and_a_function_come_over():
    assert far("chance", chance=25) == 25
    double = far("double", double=lambda x, times=2: times * x)
    assert double(3) == 6 and double(torch.ones(2), times=5).tolist() == [5, 5]


def test_what_is_not_there_is_said():
    with pytest.raises(ExerciseError, match="`ring` is not there: was its cell deleted"):
        far("ring", other=1)


def test_an_error_keeps_its_name_and_its_words():
    with pytest.raises(ExerciseError, match="`f` stopped with ZeroDivisionError: division by zero"):
        answer_of(far("f", f=lambda x: x / 0), 1, name="f")

    def hinted(x):
        raise ExerciseError("look again")

    with pytest.raises(ExerciseError, match="^look again$"):
        answer_of(far("f", f=hinted), 1, name="f")


def test_a_change_in_place_is_seen():
    with pytest.raises(ExerciseError, match="changes its input in place"):
        answer_of(far("f", f=lambda x: x.add_(1)), torch.zeros(3), name="f")


def test_gradients_come_over_as_they_are_at_home():
    def right(x, w):
        return (x * w).sum(dim=1).exp()

    x, w = torch.randn(3, 2), torch.randn(2)
    same_gradients(far("f", f=right), right, x, w, name="f", learned=(0, 1))
    with pytest.raises(ExerciseError, match="no gradient flows back"):
        same_gradients(far("f", f=lambda x, w: right(x.detach(), w.detach())), right, x, w, name="f")
    with pytest.raises(ExerciseError, match="the gradient of argument 1"):
        same_gradients(far("f", f=lambda x, w: right(2 * x - x.detach(), w)), right, x, w, name="f")


def test_what_a_cell_made_of_the_checks_stays_in_its_process(monkeypatch):
    """The student's process runs what it likes; of what it sends, a check compares values alone."""

    class Right:
        def __eq__(self, other):
            return True

    assert far("double", double=lambda x: Right())(2) != 4
    for sent in ("nonsense", dumps(["value"]), dumps(3), dumps(["right"]), json.dumps(["dict", []]), dumps([])):
        with pytest.raises(ExerciseError, match="`f` gave no answer that can be read"):
            answer("f", lambda question, sent=sent: sent)


def test_a_reply_that_claims_changes_or_gradients_that_cannot_be_is_an_error_of_the_answer():
    def cheat(question: str) -> str:
        asked = pickle.loads(base64.b64decode(question))
        return dumps(["value", 1, {7: torch.ones(2)}, False] if "args" in asked else ["function", None])

    with pytest.raises(ExerciseError, match="no answer that can be read"):
        answer("f", cheat)(torch.zeros(3))
