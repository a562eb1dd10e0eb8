"""A class for every pixel: one method a file, found by its definition."""
