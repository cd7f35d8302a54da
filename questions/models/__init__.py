from questions.models.blueprint import Blueprint, Domain, TaskMapping, TaskStatement, Topic
from questions.models.draft import Comment, Draft, QuestionEvent, Review
from questions.models.image import Image
from questions.models.listing import Listing, QuestionTag, StemBand
from questions.models.note import StudyNote
from questions.models.question import Question, QuestionVersion, Scenario, ScenarioVersion
from questions.models.saved_filter import SavedFilter
from questions.models.transfer import (
    CategoryMapping,
    ExportChunk,
    ExportRun,
    ImportChunk,
    ImportPicture,
    ImportRow,
    ImportRun,
    ImportStage,
)

__all__ = [
    "Blueprint",
    "CategoryMapping",
    "Comment",
    "Domain",
    "Draft",
    "ExportChunk",
    "ExportRun",
    "Image",
    "ImportChunk",
    "ImportPicture",
    "ImportRow",
    "ImportRun",
    "ImportStage",
    "Listing",
    "Question",
    "QuestionEvent",
    "QuestionTag",
    "QuestionVersion",
    "Review",
    "SavedFilter",
    "Scenario",
    "ScenarioVersion",
    "StemBand",
    "StudyNote",
    "TaskMapping",
    "TaskStatement",
    "Topic",
]
