"""A site's templates, read without rendering them: every mistake that can be found that way, with file and line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2 import meta, nodes

from digest.errors import TemplateError
from digest.mail.environment import environment, explained, offered, shown, templates_folder
from digest.mail.required import Lack, lacks
from digest.mail.templates import Job, Page

_READ = (".html", ".txt", ".css")  # what is a template; scripts are sent as they are
_LINKS = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """A mistake in a template."""

    file: str
    line: int
    said: str

    def __str__(self) -> str:
        """`file:line: what was found, what is allowed`."""
        return f"{self.file}:{self.line}: {self.said}"


def whole(page: Page, work: Job, slots: Mapping[str, str], site: Path) -> None:
    """Raises TemplateError for the first thing that a letter of the site's templates lacks."""
    for problem in missing(page, work, slots, site):
        raise TemplateError(f"{problem.file}:{problem.line}", problem.said, hint="`digest templates check` finds every problem at once.")


def missing(page: Page, work: Job, slots: Mapping[str, str], site: Path) -> list[Problem]:
    """What a rendered letter lacks, and in which of the site's files it was lost."""
    return [_lost(lack, site) for lack in lacks(page, work, slots)]


def _lost(lack: Lack, site: Path) -> Problem:
    """The site's file whose original prints it, at the line of the block or macro that should."""
    ours = templates_folder()
    family = _family(lack.template, site)
    for name in [name for name in family if (site / name).is_file() and (ours / name).is_file()]:
        original = (ours / name).read_text(encoding="utf-8")
        if lack.needle in original:
            frame = re.findall(r"{%-? (?:block|macro) \w+", original[: original.index(lack.needle)])
            text = (site / name).read_text(encoding="utf-8")
            at = text.find(frame[-1]) if frame else 0
            return Problem(file=str(site / name), line=text.count("\n", 0, max(at, 0)) + 1, said=lack.said)
    first = next((name for name in family if (site / name).is_file()), lack.template)
    return Problem(file=shown(first, site), line=1, said=lack.said)


def _family(name: str, site: Path) -> list[str]:
    """A template and all it is made of, nearest first."""
    made = environment(site)
    found, waiting = [], [name]
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        found.append(one)
        try:
            tree = made.parse(_source(made, one))
        except jinja2.TemplateError:
            continue
        waiting += [other for other in meta.find_referenced_templates(tree) if other]
    return found


def _source(made: jinja2.Environment, name: str) -> str:
    loader = made.loader
    return loader.get_source(made, name)[0] if loader else ""


