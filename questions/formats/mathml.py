"""MathML → TeX, as far as formulas of questions need it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from questions.formats.html_tree import Element

_LONGEST = 2_000
_DEEPEST = 40

_NAMED = re.findall(
    r"\S+",
    r"""
× times ÷ div ⋅ cdot · cdot ± pm ∓ mp ≤ le ≥ ge ≠ ne ≈ approx ≡ equiv ∼ sim ~ sim ∞ infty ∂ partial ∇ nabla
→ to ← leftarrow ↔ leftrightarrow ⇒ Rightarrow ⇔ Leftrightarrow ∑ sum ∏ prod ∫ int ∈ in ∉ notin ⊂ subset
⊆ subseteq ∪ cup ∩ cap ∅ emptyset ∀ forall ∃ exists ¬ neg ∧ land ∨ lor ∥ parallel ⊥ perp ∠ angle ∘ circ
… ldots ⋯ cdots ′ prime { { } } % % & & # # _ _ \ backslash
α alpha β beta γ gamma δ delta ε varepsilon ϵ epsilon η eta θ theta κ kappa λ lambda μ mu π pi ρ rho σ sigma
τ tau φ varphi ϕ phi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Π Pi Σ Sigma Φ Phi Ω Omega
""",
)
_SIGNS = {
    **{sign: f"\\{name}" for sign, name in zip(_NAMED[::2], _NAMED[1::2], strict=True)},
    "−": "-",
    "ℝ": r"\mathbb{R}",
    "ℕ": r"\mathbb{N}",
    "ℤ": r"\mathbb{Z}",
    # Applied to, times, separated by, plus: nobody sees them.
    **dict.fromkeys("\u2061\u2062\u2063\u2064\u200b", ""),
}
_FUNCTIONS = frozenset(
    ("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh")
    + ("log", "ln", "exp", "lim", "max", "min", "sup", "inf", "det")
)
_ABOVE = {
    **dict.fromkeys(("¯", "‾", "_", "―", "\u0304", "\u0305"), r"\overline"),
    **dict.fromkeys(("^", "ˆ", "\u0302"), r"\hat"),
    **dict.fromkeys(("→", "⟶", "\u20d7"), r"\vec"),
    **dict.fromkeys(("~", "˜", "\u0303"), r"\tilde"),
    **dict.fromkeys(("˙", ".", "\u0307"), r"\dot"),
}
_BELOW = dict.fromkeys(("_", "¯", "‾", "\u0332", "\u0331"), r"\underline")
_TAKES_LIMITS = {r"\sum", r"\prod", r"\int", r"\lim", r"\max", r"\min", r"\sup", r"\inf"}
_ROWS = {"math", "mrow", "mstyle", "mpadded", "mtd"}


class _Unknown(Exception):
    """An element that TeX has nothing for, or none that is known here."""


def tex(formula: Element) -> str:
    """The formula in TeX; "" where some part of it can't be said so."""
    try:
        source = " ".join(_row(formula, 0).split())
    except _Unknown:
        return ""
    return "" if "$" in source or len(source) > _LONGEST else source


def _row(element: Element, depth: int) -> str:
    return " ".join(filter(None, (_of(part, depth + 1) for part in _parts(element))))


def _parts(element: Element) -> list[Element]:
    if any(isinstance(part, str) and part.strip() for part in element.children):
        raise _Unknown
    return list(element.elements())


def _of(element: Element, depth: int) -> str:
    if depth > _DEEPEST:
        raise _Unknown
    name = element.name
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        return _token(element)
    if name in _ROWS:
        return _row(element, depth)
    if name == "semantics":
        return _of(_first(element), depth + 1)
    if name == "mspace":
        # Where it stands without an end, what follows it is inside.
        return _row(element, depth)
    if name == "msqrt":
        return rf"\sqrt{{{_row(element, depth)}}}"
    if name == "mfenced":
        return _fenced(element, depth)
    if name == "mtable":
        return _table(element, depth)
    make = _MADE_OF.get(name)
    if make is None:
        raise _Unknown
    count, write = make
    parts = [_of(part, depth + 1) for part in _parts(element)]
    if len(parts) != count:
        raise _Unknown
    if name == "mfrac" and re.fullmatch(r"0+(\.0*)?[a-z%]*", element.attributes.get("linethickness", "")):
        return rf"\binom{{{parts[0]}}}{{{parts[1]}}}"
    return write(parts)


def _first(element: Element) -> Element:
    found = _parts(element)
    if not found:
        raise _Unknown
    return found[0]


