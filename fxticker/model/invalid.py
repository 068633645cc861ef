"""Invalid argument: the error for a value that a person or a program gave and that means nothing."""


class InvalidArgument(ValueError):
    """A given value cannot be used; the message names it and what is expected.

    A command shows it as one line. Any other `ValueError` is a fault, of this program or of a library, and is shown
    with its traceback.
    """
