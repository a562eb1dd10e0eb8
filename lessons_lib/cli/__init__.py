"""The command line `lessons`: main.py reads it, and each subcommand is a file of its own."""

from lessons_lib.cli.main import main

__all__ = ["main"]
