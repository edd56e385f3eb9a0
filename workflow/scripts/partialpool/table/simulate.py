"""Simulate a study's table from known parameter values.

Rows depend on the coefficients by the study's own formula and family, so any model that can be
fitted can be simulated.
"""

from itertools import combinations
from math import prod

import numpy as np
import pandas as pd

from partialpool.design.design import Design, TableFactor
from partialpool.design.formula import Formula
from partialpool.model import families, parameter_names
from partialpool.study.calls import call
from partialpool.study.outcome import Outcome
from partialpool.study.simulate_block import arguments, draw, each_group, error, require_names
from partialpool.study.study import Study


def simulate(study: Study) -> tuple[pd.DataFrame, dict]:
    """Draw the table of a study from the parameter values in its `simulate` block.

    Parameters
    ----------
    study : Study
        The block's keys are in config/README.md. With one factor, a coefficient may be a
        number (the same in every group), a list (one a group) or a distribution (drawn for
        each group); with `deviations`, coefficients are population values, around which
        the groups of every factor are normal.

    Returns
    -------
    table : pandas.DataFrame
        Grouping columns, predictors, columns of the outcome, response.
    truth : dict
        `values`: true values of the parameters, by their names in `summary.csv`; `seed`.
        A coefficient that is drawn has the mean and sd of its distribution as `beta[...]`
        and `sd_{factor}[...]`; one given as a list comes from no distribution and has neither.

    Raises
    ------
    UserError
        If the block does not fit the formula or the family.
    """
    block, formula, outcome = study.simulate, Formula(study.formula), study.outcome
    if formula.response not in formula.variables:
        raise error(study, f"the response is {formula.response!r}; it must be a plain column")
    if study.group_effects != "normal":
        reason = f"group_effects: {study.group_effects} cannot be simulated, only normal ones"
        raise error(study, reason)
    rng = np.random.default_rng(study.seed)
    table = _grouped(study, formula, rng)
    written = block.get("predictors", {})
    drawn = [name for name in formula.predictors if name not in formula.grouping_predictors]
    used = dict.fromkeys([*drawn, *outcome.columns.values()])
    require_names(study, written, used, "used by the study", "predictors")
    for name in used:
        table[name] = draw(study, written[name], rng, len(table), f"predictors.{name}")
    found = families.columns(table, outcome)
    _check_outcome(study, outcome, found)

    design = formula.design(table, response=False)
    values: dict[str, float] = {}
    by_row, by_group = _coefficients(study, design, rng, values)
    parameters = _parameters(study, outcome, design, found, rng, values)
    eta = (design.matrix * by_row).sum(axis=1) + families.offset(found, len(table))
    trials = found["trials"].astype(int) if outcome.trials else None
    table[formula.response] = families.family_of(outcome).responses(rng, eta, parameters, trials)
    for factor in design.factors:
        for column, coefficients in zip(factor.varying, by_group[factor.name].T, strict=True):
            for label, value in zip(factor.levels, coefficients, strict=True):
                values[parameter_names.coef(factor.name, label, column)] = float(value)
    return table, {"values": values, "seed": study.seed}


def _grouped(study: Study, formula: Formula, rng) -> pd.DataFrame:
    """A table with the grouping columns, if any, and as many rows as the block has."""
    numbers = _numbers(study, formula.group_columns)
    nests = {nest: tuple(numbers[column] for column in nest) for nest in _nests(formula)}
    if len(nests) < 2:
        rows = _rows(study, prod(n for shape in nests.values() for n in shape), rng)
        cells = [np.repeat(np.arange(len(rows)), rows)]
    else:
        cells = _crossed(study, nests, rng)
    table = pd.DataFrame(index=range(len(cells[0])))
    for (nest, shape), cell in zip(nests.items(), cells, strict=False):
        for column, position in zip(nest, np.unravel_index(cell, shape), strict=True):
            labels = np.array(_labels(numbers[column]), dtype=object)
            table[column] = labels[position]
    return table


def _nests(formula: Formula) -> list[tuple[str, ...]]:
    """Disjoint sets of grouping columns: columns of one factor are in the same set."""
    found: list[tuple[str, ...]] = []
    for columns in formula.factors.values():
        apart = [nest for nest in found if set(nest).isdisjoint(columns)]
        joined = [column for nest in found if nest not in apart for column in nest]
        found = [*apart, tuple(dict.fromkeys([*joined, *columns]))]
    return found


def _numbers(study: Study, columns: tuple[str, ...]) -> dict[str, int]:
    """Number of labels of each grouping column."""
    given = study.simulate.get("groups")
    if (given is not None) != bool(columns):
        needed = "needs `groups`" if columns else "has no group term, so leave `groups` out"
        raise error(study, f"the formula {needed}")
    if isinstance(given, dict):
        require_names(study, given, columns, "a grouping column of the formula", "groups")
    elif len(columns) > 1:
        example = ", ".join(f"{column}: {given}" for column in columns)
        reason = f"{given} must be a number for each column, as in {{{example}}}"
        raise error(study, reason, "groups")
    else:
        given = dict.fromkeys(columns, given)
    return {column: int(given[column]) for column in columns}


