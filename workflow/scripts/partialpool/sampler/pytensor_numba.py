"""PyTensor's translation of graphs to numba: what is not its public interface.

A new version may move or change it; `test_pytensor_numba` says so.
"""

from pytensor.link.numba.dispatch.basic import numba_funcify, numba_njit


def jitted(graph, inline: str):
    """Translate a rewritten graph to a function for numba, which compiles it when it is called.

    Parameters
    ----------
    graph : pytensor.graph.fg.FunctionGraph
    inline : {"always", "never"}
        Whether numba inlines the function into its caller.
    """
    return numba_njit(numba_funcify(graph).py_func, inline=inline)
