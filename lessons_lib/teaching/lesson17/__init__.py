"""Lesson 17, "The map": the family of CLIP in one picture, three of its ideas by hand, and what CLIP cannot do."""
