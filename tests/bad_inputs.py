"""Ways to get a config or a table wrong, and the one line that is said of each."""

import gzip

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
CASES = [
    # Keys, one by one and together
    bad({"formla": "y ~ x"}, f"{CONFIG}: unknown key 'formla'; nearest: 'formula'"),
    bad({"contrasts": [1, 2]}, f"{CONFIG}.contrasts[1]: 2; it must be two row numbers"),
    bad({"draws": 10}, f"{CONFIG}: unknown key 'draws'; it belongs under `sampler:`"),
    bad({"formula": None}, f"{CONFIG}: no `formula`; add a formula such as"),
    bad({"formula": 3}, f"{CONFIG}.formula: 3; it must be a formula such as"),
    bad({"data": None}, f"{CONFIG}: has neither `data` nor `simulate`"),
    bad({"data": "tt.csv"}, f"{CONFIG}.data: no file 'tt.csv'; nearest: 't.csv'"),
    bad({"data": "*.tsv"}, f"{CONFIG}.data: no file matches '*.tsv'"),
    bad(
        {"family": "student_t", "sigma": "by_group"},
        f"{CONFIG}.sigma: 'by_group' goes with family gaussian; student_t takes",
    ),
    bad(
        {"family": "poison"},
        f'{CONFIG}.family: "poison"; it must be',
    ),
    bad({"family": "binomial"}, f"{CONFIG}: no `trials`; add the column with the trials"),
    bad({"trials": "n"}, f"{CONFIG}.trials: family gaussian has none; leave it out"),
    bad({"exposure": "n"}, f"{CONFIG}.exposure: family gaussian has none, only poisson and"),
    bad(COUNTS | {"sigma": 1}, f"{CONFIG}.sigma: family poisson has none; leave it out"),
    bad({"sigma": -1}, f"{CONFIG}.sigma: -1; it must be"),
    bad({"sigma": "se", "weights": "se"}, f"{CONFIG}: column 'se' cannot be both the standard err"),
    bad(
        {"sigma": "se", "precision_weights": "n"},
        f"{CONFIG}.precision_weights: the standard errors in 'se' are known; divide these by",
    ),
    bad(
        COUNTS | {"precision_weights": "n"},
        f"{CONFIG}.precision_weights: family poisson has no sigma that they could divide; leave",
    ),
    bad(
        {"weights": "n", "precision_weights": "n"},
        f"{CONFIG}: column 'n' cannot be both the weights and the precision weights",
    ),
    bad({"missing": "omit"}, f'{CONFIG}.missing: "omit"; it must be error or drop'),
    bad({"key": "id"}, f'{CONFIG}.key: "id"; it must be a list of columns'),
    bad({"key": []}, f"{CONFIG}.key: []; it must be a list of columns"),
    bad({"weights": 2}, f"{CONFIG}.weights: 2; it must be a column of the table"),
    bad({"group_effects": "t"}, f'{CONFIG}.group_effects: "t"; it must be normal or student_t'),
    bad({"formula": "y ~ x", "group_effects": "normal"}, f"{CONFIG}.group_effects: there are none"),
    bad({"formula": "y ~ x", "sigma": "by_group"}, f"{CONFIG}.sigma: 'by_group' needs groups"),
    bad({"formula": "y ~ x", "variants": ["unpooled"]}, f"{CONFIG}.variants: 'unpooled' needs gro"),
    bad({"formula": "y ~ x", "predict": ["new_group"]}, f"{CONFIG}.predict: 'new_group' needs gro"),
    bad({"contrasts": [[1, 2]]}, f"{CONFIG}.contrasts: needs the rows of `new_data`; add it"),
    bad({"contrasts": [[1, 1]]}, f"{CONFIG}.contrasts[0]: [1, 1]; it must be two row numbers"),
    bad({"sampler": {"draws": 1}}, f"{CONFIG}.sampler.draws: 1; it must be a whole number"),
    bad({"interval": 0.9}, f"{CONFIG}: unknown key 'interval'"),
    # Priors
    bad({"priors": {"x": "normal"}}, f'{CONFIG}.priors.x: "normal" is not a prior'),
    bad({"priors": {"x": "norml(0, 1)"}}, f"{CONFIG}.priors.x: 'norml' is not a known family"),
    bad({"priors": {"x": "normal(0)"}}, f"{CONFIG}.priors.x: normal(0) has 1 arguments, it takes"),
    bad({"priors": {"x": "normal(0, -1)"}}, f"{CONFIG}.priors.x: normal(0, -1) has sigma = -1"),
    bad({"priors": {"sd": "normal(0, 1)"}}, f"{CONFIG}.priors.sd: normal(0, 1) does not fit"),
    bad({"priors": {"x": "lkj(2)"}}, f"{CONFIG}.priors.x: the prior does not fit, a coefficient"),
    bad({"priors": {"X": "normal(0, 1)"}}, f"{CONFIG}.priors.X: no such parameter in the model; n"),
    bad({"priors": {"cor": "lkj(2)"}}, f"{CONFIG}.priors.cor: no such parameter in the model"),
    bad(
        {"formula": "y ~ x + (x || g)", "priors": {"cor_g": "lkj(2)"}},
        f"{CONFIG}.priors.cor_g: no such parameter in the model (only coefficients of one group",
    ),
    bad({"priors": {"nu": "gamma(2, 1)"}}, f"{CONFIG}.priors.nu: no such parameter in the model"),
    bad(
        {"sigma": "se", "priors": {"sigma": "half_normal(1)"}},
        f"{CONFIG}.priors.sigma: no such parameter in the model (sigma is known here)",
    ),
    # Formulas
    bad({"formula": "y + x"}, "formula 'y + x': no response"),
    bad({"formula": "y ~ x +"}, "formula 'y ~ x +': cannot be read"),
    bad({"formula": "y ~ (x"}, "formula 'y ~ (x': cannot be read"),
    bad({"formula": "y ~ `x"}, "formula 'y ~ `x': a quotation mark or backtick is not closed"),
    bad({"formula": "y ~ lag(x)"}, "formula 'y ~ lag(x)': function 'lag' cannot be used; nearest:"),
    bad({"formula": "y ~ open('t.csv')"}, "formula \"y ~ open('t.csv')\": function 'open' cannot"),
    bad({"formula": "y ~ x**2"}, "formula 'y ~ x**2': a power of a column is written I(x**2)"),
    bad({"formula": "y ~ y + x"}, "formula 'y ~ y + x': 'y' is on both sides"),
    bad(
        {"formula": "y ~ x + (1 | x)"},
        "t.csv: column 'x' must be numbers; row 4 is 'four'; if it is a set of labels, write C(x)",
        x="1|2|4|four|7|5",
    ),
    bad(
        {"formula": "y ~ x + (1 | x)"},
        "new.csv: formula 'y ~ x + (1 | x)': column 'x' must be numbers; row 2 is 'six'",
        new="x\n7\nsix\n",
    ),
    bad(
        {"formula": "y ~ x + (1 | x)"},
        "t.csv: column 'x' holds dates; make them numbers, such as days since the first (numbers "
        "like 20240131); if it is a set of labels, write C(x)",
        x="20240131|20240131|20240201|20240201|20240202|20240202",
    ),
    bad({"formula": "y ~ 0 + (1 | g)"}, "formula 'y ~ 0 + (1 | g)': no population-level coef"),
    bad({"formula": "y ~ (1|g) + (x|g)"}, "formula 'y ~ (1|g) + (x|g)': 'Intercept' varies by 'g'"),
    bad(
        {"formula": "y ~ x-id"},
        "formula 'y ~ x-id': the table has a column 'x-id', whose name goes in backticks: "
        "'y ~ `x-id`'",
        ("x,z,id", "x,z,x-id"),
    ),
    bad(
        {"formula": "y ~ 1 + (1 | g) + (1 | z)", "sigma": "by_group"},
        "formula 'y ~ 1 + (1 | g) + (1 | z)': sigma 'by_group' needs exactly one grouping factor; "
        "there are 'g', 'z'",
    ),
    bad(
        {"sigma": "~ (1 | z)"},
        "formula 'y ~ x + (1 | g)': sigma '~ (1 | z)' is by 'z', but the groups are of 'g'",
    ),
    bad({"sigma": "y"}, "formula 'y ~ x + (1 | g)': column 'y' cannot be both the response and"),
    bad({"weights": "g"}, "formula 'y ~ x + (1 | g)': column 'g' cannot be both a grouping factor"),
    bad(
        {"formula": "y ~ 1 + (1 | sigma)"}, "formula 'y ~ 1 + (1 | sigma)': the grouping factor ca"
    ),
    bad(
        {"formula": "y ~ 1 + (1 | g) + (1 | sd_g)"},
        "formula 'y ~ 1 + (1 | g) + (1 | sd_g)': the grouping factor cannot be called 'sd_g': "
        "results of factor 'g' have 'sd_g'",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | draw)"},
        "formula 'y ~ 1 + (1 | draw)': the grouping factor cannot be called 'draw': results have",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | log_sigma)"},
        "formula 'y ~ 1 + (1 | log_sigma)': the grouping factor cannot be called 'log_sigma'",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | `a/b`)"},
        "formula 'y ~ 1 + (1 | `a/b`)': the grouping factor cannot be called 'a/b'",
    ),
    # Columns
    bad({"formula": "y ~ xx"}, "t.csv: no column 'xx'; nearest: 'x'"),
    bad({"formula": "y ~ weight"}, "t.csv: no column 'weight'; there are 'g', 'y', 'b', 'c', 'n'"),
    bad({}, "t.csv: no column 'g'; nearest: 'G'", ("g,y", "G,y")),
    bad({}, "t.csv: no column 'x'; nearest: ' x'", (",x,", ", x,")),
    bad({}, "t.csv: two columns are called 'x'; rename one", (",z,", ",x,")),
    bad({}, "t.csv: no column 'y'; there are 'g|y|b|c|n|se|x|z|id'", (",", "|")),
    bad({"sigma": "s"}, "t.csv: no column 's'; nearest: 'se'"),
    bad({"sigma": "by group"}, "t.csv: no column 'by group'"),
    bad({"key": ["id", "visit"]}, "t.csv: no column 'visit'"),
    bad(
        {"formula": "y ~ mean"},
        "t.csv: column 'mean' has the name of a result; rename it",
        (",x,", ",mean,"),
    ),
    # Values
    bad({}, "t.csv: column 'y' has a missing value in row 2; fill", (",2.5,", ",,")),
    bad({}, "t.csv: column 'x' has 2 missing values, the first in row 3", x="1|2|NA||7|5"),
    bad({}, "t.csv: column 'g' has a missing value in row 1", ("a,1.5", " ,1.5")),
    bad({}, "t.csv: column 'y' must be numbers; row 2 is '2.5 kg'", (",2.5,", ",2.5 kg,")),
    bad({}, "t.csv: column 'y' must be numbers; row 1 is '-'", (",1.5,", ",-,")),
    bad({}, "t.csv: column 'x' must be numbers; row 4 is 'three'; if it is", x="1|2|4|three|7|5"),
    bad({}, "t.csv: column 'x' is infinite in row 6", x="1|2|4|3|7|inf"),
    bad({}, "t.csv: column 'x' is too large (1e+60) in row 6", x="1|2|4|3|7|1e60"),
    bad(
        {"formula": "y ~ exp(x)"},
        "t.csv: formula 'y ~ exp(x)': 'exp(x)' is 7.2",
        x="1|2|4|3|200|5",
    ),
    bad({"formula": "log(c) ~ x"}, "t.csv: formula 'log(c) ~ x': 'log(c)' is -inf in row 1"),
    bad(
        {"formula": "z ~ x"},
        "t.csv: column 'z' must be numbers; row 1 is 'u'; it is 'u', 'v': make it 0 and 1",
    ),
    bad({"formula": "y ~ log(z)"}, "t.csv: column 'z' must be numbers; row 1 is 'u'"),
    bad(
        {},
        "t.csv: column 'y' must be numbers; row 1 is '1,5'; write 1.5 (decimals with a point",
        (",", ";"),
        ("1.5", "1,5"),
    ),
    # Numbers written in another way, whole columns of them and single cells
    *(
        bad(
            {},
            f"t.csv: column 'x' must be numbers; row 1 is {cells.split('|')[0]!r}; {hint}",
            x=cells,
        )
        for cells, hint in {
            "1 %|2 %|4 %|3 %|7 %|5 %": "write 1 (decimals with a point, and no",
            "−1|2|4|3|7|5": "write -1 (",
            "$1|$2|$4|$3|$7|$5": "write 1 (",
            "€ 3|2|4|3|7|5": "write 3 (",
            "1 kg|2 kg|4 kg|3 kg|7 kg|5 kg": "write 1 (",
            "5m|2m|4m|3m|7m|5m": "write 5 (",
            "5 kg|2 lb|4|3|7|5": "write numbers of one unit in all rows: decimals",
            "1.5k|2k|4k|900|7k|5k": "write decimals with a point",
            "(2.5)|2|4|3|7|5": "write -2.5 (",
            "1_000|2_000|4|3|7|5": "write 1000 (",
            "1'000|2'000|4'000|3|7|5": "write 1000 (",
            "1.234.567|2.000.000|4|3|7|5": "write decimals with a point, and no thousands",
            "½|2|4|3|7|5": "write decimals with a point",
            "１２|３|４|３|７|５": "write 12 (",
            "٣|٤|٥|٣|٧|٥": "write 3 (",
            "\u200b5|2|4|3|7|5": "write 5 (",
            "5\u00a0|2|4|3|7|5": "write 5 (",
            "1\t000|2|4|3|7|5": "write 1000 (",
            "1.5×10⁻³|2|4|3|7|5": "write decimals with a point",
            "0.5 (0.1)|0.2 (0.1)|0.1 (0.1)|0.3 (0.2)|1 (0.1)|2 (0.3)": "write decimals",
            "<0.1|<0.1|<0.1|<0.1|0.7|0.5": "a bound is no number: write the one it stands for, or",
            "5+|2|4|3|7|5": "a bound is no number",
            ".|.|.|.|7|5": "write NA, without quotation marks, for a missing value; if it is",
            "#DIV/0!|2|4|3|7|5": "write NA, without quotation marks",
            "x14|2|4|3|7|5": "if it is a set of labels, write C(x) in the formula",
        }.items()
    ),
    bad({}, "t.csv: column 'x' must be numbers; row 3 is '4l'; if it", x="1|2|4l|3|7|5"),
    bad(
        {}, "t.csv: column 'x' must be numbers; row 6 is 'x', the name of the col", x="1|2|4|3|7|x"
    ),
    bad({}, "t.csv: column 'y' must be numbers; row 1 is '−1'; write -1 (", ("1.5", "−1")),
    bad({}, "t.csv: column 'y' must be numbers; row 1 is 'NA'; write NA, wi", ("1.5", '"NA"')),
    *(
        bad({}, f"t.csv: column 'x' holds {what}; make them numbers, such as {unit} since", x=cells)
        for cells, what, unit in (
            ("25/01/2024|26/01/2024|27/01/2024|01/02/2024|02/02/2024|03/02/2024", "dates", "days"),
            ("1/25/24|1/26/24|1/27/24|2/1/24|2/2/24|2/3/24", "dates", "days"),
            ("2024/01/25|2024/01/26|2024/01/27|2024/2/1|2024/2/2|2024/2/3", "dates", "days"),
            ("25-Jan-24|26-Jan-24|27-Jan-24|1-Feb-24|2-Feb-24|unknown", "dates", "days"),
            ("Jan 2024|Feb 2024|Mär 2024|avril 2024|Sept. 2024|Dec 2024", "dates", "days"),
            ("2024-01|2024-02|2024-03|2024-04|2024-05|2024-06", "dates", "days"),
            ("25.1.2024|26.1.2024|27.1.2024|1.2.2024|2.2.2024|3.2.2024", "dates", "days"),
            (
                "2024-01-05T10:00Z|2024-01-06|2024-01-07|2024-01-08|2024-01-09|2024-01-10",
                "dates",
                "days",
            ),
            ("20240105|20240106|20240107|20240201|20240202|20240203", "dates", "days"),
            ("202401|202402|202403|202404|202405|202406", "dates", "days"),
            ("12:30|12:45|13:05|9:05 AM|9:10|10:20", "times", "minutes"),
        )
    ),
    bad(
        {"formula": "y ~ `the day`"},
        "t.csv: column 'the day' holds dates; make them numbers, such as days since the first "
        "(row 1 is 'January 5, 2024'); if it is a set of labels, write C(`the day`) in the formula",
        (",x,", ",the day,"),
        (",1,u,", ',"January 5, 2024",u,'),
        (",2,v,", ',"January 6, 2024",v,'),
        (",4,u,", ',"January 7, 2024",u,'),
        (",3,v,", ',"January 8, 2024",v,'),
        (",7,v,", ',"January 9, 2024",v,'),
        (",5,u,", ',"January 10, 2024",u,'),
    ),
    bad({}, "t.csv: column 'g' has a NUL byte in row 3", ("b,3.1", "b\0,3.1")),
    bad({}, "t.csv: column 'y' has a NUL byte in row 3", (",3.1", ",3.1\0")),
    bad({}, "t.csv: predictor 'x' is '1' in every row; leave it out", x="1|1|1|1|1|1"),
    bad({}, "t.csv: column 'g' has one group only, 'a'; two are needed", g="a|a|a|a|a|a"),
    bad({"formula": "y ~ C(id) + x"}, "t.csv: formula 'y ~ C(id) + x': 6 rows cannot tell 7 coef"),
    bad(
        {"formula": "y ~ x + I(x * 2)"},
        "t.csv: formula 'y ~ x + I(x * 2)': columns 'x', 'I(x * 2)' are collinear",
    ),
    bad(
        {"formula": "y ~ x + I(x - x)"},
        "t.csv: formula 'y ~ x + I(x - x)': column 'I(x - x)' is zero in every row",
    ),
    bad({}, "t.csv: the response 'y' is 3 in every row", y="3|3|3|3|3|3"),
    bad(
        {},
        "t.csv: the response 'y' is given exactly by 'x', so its residual standard deviation "
        "(sigma) is zero and cannot be estimated; leave 'x' out of the formula, or give `sigma` a",
        y="1|2|4|3|7|5",
    ),
    bad(
        {"formula": "y ~ 1 + (1 | g)"},
        "t.csv: the response 'y' is given exactly by the groups of 'g'",
        y="1|1|2|2|5|5",
    ),
    bad(
        {"sigma": "by_group", "formula": "y ~ 1 + (1 | g)"},
        "t.csv: the predictors give the response 'y' exactly in all rows of group 'b' of 'g', so "
        "the group's sigma is zero and cannot be estimated; set `sigma` to estimated or",
        y="1|1.1|2|2|4|5",
    ),
    bad(
        {"missing": "drop"},
        "t.csv: no row is complete; columns 'y', 'x' have missing values",
        y="1|2|3|||",
        x="|||1|2|3",
    ),
    bad({"missing": "drop"}, "t.csv: column 'y' is empty", y="|||NA|nan|"),
    bad(
        {"missing": "drop"},
        "t.csv: predictor 'x' is '1' in every row",
        y="1||3|2|5|",
        x="1|2|1|1|1|3",
    ),
    bad({"key": ["g"]}, "t.csv: rows 1 and 2 have the same key: g 'a'; leave out one of them"),
    bad({"key": ["id", "z"]}, "t.csv: rows 2 and 4 have the same key: id '2', z 'v'", (",4", ",2")),
    # The response, and the columns that say how it comes about
    bad(
        BINARY,
        "t.csv: the response 'b' is 2 in row 4; family bernoulli takes 0 or 1; counts fit families",
        b="0|1|0|2|1|0",
    ),
    bad(
        BINARY,
        "t.csv: the response 'b' is 2 in row 2; family bernoulli takes 0 or 1; make 1 and 2 0 and",
        b="1|2|1|2|2|1",
    ),
    bad(
        BINARY,
        "t.csv: column 'b' must be numbers; row 1 is 'no'; it is 'no', 'yes': make it 0 and 1",
        b="no|yes|no|yes|yes|no",
    ),
    bad(
        BINARY | {"formula": "y ~ x"},
        "t.csv: the response 'y' is 1.5 in row 1; family bernoulli takes 0 or 1; other numbers fit",
    ),
    bad(
        COUNTS,
        "t.csv: the response 'c' is -5 in row 4; family poisson takes whole numbers, 0 or more; "
        "other numbers fit families gaussian and student_t",
        c="0|2|1|-5|3|0",
    ),
    bad(COUNTS, "t.csv: the response 'c' is 5.5 in row 4; family poisson", c="0|2|1|5.5|3|0"),
    bad(
        COUNTS | {"family": "negative_binomial"},
        "t.csv: the response 'c' is 1e+20 in row 4; family negative_binomial",
        c="0|2|1|1e20|3|0",
    ),
    bad(
        BINOMIAL,
        "t.csv: the response 'c' is 5, of 3 trials, in row 4; family binomial takes whole numbers",
        n="3|3|4|3|3|2",
    ),
    bad(
        BINOMIAL | {"formula": "se ~ 1"},
        "t.csv: the response 'se' is 0.5, of 3 trials, in row 1; family binomial takes whole "
        "numbers from 0 to the row's trials; give the number of successes, not their share",
    ),
    bad(
        BINOMIAL,
        "t.csv: trials must be whole numbers, 1 or more; column 'n' is 0 in row 6",
        n="3|3|4|6|3|0",
    ),
    bad(
        BINOMIAL,
        "t.csv: trials must be whole numbers, 1 or more; column 'n' is 2.5 in row 6",
        n="3|3|4|6|3|2.5",
    ),
    bad(BINOMIAL | {"trials": "z"}, "t.csv: column 'z' must be numbers; row 1 is 'u'"),
    bad(BINOMIAL, "t.csv: column 'n' has a missing value in row 6", n="3|3|4|6|3|"),
    bad(
        {"sigma": "se"},
        "t.csv: standard errors must be over 0; column 'se' is -0.4 in row 2",
        ("0.4", "-0.4"),
    ),
    bad({"weights": "b"}, "t.csv: weights must be over 0; column 'b' is 0 in row 1"),
    bad({"precision_weights": "b"}, "t.csv: precision weights must be over 0; column 'b' is 0 in"),
    bad(COUNTS | {"exposure": "b"}, "t.csv: exposure must be over 0; column 'b' is 0 in row 1"),
    bad(
        COUNTS | {"offset": "id"},
        "t.csv: an offset is added on the scale of the log and must be between -100 and 100 (what "
        "counts are proportional to is an `exposure`); column 'id' is 600 in row 6",
        id="1|2|3|4|5|600",
    ),
    # Rows to predict
    bad({"new_data": "nev.csv"}, f"{CONFIG}.new_data: no file 'nev.csv'"),
    bad({"contrasts": [[1, 3]]}, "new.csv: `contrasts` has [1, 3], and there is no row 3", new=NEW),
    bad({}, "new.csv: is empty", new=""),
    bad({}, "new.csv: has no rows", new="g,x\n"),
    bad({}, "new.csv: no column 'x'; nearest: 'X'", new="g,X\na,1\n"),
    bad({}, "new.csv: no column 'g'", new="x\n1\n"),
    bad(
        {"missing": "drop"},
        "new.csv: column 'x' has a missing value in row 2; fill it in",
        new="g,x\na,1\nb,\n",
    ),
    bad(
        {}, "new.csv: column 'x' must be numbers; row 2 is '−1'; write -1 (", new="g,x\na,1\nb,−1\n"
    ),
    bad({}, "new.csv: column 'x' holds dates; make them numbers", new="g,x\na,25/01/2024\n"),
    bad({}, "new.csv: column 'x' must be numbers; row 1 is 'high'", new="g,x\na,high\n"),
    bad({}, "new.csv: column 'mean' has the name of a result; rename it", new="g,x,mean\na,1,1\n"),
    bad({}, "new.csv: column 'note' has the name of a result; rename it", new="g,x,note\na,1,1\n"),
    bad(
        {"formula": "y ~ z"},
        "new.csv: formula 'y ~ z': 'w' in row 2 of 'z' was not in the fitted table; known: 'u', 'v",
        new="z\nu\nw\n",
    ),
    bad(
        {"formula": "y ~ log(x)"},
        "new.csv: formula 'y ~ log(x)': 'log(x)' is -inf in row 1",
        new="x\n0\n",
    ),
    bad(BINOMIAL, "new.csv: no column 'n'", new="g\na\n"),
    bad(
        BINOMIAL,
        "new.csv: trials must be whole numbers, 1 or more; column 'n' is 0 in row 1",
        new="g,n\na,0\n",
    ),
    bad(COUNTS | {"exposure": "n"}, "new.csv: no column 'n'", new="g,x\na,1\n"),
    bad(
        COUNTS | {"exposure": "n"},
        "new.csv: exposure must be over 0; column 'n' is -1 in row 1",
        new="g,x,n\na,1,-1\n",
    ),
    bad(
        {"sigma": "se"},
        "new.csv: standard errors must be over 0; column 'se' is 0 in row 1",
        new="g,x,se\na,1,0\n",
    ),
    bad({}, "new.csv: row 2 has 1 cells, the header has 2", new="g,x\na,1\nb\n"),
    # Files
    bad_file("", "t.csv: is empty"),
    bad_file("\n\n", "t.csv: is empty"),
    bad_file(TABLE.splitlines()[0], "t.csv: has no rows"),
    bad_file(TABLE + "a,1\n", "t.csv: row 7 has 2 cells, the header has 9 (separated by commas)"),
    bad_file(TABLE.replace(",u,1", ",u,1,"), "t.csv: row 1 has 10 cells, the header has 9"),
    bad_file(TABLE.replace("b,3.1", '"b,3.1'), "t.csv: row 3 has"),
    bad_file(
        TABLE.replace("a,2.5", "å,2.5").encode("latin-1"),
        "t.csv: is not UTF-8: column 'g' in row 2 may be 'å'; save it as UTF-8",
    ),
    bad_file(TABLE.replace("id", "né").encode("latin-1"), "t.csv: is not UTF-8: its header"),
    bad_file(TABLE.encode("utf-16"), "t.csv: has NUL bytes, so it is not a CSV file in UTF-8"),
    bad_file(TABLE.encode("utf-16-le"), "t.csv: has NUL bytes, so it is not a CSV file in UTF-8"),
    bad_file(bytes(range(256)) * 9, "t.csv: "),
    bad_file(b"\0" * 99, "t.csv: has NUL bytes"),
    bad_file(gzip.compress(TABLE.encode()), "t.csv: has NUL bytes"),
    bad_file(TABLE, "t.csv.gz: cannot be read (", "t.csv.gz"),
    bad_file(gzip.compress(TABLE.encode())[:60], "t.csv.gz: cannot be read (", "t.csv.gz"),
    bad_file(TABLE, "t.xlsx: is neither .csv nor .parquet", "t.xlsx"),
    bad_file(TABLE, "t.parquet: is not a Parquet file, or a damaged one (", "t.parquet"),
    bad_file("", "t.parquet: is not a Parquet file, or a damaged one (", "t.parquet"),
    bad_file(TABLE, "parts: is not a Parquet file, or a damaged one ('in a.pa", "parts/a.parquet"),
    bad_file(TABLE, f"{CONFIG}.data: folder 'parts' has no .parquet files", "parts/a.csv"),
    # Configs
    bad_config(None, "config/config.yaml: no such file in "),
    bad_config("", "config/config.yaml: holds no keys"),
    bad_config("- studies", "config/config.yaml: holds no keys"),
    bad_config("studies: {s: [}", "config/config.yaml: line 1: not valid YAML ("),
    bad_config("studies:\n\ts: 1", "config/config.yaml: line 2: not valid YAML ("),
    bad_config("studies: *a", "config/config.yaml: line 1: not valid YAML ("),
    bad_config("a: 1\na: 2", "config/config.yaml: line 2: key 'a' is there already, in line 1"),
    bad_config("studies: {}", "config/config.yaml: no study; add one"),
    bad_config("studies: {s: }", "config/config.yaml: studies.s: no value given; it must be"),
    bad_config("seed: one\nstudies: {s: {}}", "config/config.yaml: studies.s: no `formula`"),
    bad_config("studies: {1: {}}", "config/config.yaml: line 1: the key '1' is read as a num"),
    bad_config(
        "interval: .inf\nstudies: {s: {}}", "config/config.yaml: interval: inf is not a fin"
    ),
    bad_config(b"studies: \xe9", "config/config.yaml: is not UTF-8; save it as UTF-8"),
    bad_config("seed: 1".encode("utf-16"), "config/config.yaml: is not UTF-8; save it as UTF-8"),
    bad_config("a: 1\nb: x\0y", "config/config.yaml: line 2: has the character U+0000, which is"),
    bad_config("#" + "x" * 10**7, "config/config.yaml: has 10 MB, and a config at most 10; for"),
    bad_config(f"seed: {'9' * 5000}", "config/config.yaml: line 1: the number 9999999999999999"),
    bad_config("interval: 1e400", "config/config.yaml: line 1: the number 1e400 is too large"),
    bad_config("seed: 010", "config/config.yaml: line 1: 010 is not read in the same way by every"),
    bad_config("seed: 1:30", "config/config.yaml: line 1: 1:30 is not read in the same way by"),
    bad_config("? [a, b]\n: 1", "config/config.yaml: line 1: a key must be text, not a list"),
    bad_config("? {a: b}\n: 1", "config/config.yaml: line 1: a key must be text, not a mapping"),
    bad_config("studies: {yes: 1}", "config/config.yaml: line 1: the key 'yes' is read as true or"),
    bad_config("~: 1", "config/config.yaml: line 1: the key '~' is read as no value; a"),
    bad_config("2026-01-01: 1", "config/config.yaml: line 1: the key '2026-01-01' is read as"),
    bad_config("studies: null", "config/config.yaml: no study; add one"),
    bad_config("a: 1\n---\nb: 1", "config/config.yaml: line 2: not valid YAML ("),
    bad_config("a: {<<: 3}", "config/config.yaml: line 1: not valid YAML (expected a mapping"),
    bad_config("a: !!python/name:os.system x", "config/config.yaml: line 1: the tag 'tag:yaml.org"),
    bad_config("a: !!set {b}", "config/config.yaml: line 1: the tag 'tag:yaml.org,2002:set' means"),
    bad_config("missing: drop", "config/config.yaml: unknown key 'missing'; it belongs to a study"),
    bad_config("__use_yte__: true", "config/config.yaml: unknown key '__use_yte__'; known: seed,"),
    bad_config("s: &s\n  t: *s", "config/config.yaml: line 1: this block contains itself by an al"),
    bad_config("s: &s\n  <<: *s", "config/config.yaml: line 1: this block contains itself by an"),
    bad_config(
        "a:\n - " + "[" * 99 + "]" * 99, "config/config.yaml: line 2: has more than 30 bloc"
    ),
    bad_config("a: [" + "x," * 2_000_000, "config/config.yaml: has over 1,000,000 values; a con"),
    bad_config("a: " + "[" * 10**6, "config/config.yaml: line 1: has more than 30 blocks within"),
    bad_config(
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000)),
        "config/config.yaml: line 31: the aliases in this block stand for over 1,000,000 values",
    ),
    bad_config(
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 10}]\n" for i in range(1, 9)),
        "config/config.yaml: line 7: the aliases in this block stand for over 1,000,000 values",
    ),
    bad_config('{"seed": 1, "seed": 2}', "config/config.yaml: key 'seed' is there twice; remove"),
    bad_config('{"seed": 1e999}', "config/config.yaml: seed: inf is not a finite number"),
    bad_config('{"a": ' + "[" * 9999 + "]" * 9999 + "}", "config/config.yaml: has more than 30 bl"),
    bad_config(
        "studies: {s: {data:t.csv, formula: y ~ x}}",
        "config/config.yaml: studies.s: unknown key 'data:t.csv'; put a space after the colon",
    ),
    bad_config(
        "studies: {s: {data: t.csv, formula: y ~ x, family: 2026-01-01}}",
        'config/config.yaml: studies.s.family: "2026-01-01"; it must be gaussian',
    ),
    bad_config(
        "studies: {radon: &s {data: t.csv, formula: y ~ x}, Radon: *s}",
        "config/config.yaml: studies.radon and studies.Radon are named 'radon' and 'Radon', one",
    ),
    bad({"trials": False}, f"{CONFIG}.trials: false; it must be a column of the table; yes"),
]
