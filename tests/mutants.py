"""Which changes of the core no test sees: `nox -s mutants -- [path ...] [--sample N]`.

A mutant is the core with one operator, number, condition, argument, call or statement changed.
The tests run once in one process, which notes what lines each of them runs. Then each mutant gets
a fork of that process, where the changed code takes the place of the old, and only the tests that
run the changed lines are run, those first that have seen a change nearby, up to one that fails.

Strings, annotations and what is raised are left alone; whether it is raised is not. A survivor is
a test that is missing, or another way to the same number, or a derivative, which NumPy has none of.
"""

import argparse
import ast
import gc
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

os.environ |= {"WEIGHTEDCE_ALONE": "numpy"}  # no derivative is taken
os.environ |= {"DASK_SCHEDULER": "synchronous", "OPENBLAS_NUM_THREADS": "1"}  # no thread forks

import pytest
from _pytest.runner import runtestprotocol
from coverage import Coverage
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent
CORE = [
    *("losses", "call", "linear", "numerics", "weights", "calibration", "backends/numpy"),
    *("backends/__init__.py", "backends/contract.py", "backends/standard.py"),
]
SLOW = ["command", "examples", "keras", "package", "quick_starts", "validate_own", "validation"]
OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,  # codespell:ignore
}  # fmt: skip
SYMMETRIC = {"maximum", "minimum", "cast"}
PLAIN = {"len", "isinstance", "getattr", "tuple", "list", "set", "dict", "partial", "reversed"}


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node."""
    match node:
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() if type(node.op) in OTHER:
            yield with_(node, op=OTHER[type(node.op)]())
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            yield with_(node, ops=[OTHER[type(op)]()])
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Constant(value=bool()):
            yield with_(node, value=not node.value)
        case ast.Constant(value=int() | float()):
            yield with_(node, value=node.value + 1)
        case ast.If() | ast.IfExp():
            for answer in (True, False):
                yield with_(node, test=ast.copy_location(ast.Constant(answer), node.test))
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield ast.copy_location(ast.Pass(), node)
        case ast.Call(func=func, args=args, keywords=keywords):
            name = getattr(func, "id", getattr(func, "attr", ""))
            for i, keyword in enumerate(keywords):
                if keyword.arg:
                    yield with_(node, keywords=keywords[:i] + keywords[i + 1 :])
            if name in PLAIN or not args or isinstance(args[0], ast.Starred):
                return
            if len(args) > 1 and name not in SYMMETRIC:
                yield with_(node, args=[*args[:-2], args[-1], args[-2]])
            if not isinstance(args[0], ast.Constant | ast.GeneratorExp):
                yield args[0]


def with_(node: ast.AST, **fields: Any) -> Any:
    """Return a copy of a node with other fields."""
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **fields}), node)


@dataclass(eq=False)
class Mutant:
    """A node of a file, what stands in its place, and the lines that have to run to see it."""

    path: Path
    tree: ast.Module
    owner: ast.AST
    field: str
    index: int | None
    old: Any
    new: ast.AST
    lines: range
    scope: ast.FunctionDef | None  # the outermost function; None: a constant of the module

    def apply(self, functions: list[FunctionType]) -> bool:
        """Change the running program, for good: only a fork does this. Tell whether it could."""
        if self.index is None:
            setattr(self.owner, self.field, self.new)
        else:
            getattr(self.owner, self.field)[self.index] = self.new
        file, loaded = str(self.path), list(sys.modules.values())
        space = next(vars(m) for m in loaded if getattr(m, "__file__", None) == file)
        if self.scope is None:  # in all modules that have imported it
            statement = next(s for s in self.tree.body if s.lineno == self.lines[0])
            new = dict(space)
            exec(compile(ast.Module([statement], []), file, "exec"), new)
            for name in {x.id for x in ast.walk(statement) if isinstance(x, ast.Name)} & set(new):
                for module in loaded:
                    if new[name] is not space.get(name) is vars(module).get(name):
                        setattr(module, name, new[name])
            return True
        codes, found = {}, [compile(self.tree, file, "exec")]
        for code in found:
            codes[code.co_qualname, code.co_firstlineno] = code
            found += [x for x in code.co_consts if isinstance(x, CodeType)]
        starts = {self.scope.lineno, *(x.lineno for x in self.scope.decorator_list)}
        own = [x for x in functions if x.__code__.co_filename == file]
        own = [x for x in own if x.__code__.co_firstlineno in starts]
        for function in own:
            old = function.__code__
            function.__code__ = codes[old.co_qualname, old.co_firstlineno]
            self._set_defaults(function, space)
        return bool(own)

    def _set_defaults(self, function: FunctionType, space: dict[str, Any]) -> None:
        def value(expression: Any) -> Any:
            return eval(compile(ast.Expression(expression), "default", "eval"), space)

        given = self.scope.args
        if function.__name__ != self.scope.name:
            return
        if function.__defaults__:
            function.__defaults__ = tuple(map(value, given.defaults))
        if function.__kwdefaults__:
            pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
            function.__kwdefaults__ = {a.arg: value(x) for a, x in pairs if x is not None}

    def __str__(self) -> str:
        place = f"{self.path.relative_to(ROOT)}:{self.old.lineno}"
        return f"{place}: {short(self.old)}  ->  {short(self.new)}"


def short(node: Any) -> str:
    """Return a node in one line."""
    return f"if {ast.unparse(node.test)}" if isinstance(node, ast.If) else ast.unparse(node)


def mutants_of(path: Path) -> list[Mutant]:
    """Return the mutants of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    found = []

    def visit(node: ast.AST, scope: Any, lines: Any) -> None:
        if isinstance(node, ast.FunctionDef):
            scope, lines = scope or node, range(node.lineno, node.end_lineno + 1)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                text = isinstance(getattr(child, "value", None), ast.Constant)
                if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                    continue
                if isinstance(child, ast.Expr) and text:
                    continue
                if isinstance(node, ast.ClassDef) and not isinstance(child, ast.FunctionDef):
                    continue  # fields
                at = lines
                if isinstance(child, ast.stmt):
                    body = getattr(child, "body", None)
                    end = body[0].lineno - 1 if body else child.end_lineno
                    at = range(child.lineno, max(child.lineno, end) + 1)
                if at and (scope or isinstance(child, ast.expr)):
                    for new in changed(child):
                        ast.fix_missing_locations(new)
                        found.append(Mutant(path, tree, node, field, index, child, new, at, scope))
                if not isinstance(child, ast.Raise):
                    visit(child, scope, at)

    visit(tree, None, None)
    return found


