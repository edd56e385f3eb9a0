"""Notation of other packages, and characters that look like others: what to write instead."""

import unicodedata

from partialpool.base.errors import error_text

_SMOOTH = error_text(
    "smooths are written cr(x, df=6) or bs(x, df=6), with a number of columns you choose, and "
    "groups (1 | g)"
)
_CYCLE = error_text("a cycle is written cc(x, period=12), or make a column of it in the table")
_TIME = error_text(
    "correlation along time or space is not available; group terms such as (1 | g) are"
)
_FACTOR = error_text("a column is taken as labels by C(x)")
_SUCCESSES = error_text(
    "the response is the number of successes: `c ~ x` with the keys `family: binomial` and "
    "`trials: n`, the column of trials"
)
_WEIGHTS = error_text(
    "weights are a key of the study: `weights: w` where a row stands for w rows, "
    "`precision_weights: w` where its variance is sigma**2 / w"
)
_CENSORED = error_text("censored responses are not available")
_SEVERAL = error_text("write one study for each response")
_TRUNCATED = error_text("truncated responses are not available")

# What to write for functions of lme4, brms, mgcv, glmmTMB, Bambi and base R.
FUNCTIONS = error_text(
    {
        "offset": "an offset is a key of the study: `offset: column`, or `exposure: n` for "
        "offset(log(n)) of counts",
        **dict.fromkeys(("cbind", "p", "prop", "proportion", "trials"), _SUCCESSES),
        **dict.fromkeys(("mvbind", "mvbrmsformula", "bf", "resp"), _SEVERAL),
        "weights": _WEIGHTS,
        "weighted": _WEIGHTS,
        "se": "standard errors are a key of the study, `sigma: column`",
        "rate": "what a count is proportional to is a key of the study, `exposure: column`",
        **dict.fromkeys(("cens", "censored", "Surv"), _CENSORED),
        **dict.fromkeys(("trunc", "truncated"), _TRUNCATED),
        "subset": "leave rows out of the table, or make a table of those you want",
        **dict.fromkeys(("s", "te", "ti", "t2", "lo", "gp", "hsgp", "tp"), _SMOOTH),
        "ns": "a natural cubic spline is written cr(x, df=4), a B-spline bs(x, df=4)",
        "rcs": "a natural cubic spline is written cr(x, df=4)",
        "mo": "monotonic effects are not available; C(x) takes the steps as labels, x as a line",
        "me": "errors in predictors are not available; write the column itself",
        "mi": "missing values are not modelled; write the column itself, with `missing: drop`",
        "gr": "the grouping factor is written alone: (1 | g)",
        "mm": "multiple membership is not available; a row belongs to one group of a factor, "
        "(1 | g)",
        "cs": "effects that differ by category are not available; write the column itself",
        **dict.fromkeys(
            (
                "ar",
                "ar1",
                "ma",
                "arma",
                "cosy",
                "unstr",
                "sar",
                "car",
                "fcor",
                "toep",
                "ou",
                "gau",
                "mat",
            ),
            _TIME,
        ),
        **dict.fromkeys(
            ("diag", "us"), "write (1 + x || g) without correlation, (1 + x | g) with it"
        ),
        **dict.fromkeys(("factor", "as.factor", "ordered", "as.ordered", "as.character"), _FACTOR),
        "relevel": "the reference label is chosen by C(x, Treatment('a'))",
        "interaction": "the interaction of a and b is written a:b, or a * b with both of them",
        "dummy": "a column of 0 and 1 for one label is written I(x == 'a')",
        **dict.fromkeys(
            ("B", "binary"), "a column of 0 and 1 for one label is written I(x == 'a')"
        ),
        **dict.fromkeys(("ifelse", "where", "np.where"), "a column of 0 and 1 is written I(x > 0)"),
        "as.numeric": "numbers are numbers already; write the column itself",
        "as.integer": "numbers are numbers already; write the column itself",
        "ln": "the natural logarithm is log(x)",
        "Q": "a name with unusual characters goes in backticks: `a b`",
        "contr.sum": "write C(x, Sum)",
        "contr.treatment": "write C(x, Treatment)",
        **dict.fromkeys(
            ("f", "strata", "frailty", "cluster", "random", "re"), "groups are (1 | g)"
        ),
        **dict.fromkeys(("sin", "cos", "np.sin", "np.cos"), _CYCLE),
        "cut": "make a column of the ranges in the table",
        "constrained": "coefficients are constrained by their `priors` only",
    }
)

