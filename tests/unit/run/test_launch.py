"""A run's config is checked against the families and the priors before anything is done."""

import pytest
import yaml

from partialpool.base.errors import UserError
from partialpool.run import launch

STUDY = {"data": "t.csv", "formula": "y ~ x"}


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """A function from a study's settings to what a run is started with."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "t.csv").write_text("y,x\n1,2\n", encoding="utf-8")

    def loaded(**settings):
        config = yaml.safe_dump({"studies": {"a": STUDY | settings}})
        (tmp_path / "config/config.yaml").write_text(config, encoding="utf-8")
        return launch.load()

    return loaded


def test_a_sound_config_is_read_with_its_defaults(loaded):
    found = loaded(priors={"x": "normal(0, 1)"})
    assert found.studies["a"].outcome.family == "gaussian"
    assert found.studies["a"].priors == {"x": "normal(0, 1)"}
    assert found.strict is True


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"family": "gausian"}, "studies.a.family: .*; nearest: 'gaussian'"),
        ({"family": "binomial"}, "studies.a: no `trials`; add the column"),
        ({"priors": {"x": "norml(0, 1)"}}, r"studies.a.priors.x: .*; nearest: 'normal'"),
        ({"priors": {"sigma": "half_normal(0)"}}, "studies.a.priors.sigma: .*sigma is over 0"),
    ],
    ids=["family", "its columns", "prior", "its numbers"],
)
def test_what_the_families_and_the_priors_do_not_know_is_refused(loaded, settings, said):
    with pytest.raises(UserError, match=said):
        loaded(**settings)
