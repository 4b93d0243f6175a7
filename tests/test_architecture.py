"""The house rules that a machine can hold: floors, torch-free rooms, sizes, names."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chemscale

PACKAGE = Path(chemscale.__file__).parent
FLOORS = {
    "base": 0,
    "chem": 1,
    "scaling": 1,
    "tpe": 1,
    "training": 2,
    "language": 3,
    "forcefields": 3,
    "properties": 3,
    "studies": 4,
    "report": 5,
    "presets": 5,
    "verbs": 6,
    "cli": 7,
    "__main__": 8,
    "__init__": 8,
}
DOORS = {("properties", "forcefields")}
TORCH_FREE = ("base", "chem", "scaling", "tpe", "report")
# where imports wait until they are needed: the command line's verbs, the package's own lazy names
LAZY = {"cli", "__init__"}
BANNED = {"utils", "helpers", "common", "misc", "core", "manager"}
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("chemscale."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    here = room(path)
    for there in imported_rooms(ast.parse(path.read_text())):
        assert there == here or FLOORS[there] < FLOORS[here] or (here, there) in DOORS, f"{path}: imports {there}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    assert path.stem not in BANNED
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.body[0].lineno + 1 <= 70, f"{path}: {node.name} is too long"
            if room(path) not in LAZY and path.stem not in LAZY:
                local = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not local, f"{path}: {node.name} imports inside its body"


@pytest.mark.parametrize("name", TORCH_FREE)
def test_torch_free_rooms_import_without_torch(name: str) -> None:
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in sorted((PACKAGE / name).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    code = """
import importlib, sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is blocked in this test")
sys.meta_path.insert(0, NoTorch())
for module in sys.argv[1:]:
    importlib.import_module(module)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, *modules], check=True)


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'rdkit', 'altair', 'pandas'}"
    code = f"import sys, chemscale, chemscale.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
