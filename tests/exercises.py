"""What every lesson's checks are asked: a lesson's test file has RIGHT and MISTAKES, and takes both tests from here.

RIGHT: (check, answer).   MISTAKES: (check, answer, what the hint says).   An answer in several parts is a tuple.
"""

import pytest

from lessons_lib.teaching.checks import ExerciseError


def pytest_generate_tests(metafunc):
    """Imported by conftest.py."""
    for name, table in (("right_answer", "RIGHT"), ("mistake", "MISTAKES")):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, getattr(metafunc.module, table))


def ask(check, answer) -> None:
    check(*(answer if isinstance(answer, tuple) else (answer,)))


def test_what_is_right_passes(right_answer, capsys):
    ask(*right_answer)
    assert capsys.readouterr().out.startswith("✓")


def test_a_usual_mistake_is_named(mistake):
    *asked, hint = mistake
    with pytest.raises(ExerciseError, match=hint):
        ask(*asked)
