"""Read the results of a study that its figures show."""

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.answers import prediction_grid
from partialpool.base import files
from partialpool.compress import compressed_file
from partialpool.design.transforms import FittedTransforms
from partialpool.figures.figure_data import FigureData, FigureFit, GroupedTable
from partialpool.model import families, parameter_names
from partialpool.study.outcome import Outcome
from partialpool.table import table_summary


def read(paths: dict, block: dict) -> FigureData:
    """Read the results of a study.

    Parameters
    ----------
    paths : dict
        `learned, subset, groups, compressed, comparison, comparison_groups, recovery` (or None),
        and by variant, in the order of `variants`: `posteriors, summaries, diagnostics,
        predictive, predictions, group_estimates`.
    block : dict
        The study's `formula`, `variants`, `interval`, `new_data`, and what `Outcome` has.
    """
    outcome = Outcome.of(block)
    learned = FittedTransforms.read(block["formula"], paths["learned"])
    formula, table = learned.formula, pd.read_parquet(paths["subset"])
    design = learned.design.for_rows(table, response=True)
    groups = table_summary.read_groups(paths["groups"])
    data = compressed_file.read_description(paths["compressed"])
    values, ones = families.columns(table, outcome), np.ones(len(table))
    per = values.get("trials", values.get("exposure", ones))
    factors = tuple(
        GroupedTable(
            name=factor.name,
            blocks=factor.blocks,
            levels=factor.levels,
            columns=formula.factors[factor.name],
            index=factor.index,
            rows=own["rows"].to_numpy(),
            sizes=own["size"].to_numpy(),
            means=own["mean"].to_numpy(),
        )
        for factor, own in ((f, groups[groups["factor"] == f.name]) for f in design.factors)
    )
    weights = families.share_of_mean(values, len(table))
    overall = (weights * design.y).sum() / (weights * per).sum()
    if factors:
        own = groups[groups["factor"] == factors[0].name]
        overall = np.average(own["mean"], weights=own["weight"])
    fits, rows = [], None
    for variant, posterior, summary, diagnostics, predictive, predictions, estimates in zip(
        block["variants"],
        paths["posteriors"],
        paths["summaries"],
        paths["diagnostics"],
        paths["predictive"],
        paths["predictions"],
        paths["group_estimates"],
        strict=True,
    ):
        replicates = files.read_netcdf(predictive)
        rows = table.index.get_indexer(replicates["observed_data"]["row"].values)
        scalars, statistics = _sampled(posterior, factors)
        described = pd.read_csv(summary, index_col="name")
        fits.append(
            FigureFit(
                variant=variant,
                passed=files.read_json(diagnostics)["passed"],
                summary=described,
                groups=_with_text(estimates, ("factor", "group", "coefficient")).fillna(
                    {"coefficient": ""}
                ),
                scalars={name: draws for name, draws in scalars.items() if name in described.index},
                statistics=statistics,
                prior=replicates["prior_predictive"]["y"].values[0],
                replicated=replicates["posterior_predictive"]["y"].values[0],
                predictions=_with_text(predictions, formula.group_columns),
            )
        )
    return FigureData(
        table=table.reset_index(drop=True),
        total=data.total,
        average=overall,
        formula=formula,
        outcome=outcome,
        factors=factors,
        interval=block["interval"],
        new_data=block["new_data"],
        held={} if block["new_data"] else prediction_grid.held(table, design),
        y=design.y,
        per=per,
        weights=weights,
        rows=rows,
        fits=fits,
        comparison=pd.read_csv(paths["comparison"]),
        comparison_groups=pd.read_csv(paths["comparison_groups"]),
        recovery=pd.read_csv(paths["recovery"]) if paths.get("recovery") else None,
    )


def _with_text(path, columns) -> pd.DataFrame:
    """Read a table with some columns as text: a group may be called 12 or NA."""
    kinds = dict.fromkeys(columns, str)
    return pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])


def _sampled(path, factors) -> tuple[dict, xr.Dataset]:
    """Read draws of population-level scalars, named as in the summary, and sampler statistics.

    Nothing else is read: draws of the effects of thousands of groups stay in the file.
    """
    of_factor = (parameter_names.sd, parameter_names.cor, parameter_names.nu)
    names = ["beta", *(named(f.name) for f in factors for named in of_factor)]
    names += [*families.parameter_names(), "sigma_median", "sd_log_sigma"]
    with xr.open_dataset(path, group="posterior", engine="netcdf4") as opened:
        posterior = opened[[name for name in names if name in opened]].load()
    with xr.open_dataset(path, group="sample_stats", engine="netcdf4") as opened:
        statistics = opened[["energy", "diverging"]].load()
    scalars = {}
    for name, variable in posterior.items():
        own = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        flat = variable.transpose(*own, "chain", "draw").values
        for index in np.ndindex(flat.shape[:-2]):
            if len(own) == 2 and index[0] >= index[1]:
                continue  # the diagonal of a correlation matrix is one, and it is symmetric
            at = ", ".join(str(posterior[d].values[i]) for d, i in zip(own, index, strict=True))
            scalars[f"{name}[{at}]" if own else name] = flat[index]
    return scalars, statistics
