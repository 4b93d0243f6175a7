"""The verb that draws a set of molecules as a map."""
