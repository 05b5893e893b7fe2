"""House rules that no linter knows: what may stand where in the sources."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, Module, modules

MODULES = modules()

# The outermost loops and edges: whatever goes wrong inside them is logged or told, and they go on.
BROAD_EXCEPT_ALLOWED = {
    "identity/tokens/uses.py:_keep": "uses of tokens after a failure are noted all the same",
    "core/problems.py:__call__": "the edge of a request: what is unexpected is logged once and answered with 500",
    "gateway/cli/main.py:main": "the command line tells known errors in one line and raises the others",
    "telemetry/admission/keeping.py:_keep": "what is seen after a failure is written down all the same",
    "telemetry/catalog/loading.py:_poll": "the catalogue's poll must outlive any one failure",
    "telemetry/intake/endpoint.py:__call__": "the hot endpoint stands outside the framework that would answer 500",
    "telemetry/intake/endpoint.py:_begin": "whoever offers an exchange is promised an answer",
    "telemetry/intake/endpoint.py:_settle": "the same once the group was written, whose other submissions go on",
    "gateway/rounds.py:_keep_turning": "a round that fails is turned again, and the others go on",
    "telemetry/intake/submitting.py:_keep_writing": "a writer fails its group and goes on with the next",
    "telemetry/mqtt/acknowledging.py:_read": "what cannot be read ends the connection, and a new one is made",
    "telemetry/mqtt/consuming.py:_answer": "a receipt that cannot be sent does not undo a message that is kept",
    "telemetry/mqtt/consuming.py:_keep": "a message that fails is tried again and blocks no other",
    "telemetry/mqtt/consuming.py:run": "the consumer makes a new connection whatever ended the last",
    "telemetry/mqtt/receiving.py:__call__": "a payload that a codec stumbles over goes to quarantine as it came",
}

# SQL that is not a query of a store: it belongs to a connection, not to a subject.
SQL_ALLOWED = {
    "core/database.py": "asks a server for its own settings before any schema is there",
}

_SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|CREATE\s+(TEMP|TABLE|INDEX|VIEW)"
    r"|ALTER\s+TABLE\s|DROP\s+TABLE\s|TRUNCATE\s|COPY\s+\w+\s)"
)
_VAGUE_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|managers?|misc)(_|$)")


def _docstrings(tree: ast.AST) -> set[int]:
    """Identities of the constants that are docstrings or bare strings, which are prose."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _texts(module: Module) -> Iterator[str]:
    prose = _docstrings(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it catches everything and does not let it go on; cleaning up and raising again is no matter."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(named & {"Exception", "BaseException"})


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
        return node.attr in {"environ", "environb", "getenv", "putenv"}
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and any(n.name in {"environ", "getenv"} for n in node.names)
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.place)
def test_a_module_says_in_its_first_line_what_it_is_for(module: Module) -> None:
    docstring = ast.get_docstring(module.tree)
    assert docstring, f"{module.place} has no docstring"
    assert docstring.split("\n\n")[0].rstrip().endswith((".", ":")), (
        f"{module.place}: the first paragraph is not a sentence"
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.place)
def test_a_module_is_named_after_its_subject(module: Module) -> None:
    assert not any(_VAGUE_NAMES.search(part) for part in module.name.split(".")), f"{module.place} could hold anything"


def test_package_files_hold_a_docstring_only() -> None:
    full = [m.place for m in MODULES if m.path.name == "__init__.py" and len(m.tree.body) != 1]
    assert full == [], "import-linter does not see through re-exports: keep package files empty but for the docstring"


def test_only_the_settings_read_the_environment() -> None:
    readers = {m.place for m in MODULES if any(_reads_environment(node) for node in ast.walk(m.tree))}
    assert readers - {"gateway/settings.py"} == set(), "take it from gateway.settings instead"


def test_broad_excepts_stand_in_the_outermost_loops_only() -> None:
    found = {
        f"{module.place}:{function}"
        for module in MODULES
        for function, handler in module.functions_and_handlers()
        if _is_broad(handler)
    }
    assert found - BROAD_EXCEPT_ALLOWED.keys() == set(), (
        "catch what you expect, or say here why this is an outermost loop"
    )
    assert BROAD_EXCEPT_ALLOWED.keys() - found == set(), "these are no longer needed in the allow-list"


def test_sql_stands_in_sql_files() -> None:
    found = {module.place for module in MODULES if any(_SQL.match(text) for text in _texts(module))}
    assert found - SQL_ALLOWED.keys() == set(), "move the query to sql/<subject>.sql under `-- name:`"


def test_web_errors_are_raised_as_kinds_of_the_project() -> None:
    raisers = {
        module.place
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == "HTTPException"
    }
    assert raisers - {"core/problems.py"} == set(), "subclass a kind of core.errors"


def _is_fixture(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return any("pytest.fixture" in ast.unparse(decorator) for decorator in node.decorator_list)


def _fixtures(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_fixture(node):
            yield node.name


def test_fixtures_of_the_whole_suite_have_names_of_their_own() -> None:
    names = Counter(name for path in (ROOT / "tests" / "fixtures").glob("*.py") for name in _fixtures(path))
    assert [name for name, times in names.items() if times > 1] == [], "the later one would silently stand for both"
