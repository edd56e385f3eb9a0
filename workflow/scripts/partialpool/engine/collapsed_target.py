"""Gaussian models with at most one factor as NUTS samples them: see `gaussian`."""

from dataclasses import replace

import numpy as np

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.engine import (
    arithmetic,
    collapse,
    collapsed_kernel,
    effect_map,
    fields,
    group_pass,
    inputs,
    kernel_parts,
    preconditioner,
    scalar,
    shared_stages,
)
from partialpool.engine.compiled_model import CompiledModel
from partialpool.engine.fields import Block, Part, Size
from partialpool.engine.inputs import Parameters
from partialpool.engine.posterior import SampledParameters, groups
from partialpool.model import prior_families
from partialpool.model.priors import WIDE_LOG_SIGMA, Priors
from partialpool.sampler.machine_code import DENSITY, PART, Code


def _sources(*modules) -> tuple[str, ...]:
    return tuple(module.__file__ for module in modules)


COLLAPSE = Code(group_pass.collapse_part, PART, _sources(group_pass))
DENSITY_CODE = Code(
    collapsed_kernel.collapsed_density,
    DENSITY,
    _sources(
        arithmetic,
        scalar,
        collapsed_kernel,
        effect_map,
        fields,
        group_pass,
        kernel_parts,
        prior_families,
        shared_stages,
    ),
)
CODES = (COLLAPSE, DENSITY_CODE)


def compiled(
    data: GroupTriangles, priors: Priors, variant: str, found: preconditioner.CollapsedModel
) -> CompiledModel:
    """The model of one variant with its compiled density.

    Raises
    ------
    inputs.NoKernel
        If a prior has no compiled density.
    """
    parameters, sizes = Parameters(), dict.fromkeys(Size, -1)
    triangles, coordinates, size = found.triangles, found.coordinates, len(found.basis)
    count, width = len(data.levels), len(data.coefficients)
    values = {"FIXED_SPREAD": np.full(1, WIDE_LOG_SIGMA)}
    strata, others, variables = 1, 0, {}
    if data.known_sigma is not None:
        kind, values["KNOWN_SIGMA"] = collapsed_kernel.KNOWN, np.array([data.known_sigma])
    elif not data.outcome.sigma_by_group:
        kind = collapsed_kernel.SHARED
        prior = priors.response["sigma"]
        sizes[Size.SIGMA_AT] = parameters.add("sigma", prior, found.spread)
    else:
        strata, dims = count, (groups(data.factor),)
        prior = priors.response["sigma"]
        if not data.outcome.has_hierarchical_sigma:
            kind = collapsed_kernel.BY_GROUP
            sizes[Size.SIGMA_AT] = parameters.add("sigma", [prior] * count, found.spread, dims)
        else:
            kind = collapsed_kernel.SAME if variant == "pooled" else collapsed_kernel.POOLED
            sizes[Size.SIGMA_AT] = parameters.add("sigma_median", prior, found.spread)
            variables["sigma"] = ("SIGMAS", 0, dims, (count,))
            if variant == "hierarchical":
                prior = priors.response["sd_log_sigma"]
                sizes[Size.SPREAD_AT] = parameters.add("sd_log_sigma", prior, 0.3)
            if variant != "pooled":
                others += count
                values["LOG_SIGMA_PRECISION"] = preconditioner.log_sigma_precision(data)
                values["LOG_GROUP_SIGMA"] = preconditioner.log_group_sigma(data)

    stretched = 0
    block = np.full((1, len(Block)), -1)
    block[0, Block.SIZE], block[0, Block.GROUPS] = size, count
    values |= {"FIXED_SD": np.zeros((1, size)), "PARTIAL": np.full((1, size, size), -1)}
    if size:
        inputs.add_factor(parameters, values, block, 0, data.factors[0], priors, variant)
        if block[0, Block.NU_AT] >= 0:
            stretched = count
            variables[f"scale_{data.factor}"] = ("STRETCH", 0, (groups(data.factor),), (count,))
    variables["beta"] = ("BETA", 0, ("coefficient",), (width,))

    last = coordinates.last if size else 0
    sizes[Size.LAST], sizes[Size.SIGMA_KIND] = last, kind
    by_group = size and (strata > 1 or stretched)
    between, within = triangles.between, triangles.within
    if size and data.outcome.sigma_by_group:
        between, within = np.concatenate([between, within]), within[..., :0]
    values |= inputs.shared_values(parameters, data, priors, data.log_jacobian.sum())
    values |= {
        "SIZES": list(sizes.values()),
        "BLOCKS": block,
        "CHOSEN": coordinates.chosen,
        "CENTRE": coordinates.centre,
        "INVERSE": coordinates.inverse,
        "CONSTANT_PRECISION": inputs.of_pairs(coordinates.prior_precision, last + 1),
        "WITHIN_PRECISION": inputs.of_pairs(coordinates.within, last + 1),
        "TOUCHED": coordinates.touched[:, : last + 1],
        "CHOSEN_DESIGN": triangles.design[..., coordinates.chosen],
        "DESIGN": triangles.design,
        "BETWEEN": between,
        "WITHIN": within,
        "ROWS": triangles.rows,
    }
    all_groups, some = (count, len(coordinates.chosen)) if by_group else (0, 0)
    pairs = (last + 1) * (last + 2) // 2
    work = inputs.shared_work(parameters, width, 1, size, size, last) | {
        "SIGMAS": (strata,),
        "IN_SIGMA": (strata,),
        "STRETCH": (stretched,),
        "IN_STRETCH": (stretched,),
        "RATIO": (all_groups,),
        "UNIT": (all_groups,),
        "IN_RATIO": (1, all_groups),
        "IN_UNIT": (1, all_groups),
        "T_IN_RATIO": (all_groups,),
        "CHOSEN_RATIO": (some,),
        "CHOSEN_UNIT": (some,),
        "CHOSEN_IN_RATIO": (pairs, some),
        "CHOSEN_IN_UNIT": (pairs, some),
    }
    return CompiledModel.of(
        DENSITY_CODE,
        {Part.COLLAPSE: COLLAPSE} if size else {},
        values,
        work,
        parameters,
        variables,
        coefficients=width,
        others=others + stretched,
        coords={"coefficient": list(data.coefficients)},
    )


