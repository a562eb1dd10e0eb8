"""Notebooks as they lie on disk."""

from pathlib import Path

import nbformat


def read_notebook(path: Path, content: bytes | None = None) -> nbformat.NotebookNode:
    """A notebook.   content: of the file, where it was read already.

    Raises OSError where the file cannot be read, and ValueError where it is damaged or no notebook.
    """
    content = path.read_bytes() if content is None else content
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
        if not all(isinstance(cell.source, str) and isinstance(cell.cell_type, str) for cell in notebook.cells):
            raise ValueError("a cell has no text")
    except Exception as error:  # nbformat raises nearly every kind
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise ValueError(f"'{path}' is damaged, or no notebook ({why}): take it from where it came from") from error
    return notebook
