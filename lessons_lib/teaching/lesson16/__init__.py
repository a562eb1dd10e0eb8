"""Lesson 16, sounds beside pictures and names (AudioCLIP): checks, figures, players, a grid to click, the record."""
