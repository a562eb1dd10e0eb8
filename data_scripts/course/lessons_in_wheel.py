"""Puts the lessons, without their outputs, and their translations' catalogues into the wheel, so that `lessons start`
works where there is no clone.

hatchling calls it while it builds (pyproject.toml); an editable install reads notebooks/ itself.
"""

import json
import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LessonsInWheel(BuildHookInterface):
    """The build's hook; hatchling finds it by its base class."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        """version: "standard", or "editable"."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from lessons_lib.worksheets import without_outputs

        folder = root / "build" / "lessons"
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted((root / "notebooks").glob("[!.]*.ipynb")):
            lesson = without_outputs(json.loads(path.read_text(encoding="utf-8")))
            written = folder / path.name
            written.write_text(json.dumps(lesson, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            build_data["force_include"][str(written)] = f"lessons_lib/notebooks/{path.name}"
        for path in sorted((root / "translations").glob("*/*.po")):
            build_data["force_include"][str(path)] = f"lessons_lib/{path.relative_to(root).as_posix()}"
