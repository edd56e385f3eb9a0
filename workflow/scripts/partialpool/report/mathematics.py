"""The model as mathematics: MathML that browsers draw themselves, names of data escaped."""

import re

from markupsafe import Markup, escape

from partialpool.priors import FAMILIES, Prior
from partialpool.report.results import Results
from partialpool.report.words import number

ADDENDS = 12  # of the linear predictor, before an ellipsis


def _mi(name: str) -> Markup:
    return Markup("<mi>{}</mi>").format(name)


def _word(text: str) -> Markup:
    return Markup("<mtext>{}</mtext>").format(shortened(text))


def _mo(sign: str) -> Markup:
    # Infix also where it begins a piece, so that it keeps its spaces.
    return Markup('<mo form="infix">{}</mo>' if sign in "∼=+" else "<mo>{}</mo>").format(sign)


def _sub(base, *scripts) -> Markup:
    joined = _mo(",").join(scripts)
    return Markup("<msub>{}<mrow>{}</mrow></msub>").format(base, joined)


def _math(*parts) -> Markup:
    return Markup("<math>{}</math>").format(Markup("").join(parts))


def shortened(text: str, letters: int = 32) -> str:
    """A name no longer than a line."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _normal(mean, spread) -> Markup:
    return _mo("∼") + _word("Normal") + _mo("(") + mean + _mo(",") + spread + _mo(")")


def lines(results: Results) -> list[list[Markup]]:
    """The model, a list of pieces a line; a line may be broken between its pieces."""
    model = results.model
    i, j = _mi("i"), _mi("j")
    factor, varying = model["factor"], model["varying"]
    response = _sub(_word(model["response"]), i)
    out = [[_math(response), _math(_normal(_sub(_mi("μ"), i), _sigma(model, i)))]]

    columns = [*model["coefficients"], *(c for c in varying if c not in model["coefficients"])]
    shown = columns[:ADDENDS]
    pieces = [_math(_sub(_mi("μ"), i), _mo("="))]
    for position, column in enumerate(shown):
        plus = _mo("+") if position else Markup("")
        pieces.append(_math(plus, _addend(column, model, i)))
    if len(columns) > len(shown):
        pieces.append(_math(_mo("+"), _mo("⋯")))
    out.append(pieces)

    if factor and len(varying) == 1:
        deviation = _sub(_mi("u"), _word(varying[0]), j)
        out.append([_math(deviation, _normal(_mi("0"), _sub(_mi("τ"), _word(varying[0]))))])
    elif factor:
        names = _mo(",").join(_sub(_mi("u"), _word(name), j) for name in varying[:ADDENDS])
        if len(varying) > ADDENDS:
            names += _mo(",") + _mo("⋯")
        spread = _mi("D") + _mi("C") + _mi("D")
        diagonal = _mo(",").join(_sub(_mi("τ"), _word(name)) for name in varying[:ADDENDS])
        out.append([_math(_mo("("), names, _mo(")")), _math(_normal(_mi("0"), spread))])
        out.append([_math(_mi("D"), _mo("="), _word("diag"), _mo("("), diagonal, _mo(")"))])
    return out


def _addend(column: str, model: dict, i: Markup) -> Markup:
    """One column of the linear predictor with its coefficient, and its group's deviation."""
    beta = _sub(_mi("β"), _word(column)) if column in model["coefficients"] else None
    u = None
    if column in model["varying"]:
        group = Markup("<mrow>{}<mo>[</mo>{}<mo>]</mo></mrow>").format(_mi("j"), i)
        u = _sub(_mi("u"), _word(column), group)
    both = _mo("+").join(part for part in (beta, u) if part is not None)
    if column == "Intercept":
        return both
    if beta is not None and u is not None:
        both = _mo("(") + both + _mo(")")
    return both + Markup('<mspace width="0.17em"/>') + _sub(_word(column), i)


def _sigma(model: dict, i: Markup) -> Markup:
    sigma = model["sigma"]
    if sigma == "estimated":
        return _mi("σ")
    if sigma == "by_group":
        return _sub(_mi("σ"), Markup("<mrow>{}<mo>[</mo>{}<mo>]</mo></mrow>").format(_mi("j"), i))
    if isinstance(sigma, str):
        return _sub(_word(sigma), i)
    return Markup("<mn>{}</mn>").format(number(sigma))


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
    at = ", ".join(f"{shortened(c)} = {number(results.means[c])}" for c in others[:ADDENDS])
    more = ", …" if len(others) > ADDENDS else ""
    return (
        "The prior of the Intercept is on the expected response at the mean of the predictors "
        f"({at}{more}), not where they are all zero."
    )


def plain(symbol: Markup) -> str:
    """The text of a symbol, without its markup."""
    return re.sub(r"<[^>]+>", "", str(escape(symbol)))
