"""Tables with a known truth, from a small block of the config.

The study's own formula says how rows depend on coefficients, so anything that
can be fitted can be simulated.
"""

import numpy as np
import pandas as pd

from partialpool.errors import UserError, nearest
from partialpool.formula import Formula
from partialpool.study import Study, call, error_column

PARAMETERS = {"normal": 2, "uniform": 2, "bernoulli": 1}


def simulate(study: Study) -> tuple[pd.DataFrame, dict]:
    """Draw the table of a study whose `simulate` block says where it comes from.

    Parameters
    ----------
    study : Study
        The block's keys: `rows` and `coefficients`; `groups`, `predictors`,
        `sigma`, `correlation` where they are needed. A coefficient is a number
        (the same in every group), a list (one a group) or a distribution
        (drawn for each group).

    Returns
    -------
    table : pandas.DataFrame
        Grouping factor, predictors, response.
    truth : dict
        `values`: what the fit will estimate, by its name in `summary.csv`;
        `seed`. A coefficient that is drawn has the mean and sd of its
        distribution as `beta[...]` and `sd_{factor}[...]`; one that is listed
        comes from no distribution and has neither.

    Raises
    ------
    UserError
        If the block does not fit the formula.
    """
    block, formula = study.simulate, Formula(study.formula)
    if formula.response not in formula.variables:
        raise _fault(study, f"the response is {formula.response!r}; it must be a plain column")
    if ("groups" in block) != (formula.factor is not None):
        needed = "needs `groups`" if formula.factor else "has no group term, so leave `groups` out"
        raise _fault(study, f"the formula {needed}")
    rng = np.random.default_rng(study.seed)
    labels = _labels(block.get("groups", 1))
    rows = _rows(study, len(labels), rng)
    group = np.repeat(np.arange(len(labels)), rows)

    table = pd.DataFrame(index=range(len(group)))
    if formula.factor is not None:
        table[formula.factor] = np.array(labels, dtype=object)[group]
    written = block.get("predictors", {})
    errors = error_column(study.sigma)
    used = [*formula.predictors, *([errors] if errors else [])]
    for name in written:
        if name not in used:
            hint = nearest(name, used)
            raise _fault(study, f"{name!r} is not used by the study{hint}", "predictors")
    for name in used:
        if name not in written:
            raise _fault(study, f"{name!r} is missing", "predictors")
        table[name] = _draw(study, written[name], rng, len(table), f"predictors.{name}")

    design = formula.design(table, response=False)
    values: dict[str, float] = {}
    by_group = _coefficients(study, design, rng, len(labels), values)
    noise = _sigma(study, table, labels, group, values)
    expected = (design.matrix * by_group[group]).sum(axis=1)
    table[formula.response] = expected + noise * rng.normal(size=len(table))
    if formula.factor is not None:
        for column in design.varying:
            for label, value in zip(labels, by_group[:, design.columns.index(column)], strict=True):
                values[f"coef_{formula.factor}[{label}, {column}]"] = float(value)
    return table, {"values": values, "seed": study.seed}


def _labels(groups: int) -> list[str]:
    """g1, g2, ...; padded with zeros so that they sort as they count."""
    width = len(str(groups))
    return [f"g{number:0{width}}" for number in range(1, groups + 1)]


def _rows(study: Study, groups: int, rng) -> np.ndarray:
    """Number of rows of each group, shape `(group,)`."""
    rows = study.simulate["rows"]
    if isinstance(rows, str):
        low, high = _arguments(study, rows, ("uniform",), "rows")
        if not (low % 1 == 0 and high % 1 == 0 and low >= 1):
            raise _fault(study, f"{rows} must have whole numbers of rows, 1 or more", "rows")
        return rng.integers(int(low), int(high), size=groups, endpoint=True)
    return _each_group(study, rows, groups, "rows").astype(int)


