"""Make cases of wrong configs and tables, each with the beginning of its error message."""

import pytest

TABLE = """g,y,b,c,n,se,x,z,id
a,1.5,0,0,3,0.5,1,u,1
a,2.5,1,2,3,0.4,2,v,2
b,3.1,0,1,4,0.6,4,u,3
b,0.2,1,5,6,0.5,3,v,4
c,4.4,1,3,3,0.7,7,v,5
c,2.9,0,0,2,0.2,5,u,6
"""
NEW = "g,x,id\na,1,1\nq,2,2\n"
STUDY = {"data": "t.csv", "formula": "y ~ x + (1 | g)"}
COUNTS = {"formula": "c ~ x + (1 | g)", "family": "poisson"}
BINARY = {"formula": "b ~ x + (1 | g)", "family": "bernoulli"}
BINOMIAL = {"formula": "c ~ 1 + (1 | g)", "family": "binomial", "trials": "n"}

POSITIVE = {"formula": "y ~ x + (1 | g)", "family": "gamma"}
SHARES = {"formula": "se ~ x + (1 | g)", "family": "beta"}


def bad(study: dict, telling: str, *edits: tuple[str, str], new: str | None = None, **columns):
    """A study, edits of its table, perhaps rows to predict, and what is said first of all.

    Columns are given whole, their values separated by `|`.
    """
    table = TABLE
    if columns:
        cells = [line.split(",") for line in TABLE.splitlines()]
        for name, values in columns.items():
            at = cells[0].index(name)
            for row, value in zip(cells[1:], values.split("|"), strict=True):
                row[at] = value
        table = "\n".join(map(",".join, cells)) + "\n"
    for old, put in edits:
        assert old in table
        table = table.replace(old, put)
    return pytest.param(study, table, new, telling, id=telling[:60])


def bad_file(content: str | bytes, telling: str, name: str = "t.csv"):
    """A study of another file than the usual one, and what is said."""
    study = {"data": name.partition("/")[0]}
    return pytest.param(study, {name: content}, None, telling, id=f"file: {telling[:60]}")


def bad_config(content: str | bytes | None, telling: str):
    """A whole config, and what is said."""
    return pytest.param(content, {}, None, telling, id=f"config: {telling[20:60]}")


CONFIG = "config/config.yaml: studies.s"
