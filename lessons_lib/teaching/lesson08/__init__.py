"""Lesson 08, "Spread the texts, gather the pictures": checks of its exercises, and what it alone draws and reads."""
