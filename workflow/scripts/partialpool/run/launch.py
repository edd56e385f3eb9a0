"""Read the config for a run, and check it against the response families and the priors.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

from collections.abc import Mapping

from partialpool.model import families, priors
from partialpool.study import config


def load(files=(), given: Mapping | None = None, replace: bool = False) -> config.Loaded:
    """Read a run's config files, and check them, the paths in them and the priors.

    Parameters and errors are those of :func:`partialpool.study.config.load`.
    """
    loaded = config.load(files, given, replace, families)
    for name, block in loaded.studies.items():
        priors.check(block.priors, f"{loaded.places[name]}.priors")
    return loaded
