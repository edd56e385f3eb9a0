"""Classify the text of cells as numbers, bounds, dates, missing values or labels.

Otherwise a `−1` with a typographical minus, or the date `25/01/2024`, would be fitted as a label.
Whether `5m` is a number with a unit or a label depends on the other cells of its column, so
columns are classified as a whole.
"""

import re
import unicodedata
from enum import Enum

import numpy as np

from partialpool.base.characters import plain


class CellKind(Enum):
    """Kind of a cell that cannot be read as a number."""

    NUMBER = "number"  # written with separators, units, symbols or other characters
    BOUND = "bound"  # such as `<0.1`
    DATE = "date"  # or a time of day
    MISSING = "missing value"
    LABEL = "label"


def _words(text: str) -> set[str]:
    return set(text.split())


LONGEST = 60  # characters; a longer text is a label

# Words for a missing value, in small letters.
MISSING_WORDS = {
    *("", ".", "..", "...", "-", "--", "---", "?", "??", "???", "*", "\\n", "n/a", "n.a.", "n.a"),
    *("na", "<na>", "nan", "nat", "n/d", "n.d.", "nd", "null", "(null)", "nil", "none", "blank"),
    *("missing", "(missing)", "unknown", "undefined", "not available", "not applicable", "no data"),
    *("#n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "empty", "tbd"),
}
# Words among these that are often the name of a category.
_CLASSES = {"*", "nd", "nil", "none", "blank", "unknown", "not applicable", "empty"}

_DIGITS = r"\d+(?:\.\d*)?|\.\d+"
_DECIMAL_COMMA = r"\d*[,·]\d+"
_GROUPED = (
    r"\d{1,3}(?P<by>[ ,.'_])\d{3}(?:(?P=by)\d{3})*(?:[.,]\d+)?|"
    r"\d{1,3}(?:,\d{2})+,\d{3}"
)
_FRACTION = r"(?:\d+ )?\d+/[1-9]\d*"
_POWER = r"(?: ?[ed] ?[-+]?\d+| ?[x×*·] ?10 ?\^? ?[-+]?\d+|\^[-+]?\d+)"
_BODY = rf"(?:0x[\da-f]+|{_FRACTION}|{_GROUPED}|{_DECIMAL_COMMA}|{_DIGITS}){_POWER}?"
_CURRENCY = (
    r"(?:us|au?|ca?|r|hk|s|nz)?\$|usd|eur|gbp|jpy|chf|cny|rmb|inr|sek|nok|dkk|cad|aud|rs\.?|kr\.?|"
    r"zł|kč|ft"
)
_ABOUT = r"[~≈±] ?|(?:ca|c|circa|approx|about|around)\.? "
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?) ?(?:(?P<bound>[<>≤≥]=?|=[<>]) ?)?(?:(?:{_CURRENCY}) ?|{_ABOUT})?"
    rf"(?P<inner>[-+]?) ?(?P<body>{_BODY})(?P<space> ?)(?P<rest>.*)"
)
_BRACKETED = re.compile(r"\((.*)\)")
# What a text cell of a spreadsheet begins with: '5 or ="5".
_MARKED_AS_TEXT = re.compile(r"'(.*)|=\"(.*)\"")
_PLAIN_REST = re.compile(rf"|[%‰]|°|\*{{1,3}}|[.,]-|{_CURRENCY}")
_PART = rf"-?(?:{_DECIMAL_COMMA}|{_DIGITS})%?"
_WITH_ERROR = re.compile(rf"(?:±|\+/-) ?{_PART}|[(\[] ?{_PART}(?:[-,; ]+{_PART})? ?[)\]]")
# Below or above a limit that is not given.
_BOUND_WORDS = re.compile(
    r"[<>≤≥]=? ?[^\W\d]+|b[dlq][lq]|bloq|u?l?loq|lod|loq|(?:below|above) .*limit.*"
)
_MORE = re.compile(r"\+|or (?:more|less|over|under|older|younger)|and (?:more|over|older)")
_UNIT = re.compile(r"[^\W\d_°][^\d]{0,30}|°[cf]")
# With powers, such as m2, mg L-1 or kg m^-2.
_POWERS = re.compile(r"(?:[^\W\d_]{1,5}(?:\^?-?[1-4])?[ /·.*]?){1,5}")
_BESIDE = re.compile(rf"{_PLAIN_REST.pattern}|{_UNIT.pattern}|{_POWERS.pattern}")
_UNITS = _words(
    """
    kg mg µg μg ug ng lb lbs oz km cm mm µm μm um nm ft in inch mi mph ml dl cl µl ha ms sec
    min hr hrs wk mo yr day week month year hour minute second °c °f pa kpa hpa mpa bar mmhg
    hz khz mhz ghz mv kv ma kw kwh mw kj kcal cal mol mmol rpm ppm ppb ppt mg/l mg/dl g/l
    mg/kg m/s km/h kg/m^2 kg/m2 m^2 m^3 km^2 cm^2 m2 m3 km2 cm2 mm2 cm3 iu percent pct
    meter metre gram liter litre kilo mile foot feet inches euro dollar pound times
    """
)
_LETTERS = set("cdfghjklmnstvwxy")  # that may be a unit
_MAGNITUDES = {"k", "m", "bn", "mn", "mio", "mrd", "mill", "million", "billion", "thousand"}
# Several units at a time, such as 5 ft 11 in, 1 h 30 min or 51°30'N.
_COMPOUND = re.compile(
    rf"-?(?:(?:{_DIGITS}) ?(?:ft|feet|in|lbs?|oz|st|d|h|hrs?|m|mins?|s|secs?|['\"°]|'') ?){{2,}}"
    rf"[nsew]?|(?:{_DIGITS}) ?' ?(?:{_DIGITS})"
)
_ORDINAL = re.compile(r"\d*(?:1st|2nd|3rd|\dth)|\d+0s|\d+[ºª]")

