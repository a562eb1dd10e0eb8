"""Lesson 10, "Your own photos": checks of its exercises, and what it alone draws and reads."""