def _token(element: Element) -> str:
    if any(True for _ in element.elements()):
        raise _Unknown
    text = " ".join(element.text().split())
    if element.name in ("mtext", "ms"):
        if re.search(r"[\\{}^~]", text):
            raise _Unknown
        # A blank at either end keeps words apart.
        raw = re.sub(r"\s+", " ", element.text())
        return "\\text{" + re.sub(r"([%&#_])", r"\\\1", raw) + "}" if text else ""
    if text in _FUNCTIONS:
        return f"\\{text}"
    variant = element.attributes.get("mathvariant", "")
    if text.isalpha() and (len(text) > 1 or variant):
        face = {"bold": "mathbf", "double-struck": "mathbb", "script": "mathcal"}.get(variant, "mathrm")
        if len(text) > 1 or variant != "italic":
            return rf"\{face}{{{text}}}"
    return (
        " ".join(filter(None, (_SIGNS.get(sign, sign) for sign in text)))
        if element.name != "mn"
        else _number(text)
    )


def _number(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _braced(source: str) -> str:
    return source if len(source) == 1 else f"{{{source}}}"


def _base(source: str) -> str:
    is_one = len(source) == 1 or re.fullmatch(r"\\[A-Za-z]+|\d+", source) is not None
    return source if is_one else f"{{{source}}}"


def _scripts(parts: Sequence[str]) -> str:
    base, *scripts = parts
    return _base(base) + "".join(f"{sign}{_braced(part)}" for sign, part in zip("_^", scripts, strict=True))


def _over(parts: Sequence[str]) -> str:
    base, above = parts
    accents = {_SIGNS.get(sign, sign): accent for sign, accent in _ABOVE.items()}
    if above in accents:
        return rf"{accents[above]}{{{base}}}"
    return f"{base}^{_braced(above)}" if base in _TAKES_LIMITS else rf"\overset{{{above}}}{{{base}}}"


def _under(parts: Sequence[str]) -> str:
    base, below = parts
    accents = {_SIGNS.get(sign, sign): accent for sign, accent in _BELOW.items()}
    if below in accents:
        return rf"{accents[below]}{{{base}}}"
    return f"{base}_{_braced(below)}" if base in _TAKES_LIMITS else rf"\underset{{{below}}}{{{base}}}"


def _under_over(parts: Sequence[str]) -> str:
    base, below, above = parts
    if base in _TAKES_LIMITS:
        return _scripts(parts)
    return rf"\overset{{{above}}}{{\underset{{{below}}}{{{base}}}}}"


_MADE_OF: dict[str, tuple[int, Callable[[Sequence[str]], str]]] = {
    "mfrac": (2, lambda parts: rf"\frac{{{parts[0]}}}{{{parts[1]}}}"),
    "mroot": (2, lambda parts: rf"\sqrt[{parts[1]}]{{{parts[0]}}}"),
    "msub": (2, lambda parts: f"{_base(parts[0])}_{_braced(parts[1])}"),
    "msup": (2, lambda parts: f"{_base(parts[0])}^{_braced(parts[1])}"),
    "msubsup": (3, _scripts),
    "mover": (2, _over),
    "munder": (2, _under),
    "munderover": (3, _under_over),
}


def _fenced(element: Element, depth: int) -> str:
    opening, closing = (
        element.attributes.get(name, usual) for name, usual in (("open", "("), ("close", ")"))
    )
    fences = [_SIGNS.get(sign, sign) if sign else "." for sign in (opening.strip(), closing.strip())]
    if any(len(sign) > 1 and not sign.startswith("\\") for sign in fences):
        raise _Unknown
    marks = "".join(element.attributes.get("separators", ",").split())
    parts = [_of(part, depth + 1) for part in _parts(element)]
    inside = ""
    for number, part in enumerate(parts):
        mark = marks[min(number, len(marks)) - 1] if number and marks else ""
        inside += f"{_SIGNS.get(mark, mark)} {part}"
    return rf"\left{fences[0]} {inside.strip()} \right{fences[1]}"


def _table(element: Element, depth: int) -> str:
    rows = []
    for row in _parts(element):
        if row.name != "mtr" or any(cell.name != "mtd" for cell in _parts(row)):
            raise _Unknown
        rows.append(" & ".join(_row(cell, depth + 2) for cell in _parts(row)))
    joined = r" \\ ".join(rows)
    return rf"\begin{{matrix}} {joined} \end{{matrix}}"
