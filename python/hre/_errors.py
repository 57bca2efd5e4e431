"""What goes wrong, with the texts that the program shows."""


class Error(Exception):
    """Something could not be done: no disk space, a server that is gone."""


class InputError(Error, ValueError):
    """The call or its input was wrong; the text says what, where, and what to do."""


class ThresholdError(Error):
    """A threshold that was asked for was not met."""


class Interrupted(Error):
    """The work was stopped before its end."""
