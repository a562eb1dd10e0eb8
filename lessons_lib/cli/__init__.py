"""The command line `lessons`: main.py reads it, and each subcommand is a file of its own."""

from .main import main

__all__ = ["main"]
