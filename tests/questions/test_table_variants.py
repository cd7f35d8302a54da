"""Tables of questions as data sets, quiz makers and people of other languages write them."""

from __future__ import annotations

import io

import pytest

from questions.content import ItemType
from questions.formats import registry
from questions.formats.exchange import ExchangeQuestion, Outcome, UnreadableFile


def read(text: str, filename: str = "q.csv") -> list[Outcome]:
    return list(registry.read(io.BytesIO(text.encode()), filename))


def questions(text: str) -> list[ExchangeQuestion]:
    found = read(text)
    assert all(isinstance(one, ExchangeQuestion) for one in found), found
    return [one for one in found if isinstance(one, ExchangeQuestion)]


def codes(found: ExchangeQuestion) -> list[str]:
    return [loss.code for loss in found.losses]


@pytest.mark.parametrize(
    "header",
    [
        "Frage;Antwort A;Antwort B;Antwort C;Richtige Antwort;Erklärung",
        "Fragentext;Antwort 1;Antwort 2;Antwort 3;Lösung;Begründung",
        "Question;Réponse A;Réponse B;Réponse C;Bonne réponse;Explication",
        "Énoncé;choix 1;choix 2;choix 3;réponse correcte;explication",
        "Pregunta;Opción A;Opción B;Opción C;Respuesta correcta;Explicación",
        "Domanda;Opzione A;Opzione B;Opzione C;Risposta esatta;Spiegazione",
        "pergunta;alternativa_a;alternativa_b;alternativa_c;resposta_correta;justificativa",
        "Vraag;Antwoord A;Antwoord B;Antwoord C;Juiste antwoord;Uitleg",
        "题目;选项A;选项B;选项C;答案;解析",
    ],
)
def test_columns_in_other_languages(header: str) -> None:
    (found,) = questions(f"{header}\nQ?;one;two;three;b;Why\n")
    assert (found.content.stem, found.content.key) == ("Q?", "b")
    assert found.content.options[1].rationale == "Why"
    assert found.losses == ()


def test_wrong_answers_in_columns_of_their_own_in_german() -> None:
    (found,) = questions("Frage;Antwort;FalscheAntwort1;FalscheAntwort2\nQ?;right;one;two\n")
    assert [option.text for option in found.content.options] == ["right", "one", "two"]
    assert found.content.key == "a"


def test_keys_that_count_from_zero_beside_options_that_are_numbers() -> None:
    """A key of 0 that is also an option's text shows all the same where the others begin."""
    first, second = questions("question,choices,answer\nQ?,\"['0' '4' '2' '6']\",1\nQ2?,\"['0' '4']\",0\n")
    assert (first.content.key, second.content.key) == ("b", "a")
    assert codes(first) == ["key_from_zero"]


@pytest.mark.parametrize(
    ("column", "key", "told"), [("answer", "a", "option a is read as 1"), ("answer_index", "b", "read as 0")]
)
def test_numbers_that_do_not_show_where_they_begin_are_told(column: str, key: str, told: str) -> None:
    (found,) = questions(f"question,option_a,option_b,option_c,{column}\nQ?,one,two,three,1\n")
    assert found.content.key == key
    assert codes(found) == ["key_unsure"]
    assert told in found.losses[0].why


def test_numbers_of_the_columns_show_where_keys_begin() -> None:
    (found,) = questions("question,option1,option2,option3,answer\nQ?,one,two,three,1\n")
    assert (found.content.key, codes(found)) == ("a", [])


@pytest.mark.parametrize(
    "choices",
    [
        "\"{'text': array(['w', 'x', 'y'],\n dtype=object), 'label': array(['A', 'B', 'C'], dtype=object)}\"",
        '"{""text"": [""w"", ""x"", ""y""], ""label"": [""A"", ""B"", ""C""]}"',
        "\"{'label': ['A', 'B', 'C'], 'text': ['w', 'x', 'y']}\"",
        "\"{'A': 'w', 'B': 'x', 'C': 'y'}\"",
    ],
)
def test_options_with_labels_in_one_cell(choices: str) -> None:
    (found,) = questions(f"question,choices,answerKey\nQ?,{choices},B\n")
    assert [option.text for option in found.content.options] == ["w", "x", "y"]
    assert found.content.key == "b"


def test_a_data_set_without_a_header() -> None:
    first, second = questions("How many?,0,4,2,6,B\nHow few?,8,2,24,120,C\n")
    assert (first.content.stem, first.content.key, second.content.key) == ("How many?", "b", "c")
    assert codes(first) == ["no_header"]


def test_rows_that_are_no_data_set_still_miss_their_header() -> None:
    with pytest.raises(UnreadableFile) as refusal:
        read("How many?,0,4,2,6,B\nHow few?,8,2,24,120,none\n")
    assert refusal.value.code == "missing_columns"


def test_columns_that_are_all_called_alike() -> None:
    (found,) = questions("Type,Title,Correct,Choice,Choice,Choice\nMCQ,Q?,B,one,two,three\n")
    assert (found.content.stem, found.content.key) == ("Q?", "b")
    assert len(found.content.options) == 3


@pytest.mark.parametrize(
    "key", ['"[""A"", ""C""]"', "\"['A', 'C']\"", '"{A,C}"', '"[""one, or"", ""three""]"']
)
def test_a_key_that_is_a_list_of_a_program(key: str) -> None:
    (found,) = questions(f'question,option_a,option_b,option_c,answer\nQ?,"one, or",two,three,{key}\n')
    assert found.content.key == ["a", "c"]


def test_true_or_false_as_a_letter() -> None:
    first, second = questions("question,type,answer\nQ?,True/False,T\nQ2?,tf,f\n")
    assert (first.content.key, second.content.key) == ("a", "b")


def test_short_names_of_a_medical_data_set() -> None:
    text = "id,question,opa,opb,opc,cop,exp,subject_name\nx-1,Q?,one,two,three,2,Why,Anatomy\nx-2,Q2?,one,two,three,0,,\n"
    first, second = questions(text)
    assert (first.content.key, second.content.key, first.category) == ("c", "a", ("Anatomy",))


def test_a_question_that_is_html_as_a_whole() -> None:
    text = (
        "Question,Option A,Option B,Answer\n"
        '"<p>What is <b>it</b>? <img src=""x.png"" alt=""A map""></p>",<p>a &amp; b</p>,c<sub>2</sub>,A\n'
        "What does <p>x</p> do?,<p>text</p>,<br>,A\n"
    )
    first, second = questions(text)
    assert first.content.item_type is ItemType.MULTIPLE_CHOICE
    assert first.content.stem == "What is **it**? A map"
    assert [option.text for option in first.content.options] == ["a & b", "c₂"]
    assert codes(first) == ["image"]
    assert [option.text for option in second.content.options] == ["<p>text</p>", "<br>"]
