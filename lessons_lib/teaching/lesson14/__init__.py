"""Lesson 14, detection as grounding (GLIP): checks, figures, a prompt to play with, and what the shipped models did."""