_TIME = re.compile(
    r"(?:^|[t, ]\s*)(?:\d{1,3}[:h][0-5]\d(?::[0-5]\d)?(?:[.,]\d+)?(?: ?[ap]\.?m\.?)?|"
    r"\d{1,2} ?[ap]\.?m\.?)(?: ?(?:z|[a-z]{3,4}|[-+]\d{2}(?::?\d{2})?))?$"
)
_THREE_PARTS = re.compile(r"(\d{1,4})([-/. ]) ?(\d{1,2})\2 ?(\d{1,4})\.?")
_YEAR_MONTH = re.compile(r"(\d{4})([-/])(\d{1,2})|(\d{1,2})[-/](\d{4})")
_WRITTEN_OUT = re.compile(r"\d{8}t\d{4,6}z?|\d{4} ?[年년] ?\d{1,2} ?[月월](?: ?\d{1,2} ?[日일])?")
_MONTHS = _words(
    """
    jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june
    july august september october november december januar februar märz mär mai juni juli
    oktober okt dezember dez jänner janvier janv février févr fév mars avril avr juin
    juillet juil août septembre octobre novembre décembre déc enero ene febrero marzo abril
    abr mayo junio julio agosto ago septiembre octubre noviembre diciembre dic gennaio gen
    febbraio aprile maggio mag giugno giu luglio lug settembre set ottobre ott dicembre
    janeiro fevereiro março maio junho julho setembro outubro out dezembro januari februari
    maart mrt mei augustus augusti
    """
)
_AROUND_MONTHS = _words(
    """
    mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday
    saturday sunday st nd rd th of de the
    """
)
_BETWEEN_LETTERS_AND_DIGITS = re.compile(r"(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")


def kinds(cells) -> dict[str, CellKind]:
    """Classify the distinct cells of a column that cannot be read as numbers.

    Parameters
    ----------
    cells : iterable of str

    Returns
    -------
    dict of str to CellKind
        A number with a word after it that is no common unit, such as `5m`, is a number where at
        least three of them, or two with a space before it, have the same word; else a label.
    """
    found = {cell: _alone(_unmarked(cell)) for cell in cells}
    words = {cell: kind for cell, kind in found.items() if not isinstance(kind, CellKind)}
    same = {word for word, _ in words.values()}
    spaced = any(space for _, space in words.values())
    uniform = len(same) == 1 or same <= _MAGNITUDES
    unit = CellKind.NUMBER if uniform and len(words) >= (2 if spaced else 3) else CellKind.LABEL
    seasons = [cell for cell in found if _is_season(plain(cell))]
    if len(seasons) > sum(kind is CellKind.DATE for kind in found.values()) / 2:
        found |= dict.fromkeys(seasons, CellKind.LABEL)
    return {cell: kind if isinstance(kind, CellKind) else unit for cell, kind in found.items()}


def _unmarked(cell: str) -> str:
    """A cell in plain characters, without the mark by which spreadsheets protect text."""
    text = plain(cell)
    found = _MARKED_AS_TEXT.fullmatch(text)
    return (found[1] or found[2] or "") if found else text


def _alone(text: str) -> CellKind | tuple[str, bool]:
    """The kind of one cell; if a word follows a number, the word, and if a space precedes it."""
    small = text.casefold()
    if len(text) > LONGEST:
        return CellKind.LABEL
    if small in MISSING_WORDS:
        return CellKind.MISSING
    if _BOUND_WORDS.fullmatch(small):
        return CellKind.BOUND
    if _is_date(small):
        return CellKind.DATE
    if _COMPOUND.fullmatch(small):
        return CellKind.NUMBER
    found = _parsed(text)
    if found is None or _ORDINAL.fullmatch(small):
        return CellKind.LABEL
    rest = found["rest"]
    word = re.sub(r"[.s]+$", "", rest)
    if found["bound"] or _MORE.fullmatch(rest):
        return CellKind.BOUND
    if _PLAIN_REST.fullmatch(rest) or _WITH_ERROR.fullmatch(rest):
        return CellKind.NUMBER
    if {rest, word} & _UNITS:
        return CellKind.NUMBER
    may_be_unit = _UNIT.fullmatch(rest) and (len(word) > 1 or word in _LETTERS)
    may_be_unit = may_be_unit or (found["space"] and _POWERS.fullmatch(rest))
    return (word, bool(found["space"])) if may_be_unit else CellKind.LABEL


