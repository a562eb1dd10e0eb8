"""Lesson 08, "DAPT: spread the texts, gather the pictures": its checks, and what it alone draws and reads."""
