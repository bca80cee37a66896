"""One list of dependencies, one list of tested versions, and every other file pointing at them."""

import re
import sysconfig
import tomllib
from importlib.metadata import distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [
    Requirement(text)
    for text in PROJECT["dependencies"] + EXTRAS["lab"] + EXTRAS["test"]
    if not text.startswith("course-lib")
]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()]


def pins(**python: str) -> dict[str, SpecifierSet]:
    """What constraints.txt says for this Python, or another."""
    return {
        canonicalize_name(pin.name): pin.specifier
        for pin in PINS
        if pin.marker is None or pin.marker.evaluate(python)
    }


TESTED = pins()


@pytest.mark.parametrize("requirement", NEEDED, ids=lambda r: r.name)
def test_installed_is_tested_is_allowed(requirement):
    installed = version(requirement.name)
    assert requirement.specifier.contains(installed, prereleases=True)
    assert TESTED[canonicalize_name(requirement.name)].contains(installed, prereleases=True), (
        "constraints.txt does not name the installed version"
    )


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_python_has_pins_of_its_own(python):
    """`make pins` finds them; that numpy 2.5 has nothing for 3.11 is the example that a pin for all
    forgets."""
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{python}.9")
    found = pins(python_version=python, python_full_version=f"{python}.9")
    for requirement in NEEDED:
        (pin,) = found[canonicalize_name(requirement.name)]
        assert pin.operator == "==" and requirement.specifier.contains(pin.version), requirement
    assert (found["numpy"].contains("2.4.6")) == (python == "3.11")


def test_conda_installs_the_same_list():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    (pip,) = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    assert pip == ["-c constraints.txt", "-e .[lab]"], "no package of its own, so nothing to drift"
    (python,) = [entry for entry in conda if isinstance(entry, str) and entry.startswith("python")]
    assert tuple(map(int, python.partition("=")[2].split("."))) >= tuple(
        map(int, re.findall(r"\d+", PROJECT["requires-python"]))
    )
    assert "course-lib[lab]" in EXTRAS["test"]


def test_colab_keeps_its_own_torch_and_widgets():
    colab = {
        "torch": "2.11.0",
        "transformers": "5.15.0",
        "ipywidgets": "7.7.1",
        "anywidget": "0.9.21",
        "numpy": "2.1.3",
        "matplotlib": "3.10.0",
        "ipython": "7.34.0",
    }
    for requirement in map(Requirement, PROJECT["dependencies"]):
        if requirement.name in colab:
            assert requirement.specifier.contains(colab[requirement.name]), (
                f"{requirement} would replace what Colab brings"
            )


def test_tested_versions_are_installed_where_at_all():
    # Only what pip installed: an imported setuptools adds its own old copies of packages to sys.path.
    paths = sysconfig.get_paths()
    for found in distributions(path=[paths["purelib"], paths["platlib"]]):
        specifier = TESTED.get(canonicalize_name(found.name), SpecifierSet())
        assert specifier.contains(found.version, prereleases=True), (
            f"{found.name} {found.version} is not {specifier}"
        )
