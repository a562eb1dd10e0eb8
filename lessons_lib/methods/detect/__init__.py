"""Methods that find things: boxes with classes."""
