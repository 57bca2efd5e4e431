"""What goes wrong, with the texts that the program shows."""


class Error(Exception):
    """Something could not be done: no disk space, a server that is gone. The other errors are kinds of it.

    >>> import hre
    >>> try:
    ...     hre.load_dataset("nowhere")
    ... except hre.Error as error:
    ...     print(type(error).__name__)
    InputError
    """


class InputError(Error, ValueError):
    """The call or its input was wrong; the text says what, where, and what to do.

    >>> import hre
    >>> try:
    ...     hre.open_model("baseline:zstd", bos="maybe")
    ... except hre.InputError as error:
    ...     print(error)
    bos: 'maybe' is not one of: never, auto, always
    """


class ThresholdError(Error):
    """A threshold that was asked for was not met. The program ends with status 3 for it; hre.gate gives a verdict instead.

    >>> import hre
    >>> issubclass(hre.ThresholdError, hre.Error)
    True
    """


class Interrupted(Error):
    """The work was stopped before its end, in a process that shares it (Ctrl-C itself raises KeyboardInterrupt).

    >>> import hre
    >>> issubclass(hre.Interrupted, hre.Error)
    True
    """
