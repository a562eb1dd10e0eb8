"""What tests ask of the system's encodings."""

import sys

import pytest

needs_letters = pytest.mark.skipif(
    sys.getfilesystemencoding() == "ascii", reason="this system's file names have no letters beyond ASCII"
)
