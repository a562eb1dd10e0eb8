"""Lesson 05, "CoCoOp: a prompt for every image": its checks, and what it alone draws and reads."""
