"""Read what the workflow wrote: the posterior of its own study, as the other scripts write theirs.

python written.py FOLDER
"""

import sys
from importlib.metadata import version
from pathlib import Path

from compressed import parameters
from own_process import write

from partialpool.base import files

folder = Path(sys.argv[1])
tree = files.read_netcdf(folder / "results/bench/hierarchical/posterior.nc")
write(
    folder,
    parameters(tree["posterior"]),
    fit_seconds=None,
    divergences=int(tree["sample_stats"]["diverging"].sum()),
    versions=", ".join(f"{name} {version(name)}" for name in ("pymc", "nutpie")),
)
