"""Lesson 13, which box (ViLD): checks, figures, and what the learner's second stage is trained on."""
