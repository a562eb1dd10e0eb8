"""Lesson 04, "Prompts that are learned": checks of its exercises, and what it alone draws and reads."""
