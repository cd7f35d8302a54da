from questions.models.blueprint import Blueprint, Domain, TaskStatement, Topic
from questions.models.note import StudyNote
from questions.models.question import Question, QuestionVersion, Scenario, ScenarioVersion

__all__ = [
    "Blueprint",
    "Domain",
    "Question",
    "QuestionVersion",
    "Scenario",
    "ScenarioVersion",
    "StudyNote",
    "TaskStatement",
    "Topic",
]
