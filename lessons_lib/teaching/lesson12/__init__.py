"""Lesson 12, groups out of captions: GroupViT."""
