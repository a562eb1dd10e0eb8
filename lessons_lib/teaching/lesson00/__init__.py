"""Lesson 00, "Start here": its checks, and what it alone draws and reads."""
