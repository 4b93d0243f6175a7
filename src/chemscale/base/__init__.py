"""The vocabulary of all floors: configurations, run records, units, seeds, errors."""
