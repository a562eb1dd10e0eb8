"""Lesson 09, "All methods side by side": its checks, and what it alone draws and reads."""
