"""A student's process may read no file of the course, and write in its own folder alone, where Linux can see to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lessons_lib.teaching.grading import locked
from lessons_lib.teaching.grading.kept import Kept

here = pytest.mark.skipif(
    not locked.offered(), reason="this system has no Landlock: students' processes are not locked"
)


@pytest.fixture
def course(tmp_path) -> Path:
    (tmp_path / "course" / "submitted").mkdir(parents=True)
    (tmp_path / "course" / "gradebook.db").write_text("secret")
    (tmp_path / "own").mkdir()
    return tmp_path / "course"


def locked_up(course: Path, code: str) -> str:
    """What a process says that runs a code behind the lock."""
    command = [
        sys.executable,
        locked.__file__,
        str(course),
        str(course.parent / "own"),
        "8",
        sys.executable,
        "-c",
        code,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=course.parent / "own")
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@here
@pytest.mark.parametrize(
    "code",
    [
        "open({book!r}).read()",
        "open({book!r}, 'w')",
        "import os; os.remove({book!r})",
        "import os; os.rename({book!r}, 'mine')",
        "import os; os.link({book!r}, 'mine')",
        "import os; os.symlink({book!r}, 'mine'); open('mine').read()",
        "import subprocess; subprocess.run(['cat', {book!r}], check=True)",
        "open('/proc/{parent}/root' + {book!r}).read()",
        "open({beside!r}, 'w')",
        "open(__import__('pathlib').Path.home() / 'a file of the teacher', 'w')",
    ],
)
def test_no_way_leads_into_the_course(course, code):
    book, beside = str(course / "gradebook.db"), str(course.parent / "new")
    said = locked_up(course, code.format(book=book, beside=beside, parent=os.getpid()))
    assert "Error" in said, said
    assert (course / "gradebook.db").read_text() == "secret"


@here
def test_its_own_folder_and_pythons_own_files_stay_open(course):
    code = (
        "import json, tempfile; open('a', 'w').write('b'); open('/dev/null', 'w').write('x'); print(open('a').read())"
    )
    assert locked_up(course, code) == "b"


@here
@pytest.mark.skipif(locked.offered() < 6, reason="Linux before 6.12 lets a process signal others of the same user")
def test_no_other_process_can_be_ended(course):
    assert "PermissionError" in locked_up(course, f"import os; os.kill({os.getpid()}, 0)")


@here
@pytest.mark.skipif(locked.offered() < 4, reason="Linux before 6.7 does not close the network")
def test_no_connection_leaves(course):
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    assert "PermissionError" in locked_up(course, code)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_more_memory_than_allowed_is_an_error_in_the_cell(course):
    assert "MemoryError" in locked_up(course, "a = bytearray(9 * 2**30)")


def test_what_a_cell_changed_is_put_back_and_what_it_was_is_kept_beside(course):
    (course / "submitted" / "lesson.ipynb").write_text("{}")
    kept = Kept(course)
    assert kept.put_back("amy") == []
    (course / "gradebook.db").write_text("all ones")
    (course / "submitted" / "lesson.ipynb").unlink()
    said = kept.put_back("amy")
    assert (course / "gradebook.db").read_text() == "secret"
    assert (course / "gradebook.db.changed-by-amy").read_text() == "all ones"
    assert (course / "submitted" / "lesson.ipynb").read_text() == "{}"
    assert "'gradebook.db' was changed while the cells ran, and put back" in said[0] and "deleted" in said[1]