# Words of R that mean something else here, or nothing.
WORDS = error_text(
    {
        "TRUE": "write True, not TRUE",
        "FALSE": "write False, not FALSE",
        "NULL": "NULL has no meaning here; leave it out",
        "NA": "NA has no meaning here; leave it out",
        "NaN": "NaN has no meaning here; leave it out",
        "Inf": "infinite numbers cannot be used",
        "Intercept": "the intercept is written 1, as in `y ~ 1 + x`, or left out as in `y ~ 0 + x`"
        "; a column called 'Intercept' must be renamed",
    }
)

# Signs without a meaning in a formula.
SIGNS = error_text(
    {
        "^": "a power is written with **: I(x**2) of a column, (a + b)**2 for interactions",
        "#": "a formula has no comments; leave out # and what follows",
        ";": "a formula is one expression; leave out ; and what follows",
        "{": "arithmetic is written I(x + z), not {x + z}",
        "}": "arithmetic is written I(x + z), not {x + z}",
        "%in%": "b within a is written a/b, or a:b alone, not b %in% a",
        "&": "two conditions are written I((x > 0) * (z > 0)), not with &",
        "&&": "two conditions are written I((x > 0) * (z > 0)), not with &&",
        "!": "a condition that does not hold is written with != or the opposite comparison, "
        "I(x != 1)",
        "$": "a column is named alone: x, not data$x",
        "@": "@ has no meaning in a formula; an interaction is written a:b",
        "//": "// has no meaning in a formula; division is written I(x / z)",
        "<-": "<- has no meaning in a formula; a comparison is written I(x < -1)",
        "~~": "~ is written once, between the response and the predictors",
    }
)

_LIKE = {
    "~": "\u223c\u223d\u223e\u02dc\u301c\uff5e\u02f7",
    "|": "\u2223\uff5c\u01c0\u00a6\u2502\u2758\u23d0",
    "||": "\u2225\u2016",
    "+": "\uff0b\ufe62\u2795\u207a",
    "-": "\u2212\u2010\u2011\u2012\u2013\u2014\u2015\u00ad\uff0d\ufe63\u2796\u207b\u02d7\u2043",
    "*": "\uff0a\u2217\u00d7\u22c5\u00b7\u2022\u2715\u2731\ufe61\u2a2f",
    "/": "\u2215\u2044\uff0f\u00f7",
    "(": "\uff08\ufe59\u207d\u2768",
    ")": "\uff09\ufe5a\u207e\u2769",
    ":": "\uff1a\u2236\ua789\ufe55\u02d0",
    ",": "\uff0c\u201a\u3001\ufe50",
    "=": "\uff1d\ufe66",
    "<": "\uff1c\u2039",
    ">": "\uff1e\u203a",
    "<=": "\u2264",
    ">=": "\u2265",
    "!=": "\u2260",
    "_": "\uff3f",
    ".": "\uff0e",
    "'": "\u2018\u2019\u201b\u2032\uff07\u00b4",
    '"': "\u201c\u201d\u201f\u2033\uff02\u00ab\u00bb",
    "`": "\uff40\u02cb",
    "**2": "\u00b2",
    "**3": "\u00b3",
}
_PLAIN = {odd: plain for plain, many in _LIKE.items() for odd in many}


def lookalike(character: str) -> str | None:
    """Describe a character that looks like another one, or is invisible; None for others."""
    category = unicodedata.category(character)
    if character in _PLAIN and character != "\u00ad":
        return error_text(f"is {_named(character)}; write {_PLAIN[character]!r}")
    if category in ("Zs", "Zl", "Zp") and character != " ":
        return error_text(f"is a space of another kind ({_named(character)}); write a plain one")
    if category in ("Cc", "Cf", "Co", "Cn", "Cs") and character not in "\t\r\n":
        return error_text(f"is invisible ({_named(character)}); leave it out")
    if category == "Nd" and not "0" <= character <= "9":
        return error_text(f"is {_named(character)}; write {unicodedata.digit(character)}")
    return None


@error_text
def _named(character: str) -> str:
    return f"{unicodedata.name(character, 'a control character')}, U+{ord(character):04X}"
