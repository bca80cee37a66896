"""The house: no name stands for two things."""
import pkgutil
from importlib import import_module

import pytest


@pytest.mark.parametrize("room", ["bench", "generation", "interpret", "loop", "models", "nn", "text", "training", "viz"])
def test_no_module_is_hidden_by_what_its_package_exports(room):
    package = import_module(f"course_lib.{room}")
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(getattr(package, "__all__", ())), "import_module and the package would give two different things"
