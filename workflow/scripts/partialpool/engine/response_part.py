"""Densities of a block of rows and their derivatives, compiled for one response family.

It is the part of a density that knows the family: see `rows_kernel`. A family's record has the
density of one row as straight arithmetic, so that the loop becomes vector instructions.
"""

from numba import carray

from partialpool.engine import arithmetic, fields
from partialpool.engine.fields import BLOCK
from partialpool.model.family import ResponseFamily
from partialpool.sampler.machine_code import PART, Code, inlined, pointer

TEXT = """
def response_part(lengths, addresses):
    sizes, places = carray(lengths, (2,)), carray(addresses, (7,))
    rows = sizes[0]
    y, trials = carray(pointer(places[0]), (rows,)), carray(pointer(places[1]), (rows,))
    count, eta = carray(pointer(places[2]), (rows,)), carray(pointer(places[3]), (rows,))
    parameters = carray(pointer(places[4]), (sizes[1],))
    slope = carray(pointer(places[5]), (rows,))
    sums = carray(pointer(places[6]), (sizes[1] + 1, {block}))
{read}
    for j in range(rows):
        density, in_eta{found} = row(xp, y[j], eta[j], trials[j]{given})
        slope[j] = count[j] * in_eta
        sums[0, j] += count[j] * density
{add}
    return 0
"""


def code(family: ResponseFamily) -> Code:
    """The function for a family.

    Parameters
    ----------
    family : ResponseFamily
        With `row_slopes`.
    """
    numbers = range(len(family.parameters))
    text = TEXT.format(
        block=BLOCK,
        read="\n".join(f"    p{i} = parameters[{i}]" for i in numbers),
        found="".join(f", in_p{i}" for i in numbers),
        given="".join(f", p{i}" for i in numbers),
        add="\n".join(f"        sums[{i + 1}, j] += count[j] * in_p{i}" for i in numbers),
    )
    names = {
        "carray": carray,
        "pointer": pointer,
        "xp": arithmetic,
        "row": inlined(family.row_slopes),
        "__name__": __name__,
    }
    exec(text, names)  # nothing but the text above
    function = names["response_part"]
    function.__qualname__ = f"{family.name}_part"
    record = family.row_slopes.__code__.co_filename
    return Code(function, PART, (__file__, arithmetic.__file__, fields.__file__, record))
