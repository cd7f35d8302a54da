"""QTI items and packages as other systems write them, in small."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from questions.formats import qti
from questions.formats.exchange import ExchangeQuestion, Outcome, Rejection

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20

QTI_2 = "http://www.imsglobal.org/xsd/imsqti_v2p1"
QTI_3 = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"

CHOICES = (
    '<simpleChoice identifier="A">Paris</simpleChoice>'
    '<simpleChoice identifier="B">Lyon</simpleChoice>'
    '<simpleChoice identifier="C">Nice</simpleChoice>'
)


def declaration(*values: str, cardinality: str = "single", base: str = "identifier", more: str = "") -> str:
    correct = "".join(f"<value>{value}</value>" for value in values)
    correct = f"<correctResponse>{correct}</correctResponse>" if values else ""
    return (
        f'<responseDeclaration identifier="RESPONSE" cardinality="{cardinality}" baseType="{base}">'
        f"{correct}{more}</responseDeclaration>"
    )


def choice(choices: str = CHOICES, *, prompt: str = "Which city?", attributes: str = 'maxChoices="1"') -> str:
    return (
        f'<choiceInteraction responseIdentifier="RESPONSE" shuffle="true" {attributes}>'
        f"<prompt>{prompt}</prompt>{choices}</choiceInteraction>"
    )


def item(
    body: str = "",
    *,
    declared: str = "",
    after: str = "",
    attributes: str = 'identifier="q1" title="Cities" adaptive="false" timeDependent="false"',
) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<assessmentItem xmlns="{QTI_2}" {attributes}>'
        f"{declared or declaration('A')}<itemBody>{body or choice()}</itemBody>{after}</assessmentItem>"
    )


MATCH = (
    '<matchInteraction responseIdentifier="RESPONSE" shuffle="false" maxAssociations="4">'
    "<prompt>Who appears where?</prompt><simpleMatchSet>"
    '<simpleAssociableChoice identifier="C" matchMax="1">Capulet</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="D" matchMax="1">Demetrius</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="L" matchMax="1">Lysander</simpleAssociableChoice>'
    "</simpleMatchSet><simpleMatchSet>"
    '<simpleAssociableChoice identifier="M" matchMax="4">Dream</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="R" matchMax="4">Romeo</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="T" matchMax="4">Tempest</simpleAssociableChoice>'
    "</simpleMatchSet></matchInteraction>"
)

ORDER = (
    '<orderInteraction responseIdentifier="RESPONSE" shuffle="true"><prompt>Sort them</prompt>'
    '<simpleChoice identifier="A">Third</simpleChoice><simpleChoice identifier="B">First</simpleChoice>'
    '<simpleChoice identifier="C">Second</simpleChoice><simpleChoice identifier="D">None</simpleChoice>'
    "</orderInteraction>"
)


def pairs(*values: str) -> str:
    return declaration(*values, cardinality="multiple", base="directedPair")


def processing(*steps: str) -> str:
    return f"<responseProcessing>{''.join(steps)}</responseProcessing>"


def modal(identifier: str, text: str, *, outcome: str = "FEEDBACK") -> str:
    opening = f'<modalFeedback outcomeIdentifier="{outcome}" showHide="show" identifier="{identifier}">'
    return f"{opening}{text}</modalFeedback>"


IS_CORRECT = '<match><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></match>'


def shows(identifier: str) -> str:
    value = f'<baseValue baseType="identifier">{identifier}</baseValue>'
    return f'<setOutcomeValue identifier="FEEDBACK">{value}</setOutcomeValue>'


def scores(number: str) -> str:
    value = f'<baseValue baseType="float">{number}</baseValue>'
    return f'<setOutcomeValue identifier="SCORE">{value}</setOutcomeValue>'


def condition(first: str, then: str, otherwise: str = "") -> str:
    last = f"<responseElse>{otherwise}</responseElse>" if otherwise else ""
    return f"<responseCondition><responseIf>{first}{then}</responseIf>{last}</responseCondition>"


def manifest(*resources: str, kind: str = "imsqti_item_xmlv2p1", inner: str = "") -> str:
    listed = "".join(
        f'<resource identifier="R{number}" type="{kind}" href="{href}">{inner}<file href="{href}"/></resource>'
        for number, href in enumerate(resources)
    )
    return (
        '<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" identifier="M"><organizations/>'
        f"<resources>{listed}</resources></manifest>"
    )


def package(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in files.items():
            written.writestr(name, data)
    return out.getvalue()


def read_all(data: str | bytes, filename: str = "q.xml") -> list[Outcome]:
    data = data.encode() if isinstance(data, str) else data
    return list(qti.FORMAT_2.parse(io.BytesIO(data), filename))


def read_one(data: str | bytes, filename: str = "q.xml") -> ExchangeQuestion:
    (found,) = read_all(data, filename)
    assert isinstance(found, ExchangeQuestion), found
    return found


def rejected(data: str | bytes, filename: str = "q.xml") -> Rejection:
    (found,) = read_all(data, filename)
    assert isinstance(found, Rejection), found
    assert found.why.endswith(".")
    return found


def codes(found: ExchangeQuestion) -> set[str]:
    return {loss.code for loss in found.losses}


def rationales(found: ExchangeQuestion) -> dict[str, str]:
    parts: Iterable[tuple[str, str]] = (
        *((option.id, option.rationale) for option in found.content.options),
        *((prompt.id, prompt.rationale) for prompt in found.content.prompts),
    )
    return {name: text for name, text in parts if text}
