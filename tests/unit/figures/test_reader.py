"""Figures show the files of their variant."""

import fake_run_files
import numpy as np
import pandas as pd
import pytest
from fake_run_files import ROOMS, SCHOOLS, VARIANTS, N, R, S, W, X, Y, written

from partialpool.base import files
from partialpool.figures import reader


def test_figures_are_of_the_files_of_their_variant(tmp_path):
    paths, study = fake_run_files.write(tmp_path), fake_run_files.study()
    rows = pd.read_csv(tmp_path / "t.csv", dtype={S: str})
    found = reader.read(paths, study)
    subset = pd.read_parquet(paths["subset"])
    assert [fit.variant for fit in found.fits] == [*VARIANTS] and found.failed == ["unpooled"]
    assert (found.total, len(found.table), found.interval, found.own_rows) == (27, 20, 0.8, True)
    assert found.y == pytest.approx(subset[Y].to_numpy())
    assert found.per == pytest.approx(subset[N].to_numpy())
    assert found.weights == pytest.approx(subset[W].to_numpy())
    rate = (rows[Y] * rows[W]).sum() / (rows[N] * rows[W]).sum()
    assert found.average == pytest.approx(rate)  # of the whole table, not of a part
    for factor, name, levels in zip(found.factors, (S, R), (SCHOOLS, ROOMS), strict=True):
        assert factor.name == name and set(factor.levels) == {*levels}
        assert np.array(factor.levels)[factor.index].tolist() == subset[name].tolist()
        for level, size, count, mean in zip(
            factor.levels, factor.sizes, factor.rows, factor.means, strict=True
        ):
            own = rows[rows[name] == level]
            assert size == count == len(own)
            assert mean == pytest.approx((own[Y] * own[W]).sum() / (own[N] * own[W]).sum())
    for number, fit in enumerate(found.fits):
        predictive = files.read_netcdf(paths["predictive"][number])
        for values, group in (
            (fit.prior, "prior_predictive"),
            (fit.replicated, "posterior_predictive"),
        ):
            assert values == pytest.approx(predictive[group]["y"].values[0])
        assert found.y[found.rows] == pytest.approx(predictive["observed_data"]["y"].values)
        tree = files.read_netcdf(paths["posteriors"][number])
        assert list(fit.scalars) == fake_run_files.scalars(fit.variant)
        for name, draws in fit.scalars.items():
            of, _, at = name.rstrip("]").partition("[")
            drawn = tree["posterior"][of]
            if of.startswith("cor_"):
                drawn = drawn.sel(c="Intercept", c2=X)
            else:
                drawn = drawn.sel({drawn.dims[-1]: at})
            assert draws == pytest.approx(drawn.values)
        for name in ("energy", "diverging"):
            assert (fit.statistics[name] == tree["sample_stats"][name]).all()
        summary = written(paths, "summaries", number).set_index("name")
        pd.testing.assert_frame_equal(fit.summary, summary)
        assert fit.predictions[S].tolist() == [*SCHOOLS, *SCHOOLS]
        frame = written(paths, "group_estimates", number)
        own = frame[(frame["factor"] == S) & (frame["coefficient"] == X)].set_index("group")
        shown = fit.of_groups(found.factors[0], X)
        for level, row in zip(found.factors[0].levels, shown.to_dict("records"), strict=True):
            assert row == pytest.approx(own.loc[level, [*row]].to_dict())
    for name in ("comparison", "comparison_groups", "recovery"):
        pd.testing.assert_frame_equal(getattr(found, name), written(paths, name))
