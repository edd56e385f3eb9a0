"""Read `name(number, ...)`: the form of priors and of distributions in a `simulate` block."""

import re

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CALL = re.compile(rf"\s*([A-Za-z_]\w*)\s*\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)?\s*\)\s*")


def call(text: str) -> tuple[str, tuple[float, ...]] | None:
    """Read `name(number, ...)`; None for anything else. Nothing is evaluated."""
    match = _CALL.fullmatch(text)
    if not match:
        return None
    return match[1], tuple(float(number) for number in (match[2] or "").split(",") if number)
