"""Lesson 05, "CoCoOp: a prompt for every image": checks of its exercises, and what it alone draws and reads."""
