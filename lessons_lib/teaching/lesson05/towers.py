"""Lesson 04's text tower, from its rows on: what lesson 05's prompts run through, too."""

from lessons_lib.teaching.lesson04.towers import finish

__all__ = ["finish"]