class Room:
    """Templates that see one another: those of the letters, or those of the pages.

    `below`: their folder in ours and in the site's; "" for the whole. `names`: what each of them may use, besides what ours of the same path uses.
    """

    def __init__(self, site: Path, below: str, made: jinja2.Environment, names: Collection[str]) -> None:
        self._site = site / below if below else site
        self._ours = templates_folder() / below if below else templates_folder()
        self._names = frozenset({*names, *made.globals})
        self._made = made
        self._elsewhere = ("demo/", "preview/") if below else ("demo/", "preview/", "pages/")
        self._trees: dict[str, nodes.Template | Problem | None] = {}

    def problems(self, files: Collection[str]) -> list[Problem]:
        """Every mistake in the site's `files`, and in what of ours would not find its way in them."""
        found: list[Problem] = []
        for name in sorted(files):
            tree = self._tree(name)
            if isinstance(tree, Problem):
                found.append(tree)
            elif tree is not None:
                found += [Problem(file=str(self._site / name), line=line, said=said) for line, said in self._in_file(name, tree)]
        return sorted({*found, *self._left_alone(files)})

    def _tree(self, name: str) -> nodes.Template | Problem | None:
        if name not in self._trees:
            self._trees[name] = self._parsed(name)
        return self._trees[name]

    def _parsed(self, name: str) -> nodes.Template | Problem | None:
        try:
            tree = self._made.parse(_source(self._made, name), name)
            self._made.compile(tree, name)  # what is well written and still cannot be
        except jinja2.TemplateNotFound:
            return None
        except (jinja2.TemplateError, UnicodeDecodeError) as error:
            subject, _, line = str(explained(error, name, self._site, ()).subject).rpartition(":")
            said = explained(error, name, self._site, ()).detail
            return Problem(file=subject or str(self._site / name), line=int(line) if line.isdigit() else 1, said=said)
        return self._made.parse(_source(self._made, name), name)

    def _in_file(self, name: str, tree: nodes.Template) -> Iterator[tuple[int, str]]:
        for escape in tree.find_all((nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)):
            yield escape.lineno, "found {% autoescape %}, allowed nothing of the kind: whatever people wrote is escaped"
        for kind, known in ((nodes.Filter, self._made.filters), (nodes.Test, self._made.tests)):  # within an `if` Jinja looks only when it gets there
            for used in tree.find_all(kind):
                if used.name not in known:
                    yield used.lineno, f"found the {kind.__name__.lower()} {used.name}, which is not there, allowed {offered(used.name, known)}"
        for link in tree.find_all(_LINKS):
            yield from self._reference(link)
        blocks = self._blocks_above(tree)
        if blocks is not None:
            for block in self._unshown(tree, blocks):
                yield block.lineno, f"found the block {block.name}, which nothing shows, allowed {offered(block.name, blocks)}"
        yield from self._unknown(name, tree)

    def _reference(self, node: nodes.Node) -> Iterator[tuple[int, str]]:
        target = getattr(node, "template", None)
        if not isinstance(target, nodes.Const) or not isinstance(target.value, str):
            return
        tree = self._tree(target.value)
        if tree is None:
            yield node.lineno, f"found {target.value}, allowed {offered(target.value, self._made.list_templates(filter_func=_template))}"
        elif isinstance(tree, nodes.Template) and isinstance(node, nodes.FromImport):
            given = _exported(tree)
            for name in node.names:
                wanted = name if isinstance(name, str) else name[0]
                if wanted not in given:
                    yield node.lineno, f"found {wanted}, which {target.value} does not have, allowed {offered(wanted, given)}"

    def _blocks_above(self, tree: nodes.Template) -> set[str] | None:
        """The blocks of everything that `tree` extends; None when it extends nothing that can be read."""
        extends = tree.find(nodes.Extends)
        if extends is None or not isinstance(extends.template, nodes.Const):
            return None
        above = self._tree(extends.template.value)
        if not isinstance(above, nodes.Template):
            return None
        return {block.name for block in above.find_all(nodes.Block)} | (self._blocks_above(above) or set())

    @staticmethod
    def _unshown(tree: nodes.Template, above: Collection[str]) -> list[nodes.Block]:
        """Blocks that fill nothing: they are not above, and in no other block either."""
        every = list(tree.find_all(nodes.Block))
        within = {inner.name for outer in every for inner in outer.find_all(nodes.Block)}
        return [block for block in every if block.name not in above and block.name not in within]

    def _unknown(self, name: str, tree: nodes.Template) -> Iterator[tuple[int, str]]:
        allowed = self._names | self._used_by_ours(name)
        asked = {test.node.name for test in tree.find_all(nodes.Test) if test.name in {"defined", "undefined"} and isinstance(test.node, nodes.Name)}
        for unknown in sorted(meta.find_undeclared_variables(tree) - allowed - asked):
            line = min(node.lineno for node in tree.find_all(nodes.Name) if node.name == unknown and node.ctx == "load")
            yield line, f"found {unknown}, which is not there, allowed {offered(unknown, allowed - set(self._made.globals))}"

    def _used_by_ours(self, name: str) -> frozenset[str]:
        """The names that our own file of this path uses: each page is given names of its own. A file of the site's own may use any."""
        original = self._ours / name
        files = [original] if original.is_file() else [path for path in self._ours.glob("*") if path.suffix in _READ]
        trees = [self._made.parse(path.read_text(encoding="utf-8")) for path in files]
        return frozenset().union(*map(meta.find_undeclared_variables, trees))

    def _left_alone(self, files: Collection[str]) -> Iterator[Problem]:
        """Blocks and macros that ours need of a file that the site has changed."""
        for path in sorted(self._ours.rglob("*")):
            name = path.relative_to(self._ours).as_posix()
            if name in files or path.suffix not in _READ or not path.is_file() or name.startswith(self._elsewhere):
                continue
            tree = self._tree(name)
            if isinstance(tree, nodes.Template):
                yield from self._lost_by(name, tree, files)

    def _lost_by(self, name: str, tree: nodes.Template, files: Collection[str]) -> Iterator[Problem]:
        for node in tree.find_all(nodes.FromImport):
            other = getattr(node.template, "value", "")
            given = self._tree(other) if other in files else None
            if not isinstance(given, nodes.Template):
                continue
            for wanted in [n if isinstance(n, str) else n[0] for n in node.names]:
                if wanted not in _exported(given):
                    yield Problem(
                        file=str(self._site / other), line=1, said=f"found no macro {wanted}, which {name} uses; see ours for its arguments"
                    )
        extends = tree.find(nodes.Extends)
        parent = getattr(extends.template, "value", "") if extends else ""
        above = self._blocks_above(tree) if parent in files else None
        if above is not None:
            for block in self._unshown(tree, above):
                yield Problem(file=str(self._site / parent), line=1, said=f"found no block {block.name}, which {name} fills")


def _exported(tree: nodes.Template) -> set[str]:
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    return macros | {node.target.name for node in tree.find_all(nodes.Assign) if isinstance(node.target, nodes.Name)}


def _template(name: str) -> bool:
    return name.endswith(_READ) and not name.startswith(("demo/", "preview/"))


def problems(site: Path, letter_names: Collection[str], pages: jinja2.Environment, page_names: Collection[str]) -> list[Problem]:
    """Every mistake in the site's templates that shows without rendering. `pages`: what renders the pages."""
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file() and path.suffix in _READ}
    of_pages = {name.removeprefix("pages/") for name in files if name.startswith("pages/")}
    letters = {name for name in files if not name.startswith("pages/")}
    return [*Room(site, "", environment(site), letter_names).problems(letters), *Room(site, "pages", pages, page_names).problems(of_pages)]
