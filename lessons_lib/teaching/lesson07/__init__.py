"""Lesson 07, "Adapters": checks of its exercises, and what it alone draws and reads."""
