"""Models whose group effects are sampled, as NUTS samples them: see `glm`."""

import numpy as np

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import one_factor_collapse, pirls, rows_model
from partialpool.engine.centring import EffectCoordinates
from partialpool.engine.compiled_model import CompiledModel
from partialpool.engine.inputs import NoKernel
from partialpool.engine.pirls import WorkingModel
from partialpool.engine.posterior import SampledParameters
from partialpool.model.priors import Priors

MOSTLY = 0.9  # share of its rows in the precision of an effect: above it is called centred
BATCH = 4_000_000  # draws x effects held at once


def sampled_deviations(
    draws: SampledParameters, data: MergedRows, coordinates: EffectCoordinates, rng
) -> dict[str, np.ndarray]:
    """Deviations that the priors are on, by factor: sampled, or drawn if integrated out."""
    blocks = coordinates.blocks
    collapsed = data.family.normal and bool(blocks)
    found = {b.factor.name: draws[f"u_{b.factor.name}"] for b in blocks[collapsed:]}
    if collapsed:
        u = one_factor_collapse.draw(draws, data, blocks[0], blocks[1:], found, rng)
        found[blocks[0].factor.name] = u
    return found


class SampledEffectsTarget:
    """One variant in the coordinates it is sampled in: its model, and its group effects.

    Parameters
    ----------
    data : MergedRows
    priors : Priors
    variant : str
    found : WorkingModel, optional
        By default, from :func:`pirls.solve`.
    non_centred : bool
        Whether factors with little information in the rows of most groups are non-centred.
    """

    def __init__(
        self, data: MergedRows, priors: Priors, variant: str, found=None, non_centred=False
    ):
        self.data, self.priors, self.variant = data, priors, variant
        self.working = found or pirls.solve(data, priors, variant)
        self.coordinates = EffectCoordinates.of(data, self.working, non_centred, priors.nu)

    @property
    def centre(self) -> np.ndarray:
        """Approximate coefficients, `(coefficient,)`."""
        return self.coordinates.centre

    def compiled(self) -> CompiledModel:
        """The model with its compiled density, or with PyMC's if there is none."""
        given = (self.data, self.priors, self.variant, self.working, self.coordinates)
        try:
            return rows_model.compiled(*given)
        except NoKernel:
            from partialpool.engine import glm
            from partialpool.sampler.pymc_model import PymcModel

            return PymcModel(glm.model(*given), len(self.data.coefficients))

    def deviations(self, draws: SampledParameters, rng) -> dict[str, np.ndarray]:
        """Deviations of the coefficients by factor, `(draw, group, varying)`."""
        found = sampled_deviations(draws, self.data, self.coordinates, rng)
        factors = (block.factor for block in self.coordinates.blocks)
        return {factor.name: found[factor.name] @ draws.basis(factor).T for factor in factors}

    def thinned_deviations(
        self, draws: SampledParameters, diagnosed: dict[str, np.ndarray], step: int, rng
    ) -> tuple[dict, dict, dict]:
        """Compute u in batches of draws, and keep what is stored of it.

        Parameters and returns as for :meth:`gaussian.CollapsedTarget.thinned_deviations`; factors
        that are not among `diagnosed` are returned whole.
        """
        size = draws.chains * sum(len(f.levels) * len(f.varying) for f in draws.data.factors)
        span = step * max(1, BATCH // (size * step))
        whole, thinned, every = {}, {}, {}
        for start in range(0, draws.length, span):
            part = draws.select(slice(start, start + span))
            for name, u in self.deviations(part, rng).items():
                u = part.by_chain(u)
                if name in diagnosed:
                    thinned.setdefault(name, []).append(u[:, ::step].astype(np.float32))
                    every.setdefault(name, []).append(u[:, :, diagnosed[name]])
                else:
                    whole.setdefault(name, []).append(u)
        whole, thinned, every = (
            {name: _all_draws(parts) for name, parts in found.items()}
            for found in (whole, thinned, every)
        )
        return whole, thinned, every

    @property
    def parameterisation(self) -> dict[str, dict]:
        """Parameterisation of each factor: `form`, and `centring` of its groups, from 0 to 1."""
        found = {}
        for block in self.coordinates.blocks:
            if self.data.family.normal and block is self.coordinates.blocks[0]:
                found[block.factor.name] = {"form": "integrated out"}
                continue
            shares = block.centring(self.working.covariance[block.position])
            low, middle, high = np.quantile(shares, (0, 0.5, 1)).round(3).tolist()
            form = (
                "centred"
                if low > MOSTLY
                else "non-centred"
                if high < 1 - MOSTLY
                else "partly centred"
            )
            centring = {"lowest": low, "median": middle, "highest": high}
            found[block.factor.name] = {"form": form, "centring": centring}
        return found

    def next_attempt(self, draws: SampledParameters, attempt: int) -> "SampledEffectsTarget":
        """Target of another attempt: working model at these means; later non-centred, too."""
        factors = self.data.factors[: len(self.working.u)]
        means = WorkingModel(
            beta=draws["beta"].mean(axis=0),
            u=[
                draws[f"u_{f.name}"].mean(axis=0) if f"u_{f.name}" in draws else u
                for f, u in zip(factors, self.working.u, strict=True)
            ],
            covariance=[draws.covariance(factor) for factor in factors],
            response={
                name: float(draws[name].mean()) if name in draws else value
                for name, value in self.working.response.items()
            },
            weight=self.working.weight,
            precision=self.working.precision,
        )
        found = pirls.at(self.data, self.priors, self.variant, means)
        return SampledEffectsTarget(
            self.data, self.priors, self.variant, found, non_centred=attempt > 1
        )


def _all_draws(parts: list[np.ndarray]) -> np.ndarray:
    """Concatenate batches `(chain, draw, group, varying)` to `(draw, group, varying)`."""
    u = np.concatenate(parts, axis=1)
    return u.reshape(-1, *u.shape[2:])
