"""The model as mathematics: MathML that browsers draw themselves, names of data escaped.

An expression is a list of elements; a finished piece of mathematics is text, and all of
it has been written by ElementTree, so the template may take it as it is.
"""

from xml.etree.ElementTree import Element, tostring

from partialpool.priors import FAMILIES, Prior
from partialpool.report.results import Results
from partialpool.report.words import number, short

ADDENDS = 12  # of the linear predictor, before an ellipsis


def _element(tag: str, text: str | None = None, children=(), **attributes) -> list[Element]:
    made = Element(tag, attributes)
    made.text = text
    made.extend(children)
    return [made]


def _mi(name: str) -> list[Element]:
    return _element("mi", name)


def _word(text: str) -> list[Element]:
    return _element("mtext", short(text, 32))


def _mo(sign: str) -> list[Element]:
    # Infix also where it begins a piece, so that it keeps its spaces.
    return _element("mo", sign, **({"form": "infix"} if sign in "∼=+" else {}))


def _joined(sign: str, expressions) -> list[Element]:
    """Expressions with a sign between them."""
    return [e for part in expressions for e in (*_mo(sign), *part)][1:]


def _sub(base, *scripts) -> list[Element]:
    return _element("msub", children=[*base, *_element("mrow", children=_joined(",", scripts))])


def _group(i) -> list[Element]:
    """j[i], the group of row i."""
    return [*_mi("j"), *_mo("["), *i, *_mo("]")]


def _normal(mean, spread) -> list[Element]:
    arguments = [*_mo("("), *mean, *_mo(","), *spread, *_mo(")")]
    return [*_mo("∼"), *_word("Normal"), *arguments]


def _math(*expressions) -> str:
    children = [element for expression in expressions for element in expression]
    return tostring(_element("math", children=children)[0], encoding="unicode")


def lines(results: Results) -> list[list[str]]:
    """The model, a list of pieces a line; a line may be broken between its pieces."""
    model = results.model
    i, j = _mi("i"), _mi("j")
    factor, varying = model["factor"], model["varying"]
    response, expected = _sub(_word(model["response"]), i), _sub(_mi("μ"), i)
    out = [[_math(response), _math(_normal(expected, _sigma(model, i)))]]

    columns = [*model["coefficients"], *(c for c in varying if c not in model["coefficients"])]
    shown = columns[:ADDENDS]
    pieces = [_math(expected, _mo("="))]
    for position, column in enumerate(shown):
        pieces.append(_math(_mo("+") if position else [], _addend(column, model, i)))
    if len(columns) > len(shown):
        pieces.append(_math(_mo("+"), _mo("⋯")))
    out.append(pieces)

    zero = _element("mn", "0")
    if factor and len(varying) == 1:
        deviation = _sub(_mi("u"), _word(varying[0]), j)
        out.append([_math(deviation, _normal(zero, _sub(_mi("τ"), _word(varying[0]))))])
    elif factor:
        more = [_mo("⋯")] if len(varying) > ADDENDS else []
        first = [_word(name) for name in varying[:ADDENDS]]
        u = _joined(",", [*(_sub(_mi("u"), name, j) for name in first), *more])
        tau = _joined(",", [*(_sub(_mi("τ"), name) for name in first), *more])
        spread = [*_mi("D"), *_mi("C"), *_mi("D")]
        out.append([_math(_mo("("), u, _mo(")")), _math(_normal(zero, spread))])
        out.append([_math(_mi("D"), _mo("="), _word("diag"), _mo("("), tau, _mo(")"))])
    return out


def _addend(column: str, model: dict, i) -> list[Element]:
    """One column of the linear predictor with its coefficient, and its group's deviation."""
    parts = []
    if column in model["coefficients"]:
        parts.append(_sub(_mi("β"), _word(column)))
    if column in model["varying"]:
        parts.append(_sub(_mi("u"), _word(column), _group(i)))
    both = _joined("+", parts)
    if column == "Intercept":
        return both
    if len(parts) > 1:
        both = [*_mo("("), *both, *_mo(")")]
    return [*both, *_element("mspace", width="0.17em"), *_sub(_word(column), i)]


def _sigma(model: dict, i) -> list[Element]:
    sigma = model["sigma"]
    if sigma == "estimated":
        return _mi("σ")
    if sigma == "by_group":
        return _sub(_mi("σ"), _group(i))
    if isinstance(sigma, str):
        return _sub(_word(sigma), i)
    return _element("mn", number(sigma))


def sigma_words(results: Results) -> str:
    """What is known of the residual standard deviation."""
    model = results.model
    sigma, response = model["sigma"], model["response"]
    if sigma == "estimated":
        return f"σ, the standard deviation of {response} around its expected value, is estimated."
    if sigma == "by_group":
        return f"Each {model['factor']} has its own standard deviation σ around its expected value."
    if isinstance(sigma, str):
        return f"The standard error of each row is known: column {sigma}."
    return f"The standard deviation around the expected value is known: {number(sigma)}."


def priors(results: Results) -> list[dict]:
    """Every prior: `symbol` (markup), `name` as in the files, `prior`, `numbers`, `given`.

    The priors of the hierarchical fit, or of the only one.
    """
    model, stored = results.model, results.fits[-1].priors
    factor, given = model["factor"], set(stored["given"])
    term_of = {column: term for term, columns in model["terms"].items() for column in columns}
    rows = [
        (_sub(_mi("β"), _word(column)), f"beta[{column}]", text, {column, term_of.get(column)})
        for column, text in stored["beta"].items()
    ]
    if "hierarchical" in results.study["variants"]:
        for column, text in stored["sd"].items():
            symbol = _sub(_mi("τ"), _word(column))
            rows.append((symbol, f"sd_{factor}[{column}]", text, {"sd", f"sd_{factor}"}))
        if stored["cor"]:
            rows.append((_mi("C"), f"cor_{factor}", stored["cor"], {"cor", f"cor_{factor}"}))
    if stored["sigma"]:
        symbol = _sub(_mi("σ"), _mi("j")) if model["sigma"] == "by_group" else _mi("σ")
        rows.append((symbol, "sigma", stored["sigma"], {"sigma"}))
    return [
        {
            "symbol": _math(symbol),
            "name": name,
            "prior": text,
            "numbers": _numbers(text),
            "given": bool(keys & given),
        }
        for symbol, name, text, keys in rows
    ]


def _numbers(text: str) -> str:
    """The arguments of a prior by name, such as `mu = 0, sigma = 10`."""
    prior = Prior.parse(text)
    names = FAMILIES[prior.family].parameters
    return ", ".join(
        f"{name} = {number(x)}" for name, x in zip(names, prior.arguments, strict=True)
    )


def centred_words(results: Results) -> str | None:
    """Where the prior of the Intercept sits, if it is the default one and there are predictors."""
    others = [name for name in results.model["coefficients"] if name != "Intercept"]
    if not results.fits[-1].priors["centred"] or not others:
        return None
    at = ", ".join(f"{short(c, 32)} = {number(results.means[c])}" for c in others[:ADDENDS])
    more = ", …" if len(others) > ADDENDS else ""
    return (
        "The prior of the Intercept is on the expected response at the mean of the predictors "
        f"({at}{more}), not where they are all zero."
    )
