"""Data of the compiled density of models whose group effects are sampled: see `glm`."""

import numpy as np
from scipy import sparse

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import (
    arithmetic,
    collapsed_kernel,
    effect_map,
    effect_stages,
    fields,
    group_pass,
    kernel_parts,
    one_factor_collapse,
    preconditioner,
    response_part,
    rows_kernel,
    scalar,
    shared_stages,
)
from partialpool.engine.centring import EffectCoordinates
from partialpool.engine.collapsed_target import COLLAPSE
from partialpool.engine.compiled_model import CompiledModel
from partialpool.engine.fields import Block, Part, Size
from partialpool.engine.inputs import (
    NoKernel,
    Parameters,
    add_factor,
    of_pairs,
    shared_values,
    shared_work,
)
from partialpool.engine.pirls import WorkingModel
from partialpool.engine.posterior import groups, varying
from partialpool.model import families, prior_families
from partialpool.model.priors import Priors
from partialpool.sampler.machine_code import DENSITY, PART, Code

SOURCES = tuple(
    module.__file__
    for module in (
        arithmetic, scalar, collapsed_kernel, effect_map, effect_stages, fields, group_pass,
        kernel_parts, prior_families, rows_kernel, shared_stages,
    )
)  # fmt: skip
DENSITY_CODE = Code(rows_kernel.rows_density, DENSITY, SOURCES)
FAMILY_ROWS = Code(rows_kernel.family_rows, PART, SOURCES)
GAUSSIAN_ROWS = Code(rows_kernel.gaussian_rows, PART, SOURCES)
OUTER = {
    Part.OUTER: Code(effect_stages.outer_effects, PART, SOURCES),
    Part.OUTER_BACK: Code(effect_stages.outer_effects_back, PART, SOURCES),
}
INNER = {
    Part.INNER: Code(effect_stages.inner_effects, PART, SOURCES),
    Part.INNER_BACK: Code(effect_stages.inner_effects_back, PART, SOURCES),
}


def codes() -> list[Code]:
    """All functions that models of this kind are compiled of, for all families."""
    found = [DENSITY_CODE, FAMILY_ROWS, GAUSSIAN_ROWS, *INNER.values(), *OUTER.values()]
    compiled_families = (family for family in families.FAMILIES.values() if family.row_slopes)
    return found + [response_part.code(family) for family in compiled_families]


def compiled(
    data: MergedRows,
    priors: Priors,
    variant: str,
    found: WorkingModel,
    coordinates: EffectCoordinates,
) -> CompiledModel:
    """The model of one variant with its compiled density.

    Raises
    ------
    NoKernel
        If a prior or the family has no compiled density.
    """
    blocks, normal = coordinates.blocks, data.family.normal
    if not normal and data.family.row_slopes is None:
        raise NoKernel(f"family {data.family.name}")
    inner = rows_kernel.NO_INNER
    if blocks:
        inner = rows_kernel.COLLAPSED if normal else rows_kernel.SAMPLED
    parameters = Parameters()
    response_at = _response_parameters(parameters, data, priors, found)
    factors = Factors(parameters, coordinates, priors, variant, inner)
    width, last = len(data.coefficients), coordinates.last if blocks else 0
    values = shared_values(parameters, data, priors, data.constant) | factors.values
    values |= _row_values(data, priors, coordinates, inner)
    values |= _coordinate_values(coordinates, last, inner)
    start, at, cross = cross_precision(data, priors, found, coordinates, inner)
    values |= {
        "SIZES": [
            last if size is Size.LAST else inner if size is Size.INNER else -1 for size in Size
        ],
        "RESPONSE_AT": np.array(response_at, int),
        "KNOWN_SIGMA": np.array([data.known_sigma or 0.0]),
        "ROWS": np.array([float(data.cells.sum())]),
        "CROSS_START": start,
        "CROSS_AT": at,
        "CROSS": cross,
    }
    own_size, groups_of_inner = (0, 0)
    if blocks:
        own_size, groups_of_inner = factors.table[0, [Block.SIZE, Block.GROUPS]].tolist()
    work = shared_work(parameters, width, len(factors.table), factors.widest, own_size, last)
    work |= factors.work | {
        "PARAMETERS": (len(response_at),),
        "IN_PARAMETERS": (len(response_at),),
        "LEFT": (len(data.y) if normal else 0,),
        "ALONG": (own_size, 1, groups_of_inner),
        "IN_ALONG": (own_size, groups_of_inner),
    }
    return CompiledModel.of(
        DENSITY_CODE,
        _parts(data, factors, inner, last),
        values,
        work,
        parameters,
        factors.variables | {"beta": ("BETA", 0, ("coefficient",), (width,))},
        coefficients=width,
        others=coordinates.others + factors.positions_by_group,
        coords={"coefficient": list(data.coefficients)},
    )


