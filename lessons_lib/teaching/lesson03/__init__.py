"""Lesson 03, "Prompt engineering": checks of its exercises, and what it alone draws and reads."""
