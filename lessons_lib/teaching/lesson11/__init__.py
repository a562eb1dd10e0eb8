"""Lesson 11, which pixels: dense CLIP and LSeg."""
