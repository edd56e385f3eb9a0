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
    parameters, sizes = Parameters(), dict.fromkeys(Size, -1)
    kinds = (rows_kernel.NO_INNER, rows_kernel.SAMPLED, rows_kernel.COLLAPSED)
    inner = kinds[bool(blocks) * (1 + normal)]
    response_at = []
    for name in data.family.parameter_names:
        if name == "sigma" and data.known_sigma is not None:
            response_at.append(-1)
        else:
            rough = found.response[name]
            response_at.append(parameters.positive(name, priors.response[name], rough))

    width, rows, others = len(data.coefficients), len(data.y), coordinates.others
    widest = max((len(block.factor.varying) for block in blocks), default=0)
    table = np.zeros((max(len(blocks), 1), len(Block)), int)
    table[:, [Block.SD_AT, Block.NU_AT, Block.ROTATION_AT]] = -1
    values = {
        "FIXED_SD": np.zeros((len(table), widest)),
        "PARTIAL": np.full((len(table), widest, widest), -1),
    }
    squares_at, rotation_at, columns_at, effects_at = 0, 0, 0, 0
    variables = {"beta": ("BETA", 0, ("coefficient",), (width,))}
    order = np.argsort(data.index[blocks[0].position], kind="stable") if blocks else np.arange(rows)
    for number in [*range(1, len(blocks)), 0][: len(blocks)]:  # the inner factor is the last one
        block, factor = blocks[number], blocks[number].factor
        size, count = len(factor.varying), len(factor.levels)
        own = table[number]
        own[Block.SIZE], own[Block.GROUPS] = size, count
        add_factor(parameters, values, table, number, factor, priors, variant)
        own[Block.EFFECTS_AT] = effects_at
        if number or inner == rows_kernel.SAMPLED:
            dims = (groups(factor.name), varying(factor.name))
            variables[f"u_{factor.name}"] = ("EFFECTS", effects_at, dims, (count, size))
            own[Block.SQUARES_AT] = squares_at
            squares_at += count * size**2
        effects_at += count * size
        if block.rotation is not None:
            own[Block.ROTATION_AT] = rotation_at
            rotation_at += count**2
    for number, block in enumerate(blocks):
        table[number, Block.COLUMNS_AT] = columns_at
        columns_at += len(block.factor.varying)

    after = [*blocks[1:], *blocks[:1]]
    sampled = after if inner == rows_kernel.SAMPLED else blocks[1:]
    columns = [preconditioner.effects_columns(data, priors, b.factor)[order].T for b in blocks]
    design = data.select_columns(data.coefficients)[order].T
    stretched, others_by_group = 0, 0
    fold, rest = np.zeros((0, width)), list(range(width))
    if blocks:
        factor, count = blocks[0].factor, len(blocks[0].factor.levels)
        basis = preconditioner.effects_basis(data, priors, factor)
        shared = [factor.varying.index(c) if c in factor.varying else -1 for c in data.coefficients]
        fold = np.array(
            [[0.0] * len(basis) if i < 0 else np.linalg.inv(basis)[:, i] for i in shared]
        ).T
        rest = [number for number, i in enumerate(shared) if i < 0]
        if inner == rows_kernel.SAMPLED:
            others_by_group = count * len(basis)
        elif table[0, Block.NU_AT] >= 0:
            stretched = others_by_group = count
            variables[f"scale_{factor.name}"] = ("STRETCH", 0, (groups(factor.name),), (count,))
    start, at, cross = cross_precision(data, priors, found, coordinates, inner)
    root, directions = np.zeros((0, 0, 0)), np.zeros((0, rows))
    if inner == rows_kernel.COLLAPSED:
        root, directions = one_factor_collapse.orthonormalise(data, priors, blocks[0])
        directions = directions[:, order]

    precision = coordinates.beta_precision
    last = coordinates.last if precision is not None else 0
    pairs = (last + 1) * (last + 2) // 2
    sizes |= {
        Size.LAST: last,
        Size.INNER: inner,
        Size.NORMAL: int(normal),
        Size.OUTER_EFFECTS: others,
    }
    index = np.zeros((1, rows), int)
    if blocks:
        index = np.array([data.index[block.position][order] for block in blocks])
    values |= shared_values(parameters, data, priors, data.constant)
    values |= {
        "SIZES": list(sizes.values()),
        "BLOCKS": table,
        "RESPONSE_AT": np.array(response_at, int),
        "REST": np.array(rest, int),
        "INDEX": index,
        "START": np.searchsorted(index[0], np.arange(max(table[0, Block.GROUPS], 1) + 1)),
        "CROSS_START": start,
        "CROSS_AT": at,
        "CROSS": cross,
        "KNOWN_SIGMA": np.array([data.known_sigma or 0.0]),
        "ROWS": np.array([float(data.cells.sum())]),
        "CENTRE": coordinates.centre,
        "INVERSE": coordinates.inverse,
        "REGRESSION": coordinates.beta_regression,
        "PRECISION": _flat([block.precision for block in sampled]),
        "LINEAR": _flat([block.linear.T for block in after]),
        "ROTATIONS": _flat([b.rotation for b in after if b.rotation is not None]),
        "FOLD": fold,
        "RESPONSE": data.y[order],
        "TRIALS": data.trials[order].astype(float),
        "COUNT": data.count[order].astype(float),
        "OFFSET": data.offset[order],
        "REST_COLUMNS": design[rest],
        "COLUMNS": np.concatenate([*columns, np.zeros((0, rows))]),
        "DIRECTIONS": directions,
        "DESIGN": root,
    }
    if coordinates.rotation is not None:
        values["DECORRELATION"] = coordinates.rotation
    if last:
        values["CONSTANT_PRECISION"] = of_pairs(precision.squares, last + 1)
        values["WITHIN_PRECISION"] = np.zeros((pairs, 0))
        values["TOUCHED"] = precision.rows[:, : last + 1]
        values["CHOSEN_DESIGN"] = precision.root
    if inner == rows_kernel.SAMPLED:
        values["BETA_CROSS"] = np.moveaxis(blocks[0].beta_cross, -1, 0).reshape(-1, width)
    inner_effects = effects_at - others
    varies = widest if not blocks else len(blocks[0].factor.varying)
    count = len(blocks[0].factor.levels) if blocks else 0
    along = (varies, 1, count) if inner == rows_kernel.COLLAPSED else (0, 1, 0)
    work = shared_work(parameters, width, len(table), widest, varies, last) | {
        "POSITIONS": (others,),
        "PARAMETERS": (len(response_at),),
        "IN_PARAMETERS": (len(response_at),),
        "IN_COMBINED": (inner_effects,),
        "RATIO": (stretched,),
        "EFFECTS": (effects_at,),
        "IN_EFFECTS": (others,),
        "STRETCH": (stretched,),
        "IN_STRETCH": (stretched,),
        "UNIT": (stretched,),
        "UNROTATED": (others,),
        "LINEARS": (effects_at,),
        "STANDARD": (effects_at,),
        "SHIFTS": (effects_at,),
        "TRIANGLES": (squares_at,),
        "IN_LINEAR": (effects_at,),
        "COMBINED": (inner_effects,),
        "LEFT": (rows if normal else 0,),
        "ALONG": along,
        "IN_ALONG": (along[0], along[2]),
        "IN_RATIO": (1, stretched),
        "IN_UNIT": (1, stretched),
        "T_IN_RATIO": (stretched,),
    }
    parts = {Part.ROWS: GAUSSIAN_ROWS if normal else FAMILY_ROWS}
    if not normal:
        parts[Part.FAMILY] = response_part.code(data.family)
    if last or inner == rows_kernel.COLLAPSED:
        parts[Part.COLLAPSE] = COLLAPSE
    if len(blocks) > 1:
        parts |= OUTER
    if inner == rows_kernel.SAMPLED:
        parts |= INNER
    return CompiledModel.of(
        DENSITY_CODE,
        parts,
        values,
        work,
        parameters,
        variables,
        coefficients=width,
        others=others + others_by_group,
        coords={"coefficient": list(data.coefficients)},
    )


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
