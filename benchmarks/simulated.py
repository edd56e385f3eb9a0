"""The tables of the benchmarks, a line for each group, and the sums an exact likelihood needs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

FORMULA = "y ~ x + (1 + x | g)"
# Uncorrelated, because not every peer has a correlation in its model.
TRUTH = {
    "beta[Intercept]": 1.0,
    "beta[x]": 2.0,
    "sd[Intercept]": 1.0,
    "sd[x]": 0.5,
    "cor": 0.0,
    "sigma": 1.0,
}
PARAMETERS = tuple(TRUTH)
SEED = 20261120


@dataclass(frozen=True)
class Totals:
    """Sums of one group's rows, an array over groups each, and sds of the whole table."""

    n: np.ndarray
    x: np.ndarray
    xx: np.ndarray
    y: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    mean_x: float
    mean_y: float
    sd_x: float
    sd_y: float


def simulate(rows: int, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw `y`, `x` and the group of every row: as many rows in each, in any order."""
    rng = np.random.default_rng([SEED, rows, groups])
    group = rng.permutation(rows) % groups
    intercept = rng.normal(TRUTH["beta[Intercept]"], TRUTH["sd[Intercept]"], groups)
    slope = rng.normal(TRUTH["beta[x]"], TRUTH["sd[x]"], groups)
    x = rng.normal(size=rows)
    y = intercept[group] + slope[group] * x + rng.normal(0, TRUTH["sigma"], rows)
    return y, x, group


def totals(y: np.ndarray, x: np.ndarray, group: np.ndarray) -> Totals:
    """Add up the rows of each group."""
    products = {"x": x, "xx": x * x, "y": y, "xy": x * y, "yy": y * y}
    return Totals(
        n=np.bincount(group).astype(float),
        **{name: np.bincount(group, weights) for name, weights in products.items()},
        mean_x=x.mean(),
        mean_y=y.mean(),
        sd_x=x.std(ddof=1),
        sd_y=y.std(ddof=1),
    )


def write(folder: Path, rows: int, groups: int, parts: int = 0) -> Totals:
    """Write `table.csv`, and with `parts` also `table.parquet` and a folder `parts` of so many."""
    y, x, group = simulate(rows, groups)
    labels = pa.array([f"g{number}" for number in range(groups)])
    table = pa.table({"y": y, "x": x, "g": labels.take(pa.array(group))})
    folder.mkdir(parents=True, exist_ok=True)
    csv.write_csv(table, folder / "table.csv", csv.WriteOptions(quoting_style="none"))
    if parts:
        parquet.write_table(table, folder / "table.parquet")
        (folder / "parts").mkdir(exist_ok=True)
        length = -(-rows // parts)
        for part in range(parts):
            name = folder / "parts" / f"{part:05d}.parquet"
            parquet.write_table(table.slice(part * length, length), name)
    return totals(y, x, group)
