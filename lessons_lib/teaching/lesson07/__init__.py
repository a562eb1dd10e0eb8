"""Lesson 07, "Adapters": its checks, and what it alone draws and reads."""
