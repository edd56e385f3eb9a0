"""A made-up run, and its page."""

import fake_run_files
import pandas as pd
import pytest
from fake_run_files import S

from partialpool.base import files
from partialpool.figures import reader, study_figures
from partialpool.report import report_data, study_page


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Paths of its files, block of its config, and its table."""
    folder = tmp_path_factory.mktemp("run")
    return (
        fake_run_files.write(folder),
        fake_run_files.study(),
        pd.read_csv(folder / "t.csv", dtype={S: str}),
    )


@pytest.fixture(scope="session")
def run_results(run):
    paths, study, _ = run
    return report_data.read(paths, study)


@pytest.fixture(scope="session")
def run_page(run, run_results, tmp_path_factory):
    """HTML whose figures are replaced by their names, all of the same width."""
    paths, study, _ = run
    folder = tmp_path_factory.mktemp("figures")
    for path in study_figures.draw(reader.read(paths, study), folder):
        files.write_text(path, f'<svg width="360pt">{path.stem}</svg>')
    links = {"<i>link</i>.csv": "<i>what</i>"}
    return study_page.page(run_results, folder, links, fake_run_files.TEMPLATES)
