"""Errors that a user can act on."""


class UserError(Exception):
    """Something the user gave is wrong: a key, a file, a value.

    The message names the field or file, the value seen, what is allowed and what to do. The command line prints it
    without a traceback and ends with status 2.
    """


class ConfigError(UserError):
    """A configuration has an unknown key or a value that is not allowed."""


class DataError(UserError):
    """A data file is missing, unreadable, or holds nothing usable."""


class StorageError(UserError):
    """A result cannot be written: the disk is full, or the folder may not be written to."""


class FitError(UserError):
    """A law cannot be fitted to the points given."""


class BusyError(UserError):
    """Another process is working on the same folder."""
