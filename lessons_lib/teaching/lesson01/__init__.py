"""Lesson 01, "Contrastive pre-training": checks of its exercises, and what it alone draws and reads."""