def _parts(data: MergedRows, factors: "Factors", inner: int, last: int) -> dict[Part, Code]:
    """Functions that the density calls."""
    parts = {Part.ROWS: GAUSSIAN_ROWS if data.family.normal else FAMILY_ROWS}
    if not data.family.normal:
        parts[Part.FAMILY] = response_part.code(data.family)
    if last or inner == rows_kernel.COLLAPSED:
        parts[Part.COLLAPSE] = COLLAPSE
    if len(factors.table) > 1:
        parts |= OUTER
    if inner == rows_kernel.SAMPLED:
        parts |= INNER
    return parts


def _response_parameters(parameters: Parameters, data, priors: Priors, found) -> list[int]:
    """Add the parameters of the response's distribution; -1 is the place of a known sigma."""
    places = []
    for name in data.family.parameter_names:
        if name == "sigma" and data.known_sigma is not None:
            places.append(-1)
        else:
            rough = found.response[name]
            places.append(parameters.add(name, priors.response[name], rough))
    return places


class Factors:
    """Parameters of all factors' effects, and where the effects are among the fields.

    Effects of the outer factors come first, group by group, then those of the inner one.

    Attributes
    ----------
    table : numpy.ndarray
        The field BLOCKS.
    values, work : dict
        Other fields, and shapes of those of the workspace, by name.
    variables : dict
        As for :meth:`CompiledModel.of`.
    positions_by_group : int
        Number of positions after those of the coefficients and of the outer factors.
    widest : int
        Largest number of varying coefficients.
    """

    def __init__(
        self,
        parameters: Parameters,
        coordinates: EffectCoordinates,
        priors: Priors,
        variant: str,
        inner: int,
    ):
        blocks = coordinates.blocks
        self.widest = max((len(block.factor.varying) for block in blocks), default=0)
        # Without factors a row for an inner one without groups.
        self.table = np.zeros((max(len(blocks), 1), len(Block)), int)
        self.table[:, [Block.SD_AT, Block.NU_AT, Block.ROTATION_AT]] = -1
        square = (len(self.table), self.widest, self.widest)
        self.values = {
            "BLOCKS": self.table,
            "FIXED_SD": np.zeros(square[:2]),
            "PARTIAL": np.full(square, -1),
        }
        self.variables: dict[str, tuple] = {}
        effects, squares, rotations, columns = 0, 0, 0, 0
        for number, block in [*enumerate(blocks)][1:] + [*enumerate(blocks)][:1]:
            factor, own = block.factor, self.table[number]
            size, count = len(factor.varying), len(factor.levels)
            own[Block.SIZE], own[Block.GROUPS] = size, count
            add_factor(parameters, self.values, self.table, number, factor, priors, variant)
            own[Block.EFFECTS_AT], own[Block.SQUARES_AT] = effects, squares
            if number or inner == rows_kernel.SAMPLED:
                dims = (groups(factor.name), varying(factor.name))
                self.variables[f"u_{factor.name}"] = ("EFFECTS", effects, dims, (count, size))
                squares += count * size**2
            effects += count * size
            if block.rotation is not None:
                own[Block.ROTATION_AT] = rotations
                rotations += count**2
        for own in self.table:
            own[Block.COLUMNS_AT] = columns
            columns += own[Block.SIZE]
        outer = coordinates.others
        self.positions_by_group = effects - outer if inner == rows_kernel.SAMPLED else 0
        stretched = 0
        if inner == rows_kernel.COLLAPSED and self.table[0, Block.NU_AT] >= 0:
            name = blocks[0].factor.name
            stretched = self.positions_by_group = int(self.table[0, Block.GROUPS])
            scale = ("STRETCH", 0, (groups(name),), (stretched,))
            self.variables[f"scale_{name}"] = scale
        self.work = {"TRIANGLES": (squares,)}
        self.work |= dict.fromkeys(("POSITIONS", "UNROTATED", "IN_EFFECTS"), (outer,))
        self.work |= dict.fromkeys(("COMBINED", "IN_COMBINED"), (effects - outer,))
        by_effect = ("EFFECTS", "LINEARS", "STANDARD", "SHIFTS", "IN_LINEAR")
        self.work |= dict.fromkeys(by_effect, (effects,))
        by_group = ("STRETCH", "IN_STRETCH", "RATIO", "UNIT", "T_IN_RATIO")
        self.work |= dict.fromkeys(by_group, (stretched,))
        self.work |= dict.fromkeys(("IN_RATIO", "IN_UNIT"), (1, stretched))