def _labels(groups: int) -> list[str]:
    """g1, g2, ...; padded with zeros so that they sort as they count."""
    width = len(str(groups))
    return [f"g{number:0{width}}" for number in range(1, groups + 1)]


def _rows(study: Study, groups: int, rng) -> np.ndarray:
    """Number of rows of each group, shape `(group,)`."""
    rows = study.simulate["rows"]
    if isinstance(rows, str):
        low, high = arguments(study, rows, ("uniform",), "rows")
        if not (low % 1 == 0 and high % 1 == 0 and low >= 1):
            raise error(study, f"{rows} must have whole numbers of rows, 1 or more", "rows")
        return rng.integers(int(low), int(high), size=groups, endpoint=True)
    return each_group(study, rows, groups, "rows").astype(int)


def _crossed(study: Study, nests: dict, rng) -> list[np.ndarray]:
    """For each set of columns, the group of each row: in random order, all about equally often."""
    rows = study.simulate["rows"]
    if isinstance(rows, list | str):
        reason = f"{rows} must be one number, of the whole table, as factors are crossed"
        raise error(study, reason, "rows")
    sizes = {":".join(nest): prod(shape) for nest, shape in nests.items()}
    for name, size in sizes.items():
        if rows < size:
            raise error(study, f"{rows} are too few for {size} groups of {name!r}", "rows")
    return [rng.permutation(np.arange(int(rows)) % size) for size in sizes.values()]


def _check_outcome(study: Study, outcome: Outcome, found: dict[str, np.ndarray]) -> None:
    """Check the values of the outcome's columns."""
    for role, values in found.items():
        wrong = {
            "offset": np.zeros(len(values), dtype=bool),
            "trials": (values < 1) | (values % 1 != 0),
        }.get(role, values <= 0)
        if wrong.any():
            needed = "whole numbers, 1 or more" if role == "trials" else "over 0"
            reason = f"{role} must be {needed}; one is {values[wrong][0]:g}"
            raise error(study, reason, f"predictors.{outcome.columns[role]}")


def _coefficients(study: Study, design: Design, rng, values: dict):
    """Coefficients of each row, `(row, column)`, and of each group, `(group, varying)` by factor.

    True values go into `values`.
    """
    factors = design.factors
    if "deviations" in study.simulate:
        return _around(study, design, rng, values)
    if len(factors) > 1:
        example = ", ".join(f"{f.name}: {{{f.varying[0]}: 1}}" for f in factors)
        reason = f"no `deviations`; with several factors, add sds as in {{{example}}}"
        raise error(study, reason)
    coefficients = _by_group(study, design, rng, values)
    columns = [design.columns.index(name) for f in factors for name in f.varying]
    return coefficients[_first_groups(design)], {f.name: coefficients[:, columns] for f in factors}


def _around(study: Study, design: Design, rng, values: dict):
    """Like :func:`_coefficients`, from population values and the sds of group deviations."""
    factors = {factor.name: factor for factor in design.factors}
    population, written = study.simulate["coefficients"], study.simulate["deviations"]
    require_names(study, written, factors, "a factor of the formula", "deviations")
    require_names(study, population, design.coefficients, "one of the formula", "coefficients")
    for name in design.coefficients:
        if not isinstance(population[name], int | float):
            reason = "must be a number, which `deviations` are from"
            raise error(study, reason, f"coefficients.{name}")
        values[parameter_names.beta(name)] = float(population[name])
    largest = max(len(block) for factor in design.factors for block in factor.blocks)
    correlation = _correlation(study, largest)

    everywhere = np.array([float(population.get(name, 0)) for name in design.columns])
    by_row, by_group = np.tile(everywhere, (len(design.matrix), 1)), {}
    for name, factor in factors.items():
        what = f"a coefficient that varies by {name!r}"
        require_names(study, written[name], factor.varying, what, f"deviations.{name}")
        sd = [float(written[name][column]) for column in factor.varying]
        values |= {
            parameter_names.sd(name, c): one for c, one in zip(factor.varying, sd, strict=True)
        }
        u = _deviations(factor, factor.varying, sd, correlation, rng, values)
        columns = [design.columns.index(column) for column in factor.varying]
        by_row[:, columns] += u[factor.index]
        by_group[name] = everywhere[columns] + u
    return by_row, by_group


