"""Lesson 02, "Zero-shot classification": its checks, and what it alone draws and reads."""
