"""What a course's folder held before a student's cells ran, to put back what they changed.

For systems that cannot forbid a process a folder (`locked`): what was changed is kept beside, so nothing is lost where
it was the teacher who changed it meanwhile.
"""

from pathlib import Path

from lessons_lib.files import atomic_write

LARGEST = 2**25  # bytes of a file that is kept


class Kept:
    """The files of a folder as they are now: the gradebook, lessons, what others handed in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {path: path.read_bytes() for path in _files(folder) if path.stat().st_size <= LARGEST}

    def put_back(self, student: str) -> list[str]:
        """Puts back what was changed or deleted since. Returns what it was, in words."""
        said = []
        for path, content in self.files.items():
            name = path.relative_to(self.folder)
            found = path.read_bytes() if path.is_file() else None
            if found == content:
                continue
            beside = ""
            if found is not None:
                other = path.with_name(f"{path.name}.changed-by-{student}")
                atomic_write(other, found)
                beside = f"; what it was changed to is in '{other.name}'"
            atomic_write(path, content)
            said.append(f"'{name}' was {'changed' if beside else 'deleted'} while the cells ran, and put back{beside}")
        return said


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
