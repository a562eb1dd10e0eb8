"""Methods that give every picture one label."""