def deviations(draws: SampledParameters, data: GroupTriangles, rng) -> dict[str, np.ndarray]:
    """Draw u of each group from its conditional normal, `(draw, group, varying)`, by factor."""
    if not data.factors or draws.variant == "pooled":
        return {}
    scale, basis = draws.group_scale(data.factors[0]), draws.basis(data.factors[0])
    drawn = collapse.draw_deviations(data, draws["beta"], scale, draws.sigma, basis, rng)
    return {data.factor: drawn}


class CollapsedTarget:
    """One variant as it is sampled: its model, and the group effects that it integrates out."""

    def __init__(self, data: GroupTriangles, priors: Priors, variant: str):
        self.data, self.priors, self.variant = data, priors, variant
        self.found = preconditioner.CollapsedModel.of(data, priors, variant)

    @property
    def centre(self) -> np.ndarray:
        """Approximate coefficients, `(coefficient,)`."""
        return self.found.coordinates.centre

    def compiled(self) -> CompiledModel:
        """The model with its compiled density, or with PyMC's if there is none."""
        try:
            return compiled(self.data, self.priors, self.variant, self.found)
        except inputs.NoKernel:
            from partialpool.engine import gaussian
            from partialpool.sampler.pymc_model import PymcModel

            model = gaussian.model(self.data, self.priors, self.variant)
            return PymcModel(model, len(self.data.coefficients))

    def deviations(self, draws: SampledParameters, rng) -> dict[str, np.ndarray]:
        """u by factor, `(draw, group, varying)`."""
        return deviations(draws, self.data, rng)

    def thinned_deviations(
        self, draws: SampledParameters, diagnosed: dict[str, np.ndarray], step: int, rng
    ) -> tuple[dict, dict, dict]:
        """Draw u of all groups in every `step`-th draw, and of diagnosed groups in every draw.

        Parameters
        ----------
        draws : SampledParameters
        diagnosed : dict of str to numpy.ndarray
            Positions of the groups of the factor.
        step : int
        rng : numpy.random.Generator

        Returns
        -------
        whole, thinned, every : dict of str to numpy.ndarray
            By factor, `(draw, group, varying)`: all groups in every draw, which is empty; all
            groups, thinned; diagnosed groups in every draw, equal to the thinned ones in the
            draws that both have.
        """
        few, chosen = draws.select(slice(None, None, step)), draws.of_groups(diagnosed)
        arrays = {n: getattr(draws.data, n) for n in ("triangle", "rows", "log_jacobian")}
        thinned, every = deviations(few, draws.data, rng), {}
        for name, u in thinned.items():
            at = diagnosed[name]
            data = replace(chosen.data, **{n: array[at] for n, array in arrays.items()})
            every |= deviations(chosen, data, rng)
            u[:, at] = draws.by_chain(every[name])[:, ::step].reshape(u[:, at].shape)
        return {}, thinned, every

    @property
    def parameterisation(self) -> dict[str, dict]:
        """Parameterisation of the effects of each factor."""
        factors = self.data.factors if self.variant != "pooled" else ()
        return {factor.name: {"form": "integrated out"} for factor in factors}

    def next_attempt(self, draws: SampledParameters, attempt: int) -> "CollapsedTarget":
        """The same target: it has no coordinates that draws could improve."""
        return self
