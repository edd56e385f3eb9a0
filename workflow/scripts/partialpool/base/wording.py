"""Mark display-only values, which the code hash of computing steps ignores."""


def wording[T](shown: T) -> T:
    """Return the argument unchanged: words, number formats, advice, limits of the config.

    A change of these fits nothing again: jobs that show nothing leave the arguments of this
    function out of the hash of their code, see `run.fingerprint`.
    """
    return shown
