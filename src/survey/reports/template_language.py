"""The little that a template may say: name fields, repeat the findings, leave sections out.

Filters, calls and other statements of the template language could print another figure than the
table's, hide the mark of a demonstration, or never end. What is not listed here is not allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from survey.locale import Message, msg
from survey.reports.report_builder import SECTION_KEYS, WORDS

FIELDS = frozenset(
    ("title", "subtitle", "area", "organisation", "contact", "wave", "date", "snapshot", "figures",
     "mark", "score", "interval", "logo")
)  # fmt: skip
FINDINGS, SECTIONS = "findings", "sections"
_PARTS: Mapping[str, tuple[str, ...]] = {"words": WORDS, SECTIONS: SECTION_KEYS, FINDINGS: ()}
_IN_EVERY_REPORT = frozenset({"headline", "method", "reading"})


@dataclass
class TemplatePart:
    """Fields used in a part (text, header, footer) of a template, and the problems found in it."""

    printed: set[str] = field(default_factory=set)
    always: set[str] = field(default_factory=set)
    """Fields that stand in every report that has them."""
    problems: list[Message] = field(default_factory=list)

    def add(self, problem: Message) -> None:
        """Add a problem unless the same one is known already."""
        if str(problem) not in {str(known) for known in self.problems}:
            self.problems.append(problem)


@dataclass(frozen=True)
class _Scope:
    """Scope of a template node: fields whose presence was tested around it, and its loop."""

    tested: frozenset[str] = frozenset()
    """Fields that are known to be there."""
    is_conditional: bool = False
    loop: str = ""


def read_part(source: str, *, has_bodies: bool) -> TemplatePart:
    """Return a template part's fields and problems; `has_bodies`: section bodies are allowed.

    Args:
        has_bodies: whether the bodies of sections may stand here.

    Raises:
        TemplateSyntaxError: a field or a tag is not complete.
    """
    part = TemplatePart()
    # Not optimised: what is made of constants would be computed here already.
    tree = SandboxedEnvironment(optimized=False).parse(source)
    _read_nodes(tree.body, _Scope(), part)
    bodies = sorted(name for name in part.printed if name.endswith(".body"))
    if bodies and not has_bodies:
        part.add(msg("The field {field} may stand in the text only.", field=bodies[0]))
    return part


def _read_nodes(found: Sequence[nodes.Node], scope: _Scope, part: TemplatePart) -> None:
    for node in found:
        if isinstance(node, nodes.Output):
            for printed in node.nodes:
                if not isinstance(printed, nodes.TemplateData):
                    _read_printed(printed, scope, part)
        elif isinstance(node, nodes.If):
            _read_condition(node, scope, part)
        elif isinstance(node, nodes.For):
            _read_loop(node, scope, part)
        else:
            part.add(_describe_forbidden(node))


def _read_printed(node: nodes.Node, scope: _Scope, part: TemplatePart) -> None:
    name = _join_dotted_name(node)
    if not name:
        part.add(_describe_forbidden(node))
        return
    if name == scope.loop:
        return
    if not _is_known(name):
        part.add(_describe_unknown(name))
        return
    if not _is_text(name):
        part.add(msg("The field {field} is no text that could be printed.", field=name))
        return
    part.printed.add(name)
    head, _, rest = name.partition(".")
    key = rest.partition(".")[0]
    owner = f"{head}.{key}" if head == SECTIONS else name
    if not scope.is_conditional or scope.tested == {owner}:
        part.always.add(name)
    if head == SECTIONS and key not in _IN_EVERY_REPORT and owner not in scope.tested:
        part.add(
            msg(
                "Not every report has the section {section}: put it between {start} and {end}.",
                section=owner,
                start="{%p if " + owner + " %}",
                end="{%p endif %}",
            )
        )


def _read_condition(node: nodes.If, scope: _Scope, part: TemplatePart) -> None:
    tested = frozenset(_read_test(node.test, part))
    inner = _Scope(scope.tested | tested, is_conditional=True, loop=scope.loop)
    _read_nodes(node.body, inner, part)
    other = _Scope(scope.tested, is_conditional=True, loop=scope.loop)
    for further in node.elif_:
        _read_condition(further, other, part)
    _read_nodes(node.else_, other, part)


def _read_test(node: nodes.Node, part: TemplatePart) -> Iterator[str]:
    """Yield fields that the `if` test `node` proves present; add the test's problems to `part`."""
    if isinstance(node, nodes.And):
        yield from _read_test(node.left, part)
        yield from _read_test(node.right, part)
    elif isinstance(node, nodes.Or):
        list(_read_test(node.left, part))
        list(_read_test(node.right, part))
    elif isinstance(node, nodes.Not):
        list(_read_test(node.node, part))
    else:
        name = _join_dotted_name(node)
        if not name:
            part.add(_describe_forbidden(node))
        elif not _is_known(name):
            part.add(_describe_unknown(name))
        else:
            yield name


def _read_loop(node: nodes.For, scope: _Scope, part: TemplatePart) -> None:
    target = node.target
    is_nested = bool(scope.loop or node.recursive)
    if (
        not isinstance(target, nodes.Name)
        or target.name in FIELDS | _PARTS.keys()
        or _join_dotted_name(node.iter) != FINDINGS
        or node.test
        or node.else_
        or is_nested
    ):
        part.add(msg("Only the findings can be repeated, and not within one another."))
        return
    part.printed.add(FINDINGS)
    inner = _Scope(scope.tested, is_conditional=True, loop=target.name)
    _read_nodes(node.body, inner, part)


def _describe_forbidden(node: nodes.Node) -> Message:
    return msg(
        "A template names fields, repeats the findings and leaves sections out; it can do nothing "
        "else ({found}).",
        found=type(node).__name__,
    )


def _join_dotted_name(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        head = _join_dotted_name(node.node)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _is_text(name: str) -> bool:
    """Return whether a template field holds text, not a list or a section."""
    head, _, rest = name.partition(".")
    return head in FIELDS or (head == "words" and bool(rest)) or rest.endswith((".title", ".body"))


def _is_known(name: str) -> bool:
    head, _, rest = name.partition(".")
    if head in FIELDS or head == FINDINGS:
        return not rest
    if head not in _PARTS:
        return False
    key, _, part = rest.partition(".")
    if not key:
        return True
    return key in _PARTS[head] and part in ({"", "title", "body"} if head == SECTIONS else {""})


def _describe_unknown(name: str) -> Message:
    head = name.partition(".")[0]
    known = [f"{head}.{key}" for key in _PARTS.get(head, ())] or sorted({*FIELDS, *_PARTS})
    return msg("There is no field {field}. There are: {known}.", field=name, known=", ".join(known))
