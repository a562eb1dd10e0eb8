"""Lesson 01, "Contrastive pre-training": its checks, and what it alone draws and reads."""
