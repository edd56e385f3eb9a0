"""Gaussian models with at most one factor as NUTS samples them: see `gaussian`."""

from dataclasses import dataclass, replace

import numpy as np

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.engine import (
    arithmetic,
    collapse,
    collapsed_kernel,
    effect_map,
    fields,
    group_algebra,
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
from partialpool.engine.posterior import SampledParameters, groups, varying
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
        arithmetic, scalar, collapsed_kernel, effect_map, fields, group_pass, kernel_parts,
        prior_families, shared_stages,
    ),  # fmt: skip
)


@dataclass(frozen=True)
class CollapsedModel:
    """Compressed rows, and coordinates of the coefficients, of one variant.

    Attributes
    ----------
    basis : numpy.ndarray
        Shape `(varying, varying)`, without rows where nothing varies: see
        :func:`preconditioner.effects_basis`.
    triangles : collapse.Triangles
    spread : float
        Rough residual sd.
    coordinates : preconditioner.BetaPreconditioner
    """

    basis: np.ndarray
    triangles: collapse.Triangles
    spread: float
    coordinates: preconditioner.BetaPreconditioner

    @classmethod
    def of(cls, data: GroupTriangles, priors: Priors, variant: str) -> "CollapsedModel":
        """Split the triangles, and find coordinates by generalised least squares."""
        basis = np.zeros((0, 0))
        if variant != "pooled" and data.factors:
            basis = preconditioner.effects_basis(data, priors, data.factors[0])
        triangles, size = collapse.Triangles.split(data, basis), len(basis)
        start = np.diag(preconditioner.between_sd(priors, data.factor, variant)) if size else []
        spread = preconditioner.sigma(data) if data.known_sigma is None else data.known_sigma
        coordinates = preconditioner.BetaPreconditioner.of(
            data, priors, triangles, data.varying[:size], start, spread
        )
        return cls(basis, triangles, spread, coordinates)


