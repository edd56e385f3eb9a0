"""Compare texts by appearance: canonical forms for Unicode characters that look alike."""

import re
import unicodedata

_SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_FRACTIONS = re.compile("[¼½¾⅐-⅞]")
# Formatting characters that are not of category Cf, and show nothing either.
_INVISIBLE = {
    *"\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0",
    *map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]),
}
_AS_ASCII = str.maketrans(
    {
        **dict.fromkeys("‘’‛′ʹʻʼ`´", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **{"−": "-", "⁄": "/", "∕": "/", "٪": "%", "٫": ".", "٬": ",", "。": "."},
    }
)
# Capital letters of Cyrillic, Greek, Armenian and phonetic alphabets that are drawn as Latin ones.
_DRAWN_AS_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԚԜ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ" + "ՕՍԼՏⱭꞬ",
    "ABESIJKMHOPCTYXQW" + "ABEZHIKMNOPTYXC" + "OULSAG",
)


def plain(text: str) -> str:
    """Normalise a text to plain characters.

    Compatibility forms are composed (full-width letters, ligatures), digits of any script are
    0 to 9, minus signs and dashes are hyphens, fractions are `1/2` and superscripts `^2`.
    Invisible characters are left out, and every run of spaces is one space.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    text = _SUPERSCRIPTS.sub(lambda found: f"^{found[0]}", _FRACTIONS.sub(r" \g<0>", text))
    text = unicodedata.normalize("NFKC", text).translate(_AS_ASCII)
    return " ".join("".join(map(_plain_character, text)).split())


def _plain_character(one: str) -> str:
    kind = unicodedata.category(one)
    if kind == "Nd":
        return str(unicodedata.decimal(one))
    if kind == "Pd":
        return "-"
    hidden = kind == "Cf" or (kind == "Cc" and not one.isspace()) or one in _INVISIBLE
    return "" if hidden else one


def appearance(text: str) -> str:
    """A key for comparison, the same for texts that differ in case, spaces or lookalikes only."""
    text = plain(text).casefold().upper()
    # Marks apart, or an accent on a letter would hide which letter it looks like.
    return text if text.isascii() else unicodedata.normalize("NFD", text).translate(_DRAWN_AS_LATIN)


def alike(texts) -> list[list[str]]:
    """Groups of two or more texts with the same :func:`appearance`, in order of appearance."""
    found: dict[str, list[str]] = {}
    for text in texts:
        found.setdefault(appearance(text), []).append(text)
    return [group for group in found.values() if len(group) > 1]


def differ_in_case_or_spaces(texts) -> bool:
    """Whether texts that look alike differ in case and spaces only."""
    return len({" ".join(text.split()).casefold() for text in texts}) == 1


def looks_like(one: str, other: str) -> bool:
    """Whether two texts look alike, and differ in more than case or spaces."""
    same = appearance(one) == appearance(other)
    return same and not differ_in_case_or_spaces([one, other])


def spelled(text: str) -> str:
    """A text for a message, with escapes for all characters but ASCII's."""
    return ascii(text)
