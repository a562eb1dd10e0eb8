"""Lesson 15, how CLIP itself is trained better (SLIP): what it trains live."""
