"""Compress: replace each group's rows by a small triangle with the same likelihood.

For group j with design rows X_j and response y_j, the likelihood of a Gaussian
model is a function of the residual norms ||y_j - X_j b||, and these are a
function of R_j, the triangular factor of the QR decomposition of [X_j, y_j],
alone: the posterior given the triangles is the posterior given the rows.
Factors of two chunks of rows merge by a QR of their stack, so rows can come in
any number of parts (TSQR: Demmel, Grigori, Hoemmen & Langou 2012,
https://doi.org/10.1137/080731992). QR rather than cross-products keeps the
digits of a predictor whose mean is large against its spread.
"""

import json
from dataclasses import dataclass, replace

import numpy as np

from partialpool.formula import Design


@dataclass(frozen=True)
class Compressed:
    """What a fit reads: one triangle a group, and the scales default priors need.

    Attributes
    ----------
    triangle : numpy.ndarray
        Shape `(group, column + 1, column + 1)`: R of the QR of [columns, response].
    rows : numpy.ndarray
        Shape `(group,)`: the number of rows of each group.
    levels : list of str
        Group labels; a single "all" where there is no grouping factor.
    columns : list of str
        Design columns, varying ones first.
    terms : dict of str to list of str
        Population-level columns of each term of the formula.
    coefficients, varying : list of str
        Population-level columns; columns with group deviations.
    factor : str or None
        Name of the grouping factor.
    sigma : str or float
        "estimated", "by_group", a number (known), or the name of the column
        of standard errors, by which rows have been divided.
    log_jacobian : numpy.ndarray
        Shape `(group,)`: minus the sum of the log standard errors its rows were
        divided by; 0 otherwise.
    mean, sd : dict of str to float
        Of each column over the rows as given.
    response : str
    response_mean, response_sd : float
        In the response's units.
    """

    triangle: np.ndarray
    rows: np.ndarray
    levels: list[str]
    columns: list[str]
    coefficients: list[str]
    terms: dict[str, list[str]]
    varying: list[str]
    factor: str | None
    sigma: str | float
    log_jacobian: np.ndarray
    mean: dict[str, float]
    sd: dict[str, float]
    response: str
    response_mean: float
    response_sd: float

    @property
    def sigma_estimated(self) -> bool:
        """Whether sigma is a parameter."""
        return self.sigma in ("estimated", "by_group")

    @property
    def known_sigma(self) -> float | None:
        """The known residual sd of the compressed rows; None where it is a parameter."""
        if self.sigma_estimated:
            return None
        return 1.0 if isinstance(self.sigma, str) else float(self.sigma)

    def to_dataset(self):
        """As an xarray Dataset: `triangle`, `rows`, column scales; the rest in attributes."""
        import xarray as xr

        names = [*self.columns, self.response]
        described = {
            "coefficients": self.coefficients,
            "terms": self.terms,
            "varying": self.varying,
            "factor": self.factor,
            "sigma": self.sigma,
            "response": self.response,
        }
        return xr.Dataset(
            {
                "triangle": (("group", "triangle_row", "column"), self.triangle),
                "rows": ("group", self.rows),
                "log_jacobian": ("group", self.log_jacobian),
                "mean": ("column", [*self.mean.values(), self.response_mean]),
                "sd": ("column", [*self.sd.values(), self.response_sd]),
            },
            coords={"group": self.levels, "column": names},
            attrs={"model": json.dumps(described)},
        )

    @classmethod
    def from_dataset(cls, stored) -> "Compressed":
        """The inverse of :meth:`to_dataset`."""
        columns = [str(name) for name in stored["column"].values[:-1]]
        return cls(
            triangle=stored["triangle"].values,
            rows=stored["rows"].values,
            log_jacobian=stored["log_jacobian"].values,
            levels=[str(level) for level in stored["group"].values],
            columns=columns,
            mean=dict(zip(columns, stored["mean"].values[:-1].tolist(), strict=True)),
            sd=dict(zip(columns, stored["sd"].values[:-1].tolist(), strict=True)),
            response_mean=float(stored["mean"][-1]),
            response_sd=float(stored["sd"][-1]),
            **json.loads(stored.attrs["model"]),
        )


