"""Lesson 03, "Prompt engineering": its checks, and what it alone draws and reads."""