def _by_group(study: Study, design: Design, rng, values: dict) -> np.ndarray:
    """Coefficients of each group of the only factor, shape `(group, column)`."""
    written = study.simulate["coefficients"]
    factor = design.factors[0] if design.factors else None
    varying = factor.varying if factor else ()
    groups = len(factor.levels) if factor else 1
    require_names(study, written, design.columns, "one of the formula", "coefficients")
    result = np.empty((groups, len(design.columns)))
    normal = {}
    for index, name in enumerate(design.columns):
        given, where = written[name], f"coefficients.{name}"
        if not isinstance(given, int | float) and name not in varying:
            raise error(study, "must be a number: it does not vary", where)
        if not isinstance(given, str):
            result[:, index] = each_group(study, given, groups, where)
            if not isinstance(given, list) and name in design.coefficients:
                values[parameter_names.beta(name)] = float(given)
            continue
        low, high = arguments(study, given, ("normal", "uniform"), where)
        mean, sd = low, high
        if call(given)[0] == "uniform":
            mean, sd = (low + high) / 2, (high - low) / 12**0.5
            result[:, index] = rng.uniform(low, high, size=groups)
        else:
            normal[name] = (mean, sd)
        if name in design.coefficients:
            values[parameter_names.beta(name)] = mean
        values[parameter_names.sd(factor.name, name)] = sd
    blocks = factor.blocks if factor else ()
    together = [sum(name in block for name in normal) for block in blocks]
    correlation = _correlation(study, max(together, default=0))
    if normal:
        mean, sd = np.transpose([*normal.values()])
        u = _deviations(factor, [*normal], sd, correlation, rng, values)
        result[:, [design.columns.index(name) for name in normal]] = mean + u
    return result


def _correlation(study: Study, size: int) -> float:
    """The correlation of the coefficients of a block; `size` of them, at most, are normal."""
    correlation = study.simulate["correlation"]
    if correlation and not (size > 1 and correlation > -1 / (size - 1)):
        reason = (
            f"{correlation} needs two or more normal coefficients in one group term with `|`, and "
            "over -1 / (number - 1)"
        )
        raise error(study, reason, "correlation")
    return float(correlation)


def _deviations(
    factor: TableFactor, names, sd, correlation: float, rng, values: dict
) -> np.ndarray:
    """Draw normal deviations of the groups of a factor, shape `(group, name)`."""
    block = {name: number for number, own in enumerate(factor.blocks) for name in own}
    matrix = np.eye(len(names))
    for (i, first), (j, second) in combinations(enumerate(names), 2):
        if block[first] == block[second]:
            matrix[i, j] = matrix[j, i] = correlation
            values[parameter_names.cor(factor.name, first, second)] = correlation
    standard = rng.normal(size=(len(factor.levels), len(names))) @ np.linalg.cholesky(matrix).T
    return np.asarray(sd) * standard


def _parameters(study: Study, outcome: Outcome, design: Design, found, rng, values: dict) -> dict:
    """Parameters of the response's distribution, each a number or of shape `(row,)`."""
    block, parameters = study.simulate, {}
    family = families.family_of(outcome)
    own = {parameter.name: parameter.support for parameter in family.parameters}
    spread = ("sd_log_sigma",) if family.has_hierarchical_sigma(outcome) else ()
    for name in ("sd_log_sigma", *families.parameter_names()):
        if name in block and name not in {*own, *spread}:
            raise error(study, "the study's model has none; leave it out", name)
    for name in own:
        if name == "sigma":
            relative = families.relative_sd(found)
            sigma = _sigma(study, outcome, design, rng, values)
            parameters[name] = sigma if relative is None else sigma * relative
        elif name in block:
            parameters[name] = values[name] = float(block[name])
        else:
            needed = "between 0 and 1" if own[name] == "probability" else "over 0"
            raise error(study, f"no `{name}`; add a number {needed}")
    return parameters


def _sigma(study: Study, outcome: Outcome, design: Design, rng, values: dict):
    """sigma of each row's group, shape `(row,)`; one where standard errors are known."""
    given, known = (
        study.simulate.get("sigma"),
        not families.family_of(outcome).estimates_sigma(outcome),
    )
    if known and given is not None and given != outcome.sigma:
        reason = f"the study's sigma, {outcome.sigma!r}, is known; leave this out"
        raise error(study, reason, "sigma")
    if outcome.errors:
        return 1.0
    if not known and given is None:
        raise error(study, "no `sigma`; add a number over 0")
    levels = design.factors[0].levels if design.factors else ("all",)
    sigma = each_group(study, outcome.sigma if known else given, len(levels), "sigma")
    if outcome.has_hierarchical_sigma:
        spread = study.simulate.get("sd_log_sigma")
        if isinstance(given, list) == (spread is not None):
            reason = "give the median and, as `sd_log_sigma`, the sd of its log; or a list alone"
            raise error(study, reason, "sigma")
        if spread is not None:
            values |= {"sigma_median": float(given), "sd_log_sigma": float(spread)}
            sigma = sigma * np.exp(spread * rng.normal(size=len(levels)))
    if outcome.sigma_by_group:
        values |= {f"sigma[{label}]": float(s) for label, s in zip(levels, sigma, strict=True)}
    elif not known and not isinstance(given, list):
        values["sigma"] = float(given)
    return sigma[_first_groups(design)]


def _first_groups(design: Design) -> np.ndarray:
    """Position of each row's group among those of the first factor; 0 without factors."""
    return design.factors[0].index if design.factors else np.zeros(len(design.matrix), dtype=int)
