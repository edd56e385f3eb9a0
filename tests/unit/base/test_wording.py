"""Words for readers are the values they are; only hashes of code tell them apart."""

import pytest

from partialpool.base.wording import wording
from partialpool.run import fingerprint

RECORD = "from partialpool.base.wording import wording\nlimit = 3\nlabel = wording('R-hat')\n"


def test_what_is_marked_is_unchanged():
    label = ["R-hat"]
    assert wording(label) is label


@pytest.mark.parametrize(
    ("edit", "shown", "computed"),
    [(("R-hat", "potential scale"), True, False), (("limit = 3", "limit = 4"), True, True)],
    ids=["words", "a number"],
)
def test_an_edit_of_words_changes_the_hash_of_what_shows_them_alone(
    tmp_path, monkeypatch, edit, shown, computed
):
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path)
    texts = {"before": RECORD, "after": RECORD.replace(*edit)}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    before, after = (fingerprint._module(f"{name}.py") for name in texts)
    assert (before["hash"] != after["hash"]) == shown
    assert (before["hash without wording"] != after["hash without wording"]) == computed
