"""What a run is started with: its config, read and checked before anything is done.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

from collections.abc import Mapping

from partialpool.model import prior_keys
from partialpool.study import config


def load(files=(), given: Mapping | None = None, replace: bool = False) -> config.Loaded:
    """Read a run's config files, and check them, the paths in them and the priors.

    Parameters and errors are those of :func:`partialpool.study.config.load`.
    """
    loaded = config.load(files, given, replace)
    for name, block in loaded.studies.items():
        prior_keys.check(block.priors, f"{loaded.places[name]}.priors")
    return loaded
