"""Lesson 02, "Zero-shot classification": checks of its exercises, and what it alone draws and reads."""
