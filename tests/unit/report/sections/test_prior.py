"""Warnings about priors are on the page, once for all fits that share them."""

from dataclasses import replace

from reports import page, results

from partialpool.report.sections import prior


def test_a_warning_names_the_fits_that_have_it(tmp_path):
    found = results()
    texts = (["a < b"], ["a < b", "c"], [])
    fits = [replace(fit, warnings=own) for fit, own in zip(found.fits, texts, strict=True)]
    found = replace(found, fits=fits)
    assert prior.build(found)["warnings"] == [
        {"variants": ["pooled", "unpooled"], "text": "a < b"},
        {"variants": ["unpooled"], "text": "c"},
    ]
    assert "<strong>⚠ pooled and unpooled.</strong> a &lt; b</p>" in page(found, tmp_path)