def _parsed(text: str) -> dict[str, str] | None:
    """Parts of a number in another notation; None if the text is no number."""
    text = "".join("$" if unicodedata.category(one) == "Sc" else one for one in text).casefold()
    bracketed = _BRACKETED.fullmatch(text)
    found = _NUMBER.fullmatch(bracketed[1].strip() if bracketed else text)
    if found is None or (found["sign"] and found["inner"]):
        return None
    parts = found.groupdict(default="")
    return parts | {"sign": "-" if bracketed else parts["sign"] or parts["inner"]}


def plain_number(cell: str) -> str:
    """How a number should be written; empty if its notation is ambiguous."""
    found = _parsed(_unmarked(cell))
    if found is None or found["bound"] or not _BESIDE.fullmatch(found["rest"]):
        return ""
    if found["rest"] in _MAGNITUDES and (found["rest"] != "m" or not cell[0].isdigit()):
        return ""  # 1.5k is not 1.5; 5m may be metres
    body = found["body"]
    if re.fullmatch(r"\d+[,·]\d+|,\d+", body) and not re.fullmatch(r"[1-9]\d{0,2},\d{3}", body):
        body = re.sub("[,·]", ".", body)
    elif re.fullmatch(r"\d{1,3}([ '_]\d{3})+(\.\d+)?|\d{1,3}(,\d{3}){2,}(\.\d+)?", body):
        body = re.sub("[ ,'_]", "", body)
    elif not re.fullmatch(_DIGITS, body):
        return ""
    return found["sign"].strip("+") + body


def in_one_unit(cells) -> bool:
    """Whether all numbers among the cells have the same unit, or none."""
    found = (_parsed(_unmarked(cell)) for cell in cells)
    rests = (parts["rest"] for parts in found if parts)
    words = {re.sub(r"[.s]+$", "", rest) for rest in rests if re.search(r"[^\W\d_]|[%‰]", rest)}
    return len(words) < 2


def is_time(cell: str) -> bool:
    """Whether a cell of kind `DATE` is a time of day only."""
    return _TIME.fullmatch(_unmarked(cell).casefold()) is not None


def _is_date(text: str) -> bool:
    """Whether a text in small letters is a date, a time, or both."""
    date = _TIME.sub("", text)
    if date == "" or _WRITTEN_OUT.fullmatch(date):
        return True
    if found := _THREE_PARTS.fullmatch(date):
        first, separator, second, third = found.groups()
        return _may_be_date(first, second, third, separator)
    if found := _YEAR_MONTH.fullmatch(date):
        year, month = int(found[1] or found[5]), int(found[3] or found[4])
        return 1000 <= year < 3000 and 1 <= month <= 12
    tokens = re.split(r"[ ,./'-]+", _BETWEEN_LETTERS_AND_DIGITS.sub(" ", date).strip(" ,.'"))
    words = [token for token in tokens if not token.isdigit()]
    months = [word for word in words if word in _MONTHS]
    numbers = [token for token in tokens if token.isdigit()]
    return (
        len(months) == 1
        and {*words} <= {*months, *_AROUND_MONTHS}
        and 1 <= len(numbers) <= 2
        and all(len(one) == 4 or len(one) <= 2 for one in numbers)
    )


def _may_be_date(first: str, second: str, third: str, separator: str) -> bool:
    """Whether three numbers are year, month and day, in one of the usual orders."""
    if len(first) == 4:
        year, others = int(first), (int(second), int(third))
    elif len(third) == 4:
        year, others = int(third), (int(first), int(second))
    elif {len(first), len(second), len(third)} == {2} or (separator in "/." and len(third) == 2):
        days = int(first), int(second)
        year = 2000
        others = days if max(days) <= 31 and min(days) <= 12 else (int(second), int(third))
    else:
        return False
    return 1000 <= year < 3000 and 1 <= min(others) <= 12 and 1 <= max(others) <= 31


def _is_season(text: str) -> bool:
    """Whether a text is two consecutive years, such as 2019/20, not a month of a year."""
    found = re.fullmatch(r"(\d{2}|\d{4})[-/](\d{2}|\d{4})", text)
    if found is None or len(found[1]) < len(found[2]):
        return False
    return (int(found[1]) + 1 - int(found[2])) % 10 ** len(found[2]) == 0


def usually_missing(label: str) -> bool:
    """Whether a label is more likely a missing value than the name of a class."""
    small = plain(label).casefold()
    return label == "None" or small in MISSING_WORDS - _CLASSES


def compact_dates(values: np.ndarray) -> bool:
    """Whether numbers are all dates as 20240131, or all months as 202401."""
    if not len(values) or not (np.isfinite(values) & (values == np.floor(values))).all():
        return False
    for months, days in ((values // 100, values % 100), (values, None)):
        year, month = months // 100, months % 100
        fine = (year >= 1800) & (year <= 2100) & (month >= 1) & (month <= 12)
        if days is not None:
            fine &= (days >= 1) & (days <= 31)
        if fine.all():
            return True
    return False
