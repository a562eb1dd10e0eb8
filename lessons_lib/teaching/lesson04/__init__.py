"""Lesson 04, "CoOp: prompts that are learned": its checks, and what it alone draws and reads."""
