"""This project's fit alone, from compressed rows, in the hierarchical variant."""

import netCDF4  # noqa: F401  imports are nobody's fit time
import nutpie  # noqa: F401
from own_process import run

from partialpool.base import files
from partialpool.compress import compressed_file
from partialpool.engine import fit

SAMPLER = {"chains": 4, "draws": 1000, "tune": 1000, "target_accept": 0.9, "attempts": 3}


def read(path):
    return compressed_file.from_dataset(files.read_netcdf(path))


def parameters(posterior):
    across = dict(zip(posterior["cor_g"].dims[2:], ("Intercept", "x"), strict=True))
    return {
        "beta[Intercept]": posterior["beta"].sel(coefficient="Intercept"),
        "beta[x]": posterior["beta"].sel(coefficient="x"),
        "sd[Intercept]": posterior["sd_g"].sel(g_coefficient="Intercept"),
        "sd[x]": posterior["sd_g"].sel(g_coefficient="x"),
        "cor": posterior["cor_g"].sel(across),
        "sigma": posterior["sigma"],
    }


if __name__ == "__main__":
    run(
        read,
        lambda data, seed: fit.fit(data, {}, "hierarchical", SAMPLER, seed, at_once=2),
        parameters,
        ("pymc", "nutpie"),
    )