class Hunt:
    """The run, as a plugin of pytest: it takes the place of the loop over the tests."""

    def __init__(self, mutants: list[Mutant], seconds: float) -> None:
        self.mutants, self.limit = mutants, seconds
        self.files = {str(mutant.path) for mutant in mutants}
        self.tests: dict[Any, set[int]] = defaultdict(set)  # that run a line, or a file

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = session.items
        modules = [m for m in sys.modules.values() if getattr(m, "__file__", None) in self.files]
        if not modules:
            raise pytest.UsageError(f"weightedce is not imported from {ROOT}")
        tables = [x for m in modules for k, x in vars(m).items() if not k.startswith("__")]
        self.tables = [(x, x.copy()) for x in tables if isinstance(x, dict | list | set)]
        self.note_lines()
        seconds = {}  # of the second time: what the oracle has computed stays known
        for i, item in enumerate(self.items):
            start = time.process_time()
            if not self.passes(i):
                raise pytest.UsageError(f"fails without a change: {item.nodeid}")
            seconds[i] = time.process_time() - start
        say(f"{len(seconds)} tests, {sum(seconds.values()):.0f} s; {len(self.mutants)} mutants")
        gc.unfreeze()  # what `libraries` froze is not among the objects
        gc.collect()
        self.functions = [
            x
            for x in gc.get_objects()
            if isinstance(x, FunctionType) and x.__code__.co_filename in self.files
        ]
        gc.freeze()
        self.hunt(seconds)
        return True

    def hunt(self, seconds: dict[int, float]) -> None:
        everywhere: Counter[int] = Counter()
        nearby: dict[Any, Counter[int]] = defaultdict(Counter)
        left, counts = [], defaultdict(Counter)
        for n, mutant in enumerate(self.mutants):
            near, file = nearby[mutant.path, mutant.scope], str(mutant.path)
            places = [(file, line) for line in mutant.lines] if mutant.scope else [file]
            tests = sorted(
                {i for place in places for i in self.tests[place]},
                key=lambda i: (-near[i], -everywhere[i], seconds[i]),
            )
            state, killer = self.outcome(mutant, tests) if tests else ("run by no test", None)
            if killer is not None:
                near[killer] += 1
                everywhere[killer] += 1
            counts[mutant.path.relative_to(ROOT)][state] += 1
            if state != "killed":
                left.append(f"{mutant}" + (f"  ({state})" if state != "survived" else ""))
            if n % 100 == 99:
                say(f"{n + 1} of {len(self.mutants)}, {len(left)} left")
        counts["all"] = sum(counts.values(), Counter())
        for name, states in counts.items():
            print(f"{name}:", ", ".join(f"{k} {state}" for state, k in sorted(states.items())))
        print(*left, sep="\n")

    def outcome(self, mutant: Mutant, tests: list[int]) -> tuple[str, int | None]:
        """Run the tests on the mutant, in a fork."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            signal.setitimer(signal.ITIMER_PROF, 3 * self.limit)  # ends a loop that does not end,
            signal.alarm(60 + 20 * int(self.limit))  # and who waits for what does not come
            answer = b"killed"
            try:
                self.restore()
                with warnings.catch_warnings(action="ignore"):
                    applied = mutant.apply(self.functions)
                start, answer = time.process_time(), b"survived" if applied else b"not made"
                for i in tests if applied else ():
                    if time.process_time() - start > self.limit:
                        answer = b"not all its tests run"
                        break
                    if not self.passes(i):
                        answer = b"killed %d" % i
                        break
            except BaseException:
                answer = b"killed"
            finally:
                os.write(write, answer)
                os._exit(0)
        os.close(write)
        answer = os.read(read, 99).decode() or "killed"
        os.close(read)
        os.waitpid(child, 0)
        killed = answer.startswith("killed")
        return ("killed" if killed else answer), int(answer[7:]) if killed and answer[7:] else None

    def restore(self) -> None:
        """Forget what the core has learnt of types of arrays and the like."""
        for table, copy in self.tables:
            table.clear()
            (table.extend if isinstance(table, list) else table.update)(copy)

    def passes(self, i: int) -> bool:
        return not any(r.failed for r in runtestprotocol(self.items[i], log=False, nextitem=None))

    def note_lines(self) -> None:
        """Run all tests and note who runs what."""
        cover = Coverage(data_file=None, config_file=False, include=sorted(self.files))
        cover.start()
        for i in range(len(self.items)):
            self.restore()
            cover.switch_context(str(i))
            self.passes(i)
        cover.stop()
        data = cover.get_data()
        for file in data.measured_files():
            for line, contexts in data.contexts_by_lineno(file).items():
                found = {int(i) for i in contexts if i}
                self.tests[file, line] |= found
                self.tests[file] |= found


def say(line: str) -> None:
    print(line, file=sys.__stderr__, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", default=[f"weightedce/{room}" for room in CORE])
    parser.add_argument("--sample", type=int, default=0, help="so many mutants a file; 0: all")
    parser.add_argument("--seconds", type=float, default=10, help="of tests for one mutant")
    given = parser.parse_args()
    mutants = []
    for path in (ROOT / path for path in given.paths):
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            own = mutants_of(file)
            few = min(given.sample or len(own), len(own))
            chosen = random.Random(file.name).sample(range(len(own)), few)
            mutants += [own[i] for i in sorted(chosen)]
    phases = (Phase.explicit, Phase.generate)  # and no search for the smallest batch that fails
    common = {"deadline": None, "derandomize": True, "database": None}
    settings.register_profile("mutants", max_examples=10, phases=phases, **common)
    tests = [f"--ignore={ROOT}/tests/test_{name}.py" for name in SLOW]
    options = ["--hypothesis-profile=mutants", "--capture=no", "--tb=native", "-q"]
    plugins = ["-p", "no:xdist", "-p", "no:cacheprovider", "--disable-warnings", "-rN"]
    os.chdir(ROOT)
    ignored = "-Wignore::pytest.PytestAssertRewriteWarning"
    sys.exit(pytest.main([*options, *plugins, ignored, *tests], [Hunt(mutants, given.seconds)]))


if __name__ == "__main__":
    main()