def _coefficients(study: Study, design, rng, groups: int, values: dict) -> np.ndarray:
    """Coefficients of each group, shape `(group, column)`; true values go into `values`."""
    written = study.simulate["coefficients"]
    for name in [*written, *design.columns]:
        if name not in design.columns:
            hint = nearest(name, design.columns)
            raise _fault(study, f"{name!r} is not one of the formula{hint}", "coefficients")
        if name not in written:
            raise _fault(study, f"{name!r} is missing", "coefficients")
        if not isinstance(written[name], int | float) and name not in design.varying:
            raise _fault(study, "must be a number: it does not vary", f"coefficients.{name}")

    result = np.empty((groups, len(design.columns)))
    normal = []
    for index, name in enumerate(design.columns):
        given, where = written[name], f"coefficients.{name}"
        if not isinstance(given, str):
            result[:, index] = _each_group(study, given, groups, where)
            if not isinstance(given, list) and name in design.coefficients:
                values[f"beta[{name}]"] = float(given)
            continue
        low, high = _arguments(study, given, ("normal", "uniform"), where)
        mean, sd = low, high
        if call(given)[0] == "uniform":
            mean, sd = (low + high) / 2, (high - low) / 12**0.5
            result[:, index] = rng.uniform(low, high, size=groups)
        else:
            normal.append((index, mean, sd))
        if name in design.coefficients:
            values[f"beta[{name}]"] = mean
        values[f"sd_{design.factor}[{name}]"] = sd
    _correlated(study, design, rng, normal, result, values)
    return result


def _correlated(study: Study, design, rng, normal, result, values) -> None:
    """Draw the coefficients that are normal between groups, together."""
    correlation = study.simulate.get("correlation", 0)
    size = len(normal)
    if "correlation" in study.simulate and not (size > 1 and correlation > -1 / (size - 1)):
        reason = f"{correlation} needs two or more normal coefficients, and over -1 / (number - 1)"
        raise _fault(study, reason, "correlation")
    if not normal:
        return
    index, mean, sd = (np.array(column) for column in zip(*normal, strict=True))
    matrix = np.full((size, size), correlation, dtype=float)
    np.fill_diagonal(matrix, 1)
    standard = rng.normal(size=(len(result), size)) @ np.linalg.cholesky(matrix).T
    result[:, index] = mean + sd * standard
    names = [design.columns[i] for i in index]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            values[f"cor_{design.factor}[{first}, {second}]"] = float(correlation)


def _sigma(study: Study, table: pd.DataFrame, labels, group, values: dict) -> np.ndarray:
    """Residual sd of each row, shape `(row,)`."""
    given = study.simulate.get("sigma")
    known = study.sigma not in ("estimated", "by_group")
    if known and given is not None and given != study.sigma:
        raise _fault(
            study, f"the study's sigma, {study.sigma!r}, is known; leave this out", "sigma"
        )
    if error_column(study.sigma):
        errors = table[study.sigma].to_numpy(dtype=float)
        if not (errors > 0).all():
            raise _fault(study, "standard errors must be over 0", f"predictors.{study.sigma}")
        return errors
    if not known and given is None:
        raise _fault(study, "no `sigma`; add a number over 0")
    sigma = _each_group(study, study.sigma if known else given, len(labels), "sigma")
    if study.sigma == "by_group":
        values |= {f"sigma[{label}]": float(s) for label, s in zip(labels, sigma, strict=True)}
    elif not known and not isinstance(given, list):
        values["sigma"] = float(given)
    return sigma[group]


def _each_group(study: Study, given, groups: int, where: str) -> np.ndarray:
    """A number for all groups, or a list of one for each, as an array of shape `(group,)`."""
    if isinstance(given, list) and len(given) != groups:
        raise _fault(study, f"a list of {len(given)} for {groups} groups", where)
    return np.broadcast_to(np.asarray(given, dtype=float), groups)


def _draw(study: Study, text: str, rng, size: int, where: str) -> np.ndarray:
    """Values of one predictor, shape `(row,)`."""
    arguments = _arguments(study, text, tuple(PARAMETERS), where)
    match call(text)[0]:
        case "normal":
            return rng.normal(*arguments, size=size)
        case "uniform":
            return rng.uniform(*arguments, size=size)
        case _:
            return rng.binomial(1, *arguments, size=size)


def _arguments(study: Study, text: str, families: tuple[str, ...], where: str):
    """The checked numbers of `family(number, ...)`."""
    family, arguments = call(text) or ("", ())
    if family not in families or len(arguments) != PARAMETERS[family]:
        known = [f"{name}({', '.join('12'[: PARAMETERS[name]])})" for name in families]
        raise _fault(study, f"{text!r} is none of {', '.join(known)}", where)
    first, last = arguments[0], arguments[-1]
    wrong = {
        "normal": last < 0 and "its sd is negative",
        "uniform": last < first and "its upper end is below its lower end",
        "bernoulli": not 0 <= last <= 1 and "its probability is not between 0 and 1",
    }[family]
    if wrong:
        raise _fault(study, f"{text!r}: {wrong}", where)
    return arguments


def _fault(study: Study, message: str, key: str = "") -> UserError:
    path = f"studies.{study.name}.simulate" + (f".{key}" if key else "")
    return UserError(f"config: {path}: {message}")
