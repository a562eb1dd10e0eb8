"""Lesson 00, "Start here": checks of its exercises, and what it alone draws and reads."""
