"""Formulas that other systems write as MathML become TeX, or say that they can't."""

from __future__ import annotations

import pytest
from latex2mathml.converter import convert

from questions.formats import html_text


def read(formula: str) -> tuple[str, list[str]]:
    markdown, losses = html_text.to_markdown(f"<p><math>{formula}</math></p>", image=lambda source: None)
    return markdown, [loss.code for loss in losses]


@pytest.mark.parametrize(
    ("formula", "tex"),
    [
        ("<mi>x</mi>", "x"),
        (
            "<mfrac><mn>1</mn><mn>2</mn></mfrac><mo>+</mo><msup><mi>x</mi><mn>2</mn></msup>",
            r"\frac{1}{2} + x^2",
        ),
        ("<msqrt><mi>b</mi><mo>−</mo><mn>4</mn><mo>&#8290;</mo><mi>a</mi></msqrt>", r"\sqrt{b - 4 a}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>",
            r"\sum_{i = 1}^n",
        ),
        ("<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>", "x_1^2"),
        ("<msup><mrow><mi>a</mi><mi>b</mi></mrow><mn>2</mn></msup>", "{a b}^2"),
        ("<msup><mn>10</mn><mrow><mo>-</mo><mn>3</mn></mrow></msup>", "10^{- 3}"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", r"\left( a, b \right)"),
        (
            '<mfenced open="[" close="]"><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable></mfenced>',
            r"\left[ \begin{matrix} 1 & 2 \end{matrix} \right]",
        ),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", r"\overline{x}"),
        ("<mi>sin</mi><mo>&#8289;</mo><mi>θ</mi>", r"\sin \theta"),
        ("<mtext>rate </mtext><mo>=</mo><mn>5</mn><mo>%</mo>", r"\text{rate } = 5 \%"),
        ('<mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac>', r"\binom{n}{k}"),
        ("<mo>{</mo><mn>1</mn><mo>}</mo>", r"\{ 1 \}"),
        ('<mn>5</mn><mspace width="1em"/><mi>mol</mi>', r"5 \mathrm{mol}"),
    ],
)
def test_a_formula_becomes_tex(formula: str, tex: str) -> None:
    assert read(formula) == (f"${tex}$", [])
    assert convert(tex).startswith("<math")


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mmultiscripts><mi>x</mi><mn>2</mn></mmultiscripts>", "x2"),
        ("<mfrac><mn>1</mn></mfrac>", "1"),
        ("<mtext>$</mtext><mn>5</mn>", "$5"),
        ("<msup>loose<mn>2</mn></msup>", "loose2"),
    ],
)
def test_what_is_not_understood_is_told(formula: str, text: str) -> None:
    assert read(formula) == (text, ["math"])


def test_tex_that_stands_with_a_formula_goes_before_its_elements() -> None:
    beside = '<semantics><mi>x</mi><annotation encoding="application/x-tex">\\alpha</annotation></semantics>'

    assert read(beside) == (r"$\alpha$", [])


def test_words_to_be_read_aloud_are_no_formula() -> None:
    html = '<math alttext="one half"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>'

    assert html_text.to_markdown(html, image=lambda source: None) == (r"$\frac{1}{2}$", ())


def test_a_formula_of_many_levels_does_not_exhaust_the_reader() -> None:
    deep = "<mrow>" * 500 + "<mi>x</mi>" + "</mrow>" * 500

    _, losses = read(deep)

    assert "math" in losses