def _row_values(data: MergedRows, priors: Priors, coordinates: EffectCoordinates, inner) -> dict:
    """Fields of the rows, sorted by the groups of the inner factor."""
    blocks, rows, width = coordinates.blocks, len(data.y), len(data.coefficients)
    order, index = np.arange(rows), np.zeros((1, rows), int)
    ends, rest, fold = np.array([0, rows]), np.arange(width), np.zeros((0, width))
    root, directions = np.zeros((0, 0, 0)), np.zeros((0, rows))
    if blocks:
        factor = blocks[0].factor
        order = np.argsort(data.index[blocks[0].position], kind="stable")
        index = np.array([data.index[block.position][order] for block in blocks])
        ends = np.searchsorted(index[0], np.arange(len(factor.levels) + 1))
        # Coefficients of columns that vary by the inner factor go with its effects.
        inverse = np.linalg.inv(preconditioner.effects_basis(data, priors, factor))
        fold = np.zeros((len(inverse), width))
        shared = [name in factor.varying for name in data.coefficients]
        for at in np.flatnonzero(shared):
            fold[:, at] = inverse[:, factor.varying.index(data.coefficients[at])]
        rest = np.flatnonzero(np.logical_not(shared))
    if inner == rows_kernel.COLLAPSED:
        root, directions = one_factor_collapse.orthonormalise(data, priors, blocks[0])
    columns = [preconditioner.effects_columns(data, priors, b.factor)[order].T for b in blocks]
    return {
        "INDEX": index,
        "START": ends,
        "FOLD": fold,
        "REST": rest,
        "REST_COLUMNS": data.select_columns(data.coefficients)[order].T[rest],
        "COLUMNS": np.concatenate([*columns, np.zeros((0, rows))]),
        "RESPONSE": data.y[order],
        "TRIALS": data.trials[order].astype(float),
        "COUNT": data.count[order].astype(float),
        "OFFSET": data.offset[order],
        "DIRECTIONS": directions[:, order],
        "DESIGN": root,
    }


def _coordinate_values(coordinates: EffectCoordinates, last: int, inner: int) -> dict:
    """Fields of the coordinates of coefficients and effects."""
    blocks, size = coordinates.blocks, len(coordinates.centre)
    after = [*blocks[1:], *blocks[:1]]
    sampled = after if inner == rows_kernel.SAMPLED else blocks[1:]
    values = {
        "CENTRE": coordinates.centre,
        "INVERSE": coordinates.inverse,
        "REGRESSION": coordinates.beta_regression,
        "PRECISION": _flat([block.precision for block in sampled]),
        "LINEAR": _flat([block.linear.T for block in after]),
        "ROTATIONS": _flat([b.rotation for b in after if b.rotation is not None]),
    }
    if coordinates.rotation is not None:
        values["DECORRELATION"] = coordinates.rotation
    if last:
        precision = coordinates.beta_precision
        values["CONSTANT_PRECISION"] = of_pairs(precision.squares, last + 1)
        values["WITHIN_PRECISION"] = np.zeros((len(values["CONSTANT_PRECISION"]), 0))
        values["TOUCHED"] = precision.rows[:, : last + 1]
        values["CHOSEN_DESIGN"] = precision.root
    if inner == rows_kernel.SAMPLED:
        values["BETA_CROSS"] = np.moveaxis(blocks[0].beta_cross, -1, 0).reshape(-1, size)
    return values


def _flat(arrays) -> np.ndarray:
    """All numbers of some arrays, one after another."""
    return np.concatenate([*(np.ravel(one) for one in arrays), np.zeros(0)])


def cross_precision(data, priors, found: WorkingModel, coordinates: EffectCoordinates, inner):
    """Cross precision of the inner factor's effects with those of all others.

    Returns
    -------
    start : numpy.ndarray
        Shape `(group + 1,)`: where the entries of each group begin.
    at : numpy.ndarray
        `(entry,)`: positions of the other factors' effects.
    values : numpy.ndarray
        `(entry, varying)`.
    """
    blocks = coordinates.blocks
    if inner != rows_kernel.SAMPLED or len(blocks) < 2 or blocks[0].is_non_centred:
        groups_of_inner = len(blocks[0].factor.levels) if blocks else 0
        size = len(blocks[0].factor.varying) if blocks else 0
        return np.zeros(groups_of_inner + 1, int), np.zeros(0, int), np.zeros((0, size))
    outer = sparse.hstack([_columns(data, priors, block) for block in blocks[1:]], format="csr")
    own = preconditioner.effects_columns(data, priors, blocks[0].factor)
    index, count = data.index[blocks[0].position], len(blocks[0].factor.levels)
    by_group = sparse.csr_array(
        (np.ones(len(index)), (index, np.arange(len(index)))), shape=(count, len(index))
    )
    # Entries of one pattern for all coefficients, whatever cancels out.
    pattern = sparse.csr_array(by_group @ abs(outer))
    pattern.sort_indices()
    group = np.repeat(np.arange(count), np.diff(pattern.indptr))
    values = np.zeros((len(group), own.shape[1]))
    for i, column in enumerate(own.T):
        crossed = sparse.csr_array(by_group @ (sparse.diags_array(found.weight * column) @ outer))
        values[:, i] = np.asarray(crossed[group, pattern.indices]).ravel()
    return pattern.indptr.astype(int), pattern.indices.astype(int), values


def _columns(data: MergedRows, priors: Priors, block) -> sparse.csr_array:
    """Design columns of a factor's effects, group by group."""
    columns = preconditioner.effects_columns(data, priors, block.factor)
    rows, size = columns.shape
    at = data.index[block.position][:, None] * size + np.arange(size)
    shape = (rows, size * len(block.factor.levels))
    return sparse.csr_array(
        (columns.ravel(), (np.repeat(np.arange(rows), size), at.ravel())), shape=shape
    )
