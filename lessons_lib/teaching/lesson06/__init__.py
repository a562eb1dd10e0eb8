"""Lesson 06, "Visual and multi-modal prompts": its checks, and what it alone draws and reads."""
