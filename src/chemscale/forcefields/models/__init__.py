"""One family of force fields a file."""
