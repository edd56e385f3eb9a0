"""Pooled, unpooled and hierarchical fits of grouped data, each checked.

Data goes one way: config, table, compressed table, draws, answers, pages. No
module imports one from a later stage.
"""

import os

# One thread for linear algebra, set before NumPy is imported: sums in another
# order round differently, and draws must not depend on the number of cores.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
