"""Lesson 10, "Your own photos": its checks, and what it alone draws and reads."""
