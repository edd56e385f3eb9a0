"""A run that did not finish leaves a page of what there is, beside the index and never as it."""

from running import TABLES

PAGE = "results/partial.html"
LINE = "data/line.csv"
REFUSED = {LINE: TABLES[LINE].replace("4,3.8", "4,<b>many</b>")}
NEW = "data/new.csv"


def test_a_failed_study_is_named_and_the_others_are_linked(finished):
    page, index = finished.folder / PAGE, finished.folder / "results/index.html"
    complete = index.read_bytes()
    finished.tables(REFUSED | {NEW: TABLES[NEW].replace("nowhere,3", "nowhere,")})
    said = finished.run("--keep-going", fails=True)
    assert f"\n{PAGE} lists what is done, and what is missing.\npartialpool: " in said

    text = page.read_text(encoding="utf-8")
    assert "2 of 3 studies are missing." in text
    assert "All 2 fits of the finished study can be trusted." in text
    for name, rule in (("hasty", "ingest"), ("measured", "new_data")):
        assert f'<strong>{name}</strong>\n<div><span class="failed-mark">✗ {rule}<' in text
        assert f'href="{name}/logs/{rule}.log"' in text
        assert (finished.folder / "results" / name / "report.html").exists()
        assert f"{name}/report.html" not in text, "it is from an earlier run"
    assert "Finished fits: unpooled, hierarchical." in text
    assert 'href="simulated/report.html"' in text
    assert "&lt;b&gt;many" in text and "<b>" not in text
    assert index.read_bytes() == complete
    assert {"index", "ingest hasty", "new_data measured"} <= finished.planned()

    finished.tables({LINE: TABLES[LINE], NEW: TABLES[NEW]})
    finished.run()
    assert not page.exists()
    assert "Nothing to be done" in finished.run()


def test_no_page_beside_an_index_that_was_written(finished):
    """A failed verdict ends the run, too, but everything is there."""
    config = finished.folder / "config/config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("strict: false", "strict: true"))
    assert PAGE not in finished.run(fails=True)
    assert not (finished.folder / PAGE).exists()


def test_no_page_of_nothing(own_folder):
    config = {"studies": {name: {"data": LINE, "formula": "y ~ x"} for name in ("one", "other")}}
    own_folder.configure(config)
    own_folder.tables(REFUSED)
    assert PAGE not in own_folder.run("--keep-going", fails=True)
    assert not (own_folder.folder / PAGE).exists()
