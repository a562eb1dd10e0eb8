"""Lesson 09, "All methods side by side": checks of its exercises, and what it alone draws and reads."""