def compress(design: Design, response: str, sigma, standard_errors=None) -> Compressed:
    """Compress the rows of a design.

    Parameters
    ----------
    design : Design
        Response, columns and groups of every row.
    response : str
        Name of the response.
    sigma : str or float
        As in the config; see :class:`Compressed`.
    standard_errors : numpy.ndarray, optional
        Shape `(row,)`, in the response's units: rows are divided by them.

    Returns
    -------
    Compressed
    """
    augmented = np.column_stack([design.matrix, design.y])
    mean, sd = augmented.mean(axis=0), augmented.std(axis=0)
    where = {level: index for index, level in enumerate(design.levels)}
    group = np.array([where[label] for label in design.groups])
    log_jacobian = np.zeros(len(design.levels))
    if standard_errors is not None:
        augmented = augmented / standard_errors[:, None]
        np.subtract.at(log_jacobian, group, np.log(standard_errors))

    order = np.argsort(group, kind="stable")
    rows = np.bincount(group, minlength=len(design.levels))
    chunks = np.split(augmented[order], np.cumsum(rows)[:-1])
    return Compressed(
        triangle=np.stack([_triangle(chunk) for chunk in chunks]),
        rows=rows,
        levels=list(design.levels),
        columns=list(design.columns),
        coefficients=list(design.coefficients),
        terms={name: list(columns) for name, columns in design.terms.items()},
        varying=list(design.varying),
        factor=design.factor,
        sigma=sigma,
        log_jacobian=log_jacobian,
        mean=dict(zip(design.columns, mean[:-1].tolist(), strict=True)),
        sd=dict(zip(design.columns, sd[:-1].tolist(), strict=True)),
        response=response,
        response_mean=float(mean[-1]),
        response_sd=float(sd[-1]),
    )


def merge(first: Compressed, second: Compressed) -> Compressed:
    """Compress two sets of rows into one, exactly as if they had come together.

    Both must have the same columns; groups are matched by label, and the
    result's are sorted.
    """
    levels = sorted({*first.levels, *second.levels})
    width = len(first.columns) + 1
    stacked = np.zeros((len(levels), 2 * width, width))
    rows = np.zeros(len(levels), dtype=int)
    position = {level: index for index, level in enumerate(levels)}
    log_jacobian = np.zeros(len(levels))
    for part, top in ((first, 0), (second, width)):
        at = [position[level] for level in part.levels]
        stacked[at, top : top + width] = part.triangle
        rows[at] += part.rows
        log_jacobian[at] += part.log_jacobian
    mean, sd = _pooled_moments(first, second)
    return replace(
        first,
        triangle=np.linalg.qr(stacked, mode="r"),
        rows=rows,
        levels=levels,
        log_jacobian=log_jacobian,
        mean=dict(zip(first.columns, mean[:-1].tolist(), strict=True)),
        sd=dict(zip(first.columns, sd[:-1].tolist(), strict=True)),
        response_mean=float(mean[-1]),
        response_sd=float(sd[-1]),
    )


def _triangle(rows: np.ndarray) -> np.ndarray:
    """R of the QR of `rows`, with rows of zeros where there are fewer rows than columns."""
    width = rows.shape[1]
    factor = np.linalg.qr(rows, mode="r")
    return np.concatenate([factor, np.zeros((width - len(factor), width))])


def _pooled_moments(first: Compressed, second: Compressed):
    """Mean and sd of the columns of two sets of rows together (Chan, Golub & LeVeque 1983)."""
    counts = np.array([first.rows.sum(), second.rows.sum()])[:, None]
    means = np.array([[*part.mean.values(), part.response_mean] for part in (first, second)])
    sds = np.array([[*part.sd.values(), part.response_sd] for part in (first, second)])
    mean = (counts * means).sum(axis=0) / counts.sum()
    variance = (counts * (sds**2 + (means - mean) ** 2)).sum(axis=0) / counts.sum()
    return mean, np.sqrt(variance)
