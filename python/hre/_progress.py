"""Progress bars by tqdm, where it is installed."""


class Bars:
    """Shows the library's stages as bars, and its notes as lines above them."""

    def __init__(self, tqdm):
        self._tqdm, self._bar = tqdm, None

    def begin(self, stage, total, unit):
        self._bar = self._tqdm(total=total, desc=stage, unit=f" {unit}", leave=False)

    def advance(self, done):
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def end(self):
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def note(self, message):
        self._tqdm.write(f"hre: {message}")


def listener(progress):
    """What the library tells of its work: None for silence, or bars.

    progress: True for tqdm's bars (silence where tqdm is missing), False for silence, a class with tqdm's interface, or an
    object with begin(stage, total, unit), advance(done), end() and note(message).
    """
    if progress is False or progress is None:
        return None
    if progress is True:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        return Bars(tqdm)
    return Bars(progress) if isinstance(progress, type) else progress
