"""Lesson 06, "Visual and multi-modal prompts": checks of its exercises, and what it alone draws and reads."""