def compiled(
    data: GroupTriangles, priors: Priors, variant: str, found: CollapsedModel
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
        sizes[Size.SIGMA_AT] = parameters.positive("sigma", prior, found.spread)
    else:
        strata, dims = count, (groups(data.factor),)
        prior = priors.response["sigma"]
        if not data.outcome.pools_sigma:
            kind = collapsed_kernel.BY_GROUP
            sizes[Size.SIGMA_AT] = parameters.positive("sigma", [prior] * count, found.spread, dims)
        else:
            kind = collapsed_kernel.SAME if variant == "pooled" else collapsed_kernel.POOLED
            sizes[Size.SIGMA_AT] = parameters.positive("sigma_median", prior, found.spread)
            variables["sigma"] = ("SIGMAS", 0, dims, (count,))
            if variant == "hierarchical":
                prior = priors.response["sd_log_sigma"]
                sizes[Size.SPREAD_AT] = parameters.positive("sd_log_sigma", prior, 0.3)
            if variant != "pooled":
                others += count
                values["LOG_SIGMA_PRECISION"] = preconditioner.log_sigma_precision(data)
                values["LOG_GROUP_SIGMA"] = preconditioner.log_group_sigma(data)

    stretched = 0
    block = np.full((1, len(Block)), -1)
    block[0, Block.SIZE], block[0, Block.GROUPS] = size, count
    values |= {"FIXED_SD": np.zeros((1, size)), "PARTIAL": np.full((1, size, size), -1)}
    if size:
        add_factor(parameters, values, block, 0, data.factors[0], priors, variant)
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
    values |= shared_values(parameters, data, priors, data.log_jacobian.sum())
    values |= {
        "SIZES": list(sizes.values()),
        "BLOCKS": block,
        "CHOSEN": coordinates.chosen,
        "CENTRE": coordinates.centre,
        "INVERSE": coordinates.inverse,
        "CONSTANT_PRECISION": of_pairs(coordinates.prior_precision, last + 1),
        "WITHIN_PRECISION": of_pairs(coordinates.within, last + 1),
        "TOUCHED": coordinates.touched[:, : last + 1],
        "CHOSEN_DESIGN": triangles.design[..., coordinates.chosen],
        "DESIGN": triangles.design,
        "BETWEEN": between,
        "WITHIN": within,
        "ROWS": triangles.rows,
    }
    all_groups, some = (count, len(coordinates.chosen)) if by_group else (0, 0)
    pairs = (last + 1) * (last + 2) // 2
    work = shared_work(parameters, width, 1, size, size, last) | {
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


def add_factor(
    parameters: Parameters, values: dict, blocks: np.ndarray, number: int, factor, priors, variant
) -> None:
    """Add the sds, correlations and degrees of freedom of a factor's effects.

    Sets their places in a row of `blocks`, and of `FIXED_SD` and `PARTIAL` among the `values`.
    """
    name, own = factor.name, blocks[number]
    own[Block.SD_AT] = own[Block.NU_AT] = -1
    if variant == "unpooled":
        values["FIXED_SD"][number, : len(factor.varying)] = list(priors.wide[name].values())
        return
    rough = preconditioner.between_sd(priors, name, variant)
    dims = (varying(name),)
    own[Block.SD_AT] = parameters.positive(f"sd_{name}", priors.sd[name].values(), rough, dims)
    if name in priors.cor:
        shapes = group_algebra.partial_correlations(factor.blocks, *priors.cor[name].arguments)
        first = parameters.partial_correlations(f"partial_cor_{name}", list(shapes.values()))
        for at, pair in enumerate(shapes):
            values["PARTIAL"][(number, *pair)] = first + at
    if name in priors.nu:
        own[Block.NU_AT] = parameters.positive(f"nu_{name}", priors.nu[name], 8.0)


def shared_values(parameters: Parameters, data, priors: Priors, constant: float) -> dict:
    """Fields of the parameters and of the priors of beta, by name."""
    chosen = [priors.beta[name] for name in data.coefficients]
    found = [inputs.coded(prior.family, prior.arguments) for prior in chosen]
    codes, numbers, constants = zip(*found, strict=True)
    return {
        "TRANSFORMS": np.array(parameters.transforms, int),
        "PRIOR_CODES": np.array(parameters.codes, int),
        "PRIOR_NUMBERS": np.reshape(np.array(parameters.numbers, float), (-1, 3)),
        "BETA_CODES": np.array(codes),
        "BETA_NUMBERS": np.array(numbers),
        "BETA_ON": preconditioner.prior_rows(data, priors)[0],
        "CONSTANT": np.array([sum(constants) + parameters.constant + constant]),
    }


def shared_work(parameters: Parameters, width, blocks, widest, size, last) -> dict:
    """Shapes of the fields of the shared stages: see `shared_stages`."""
    pairs, square = (last + 1) * (last + 2) // 2, (blocks, widest, widest)
    fields = {name: square for name in ("SCALES", "CORRELATIONS", "ROOTS", "IN_SCALES")}
    fields |= {name: (width,) for name in ("BETA", "STANDARDISED", "IN_BETA")}
    fields |= {name: (last + 1, last + 1) for name in ("JOINT", "FACTOR")}
    return fields | {
        "SLOPE": (len(parameters.start),),
        "PRODUCTS": (pairs,),
        "CHOSEN_IN_SCALE": (pairs, size, size),
    }


def of_pairs(squares: np.ndarray, size: int) -> np.ndarray:
    """Upper triangles of symmetric matrices from their quadratic forms.

    The inverse of polarisation: see :func:`group_algebra.pairs`. The rows, one for each pair, are
    ordered as (0, 0), (0, 1), ..., (1, 1), ...
    """
    found, at = [], size
    for a in range(size):
        found.append(squares[a])
        for b in range(a + 1, size):
            found.append((squares[at] - squares[a] - squares[b]) / 2)
            at += 1
    return np.array(found)


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
        self.found = CollapsedModel.of(data, priors, variant)

    @property
    def centre(self) -> np.ndarray:
        """Approximate coefficients, `(coefficient,)`."""
        return self.found.coordinates.centre

    def compiled(self) -> CompiledModel:
        """The model that NUTS samples."""
        return compiled(self.data, self.priors, self.variant, self.found)
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
