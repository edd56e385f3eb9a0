"""Format numbers to significant digits; truncate and join text."""

import math

HUGE = 1e9  # from here on digits are counted, not decimals
SMALL = 8  # decimals at most; a small number that needs more is written with a power of ten


def number(x: float | None, digits: int = 4) -> str:
    """A number with at most so many digits that count; empty for None."""
    if x is None or math.isnan(x):
        return ""
    x = float(f"{x:.{digits - 1}e}")
    if x == 0:
        return "0"
    if not 1e-4 <= abs(x) < 1e7:
        return f"{x:.{digits}g}".replace("-", "−")
    text = fixed(x, max(0, digits - 1 - math.floor(math.log10(abs(x)))))
    return text.rstrip("0").rstrip(".") if "." in text else text


def apart(values: list[float], digits: int = 3) -> list[str]:
    """Numbers with so many digits that count, or as many as tell all of them apart, up to 8."""
    while True:
        shown = [number(x, digits) for x in values]
        if len({*shown}) == len({*values}) or digits >= 8:
            return shown
        digits += 1


def fixed(x: float | None, decimals: int) -> str:
    """A number with so many decimals, unless it is huge or tiny; a true minus, no minus zero."""
    if x is None or math.isnan(x):
        return ""
    if abs(x) >= HUGE:
        return f"{x:.3g}".replace("-", "−")
    if decimals > SMALL and abs(x) < 1e-4:
        digits = decimals + math.floor(math.log10(abs(x))) if x else -1
        return f"{x:.{min(digits, SMALL)}e}".replace("-", "−") if digits >= 0 else "0"
    text = f"{x:,.{min(decimals, SMALL)}f}"
    if not float(text.replace(",", "")):
        text = text.lstrip("-")
    return text.replace("-", "−")


def decimals(sd: float | None) -> int:
    """Decimals that show two digits of a standard deviation."""
    if not sd or not math.isfinite(sd):
        return 3
    return max(0, 1 - math.floor(math.log10(abs(sd))))


def truncate(text: str, letters: int = 60) -> str:
    """A label no longer than a cell of a table."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def a(noun: str) -> str:
    """A noun with its article."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def join_words(names, last: str = "and") -> str:
    """`a`, `a and b`, or `a, b and c`."""
    names = list(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)
