"""Four eyes: a draft goes to somebody who didn't write it, is answered blind, and only then judged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import access, inbox
from accounts.models import User
from questions import answers, authoring, listing, scenarios, versions
from questions.answers import AnswerShape
from questions.authoring import AuthoringError, record
from questions.content import QuestionContent
from questions.linting import Finding, Severity
from questions.models import Comment, Draft, Question, QuestionEvent, QuestionVersion, Review

Kind = QuestionEvent.Kind
MAX_WORDS = 4_000


@transaction.atomic
def submit(draft: Draft, *, by: User, now: datetime, reviewer: User | None = None) -> Draft:
    """Send it to review. Raises `blocked` while a finding stops it, `own_draft` for a reviewer who wrote it."""
    question, draft = _locked(draft)
    if draft.state not in (Draft.State.DRAFT, Draft.State.CHANGES_REQUESTED):
        raise AuthoringError("in_review")
    if question.state == Question.State.RETIRED:
        raise AuthoringError("retired")
    if blocking(question, draft):
        raise AuthoringError("blocked")
    if reviewer is not None and not may_review(draft, reviewer):
        raise AuthoringError("own_draft")
    draft.state, draft.reviewer, draft.submitted_at = Draft.State.IN_REVIEW, reviewer, now
    draft.save(update_fields=["state", "reviewer", "submitted_at"])
    number = versions.next_number(question)
    record(question, Kind.SUBMITTED, by=by, now=now, number=number, draft=authoring.snapshot(draft))
    listing.refresh([question.pk])
    asked = [reviewer] if reviewer else [u for u in reviewers(draft) if u.pk != by.pk]
    inbox.tell(
        asked,
        subject=_("Your review is wanted: %(code)s") % {"code": question.code},
        text=_("%(name)s has sent a question to review. You answer it blind first.") % {"name": by},
        path=reverse("questions:review", args=[question.code]),
        now=now,
    )
    return draft


@transaction.atomic
def withdraw(draft: Draft, *, by: User, now: datetime) -> Draft:
    """Take it back to go on writing."""
    question, draft = _locked(draft)
    if draft.state != Draft.State.IN_REVIEW:
        raise AuthoringError("not_in_review")
    draft.state, draft.submitted_at = Draft.State.DRAFT, None
    draft.save(update_fields=["state", "submitted_at"])
    record(question, Kind.WITHDRAWN, by=by, now=now, number=versions.next_number(question))
    listing.refresh([question.pk])
    return draft


@transaction.atomic
def answer_blind(draft: Draft, *, answer: Any, revision: int, by: User, now: datetime) -> Review:
    """Store a reviewer's answer, once for each state of the text. Raises `answers.AnswerError`."""
    question, draft = _locked(draft)
    _check_reviewable(draft, by)
    if draft.revision != revision:
        raise AuthoringError("conflict")
    content = draft.parsed
    parsed = answers.parse(AnswerShape.of(content), answer)
    review, is_new = Review.objects.get_or_create(
        draft=draft,
        revision=draft.revision,
        reviewer=by,
        defaults={
            "question": question,
            "answer": parsed,
            "key": content.key,
            "agreed": answers.is_correct(content.key, parsed),
            "answered_at": now,
        },
    )
    if is_new:
        number = versions.next_number(question)
        record(question, Kind.ANSWERED, by=by, now=now, number=number, agreed=review.agreed)
    return review


@transaction.atomic
def request_changes(review: Review, *, words: str, by: User, now: datetime) -> Draft:
    """Back to the authors, with a reason."""
    question, draft, review = _locked_review(review, by)
    if not words.strip():
        raise AuthoringError("no_reason")
    _decide(review, Review.Verdict.CHANGES_REQUESTED, words=words, now=now)
    draft.state = Draft.State.CHANGES_REQUESTED
    draft.save(update_fields=["state"])
    number = versions.next_number(question)
    record(question, Kind.CHANGES_REQUESTED, by=by, now=now, number=number, words=words.strip())
    listing.refresh([question.pk])
    inbox.tell(
        [u for u in draft.authors.all() if u.pk != by.pk],
        subject=_("Changes are wanted: %(code)s") % {"code": question.code},
        text=words.strip(),
        path=reverse("questions:edit", args=[question.code]),
        now=now,
    )
    return draft


@transaction.atomic
def publish(review: Review, *, words: str, by: User, now: datetime) -> QuestionVersion:
    """Approve: the draft becomes the next version. Who answered otherwise than the key has to say why it holds."""
    case = Draft.objects.filter(question=review.question_id).values_list("scenario", flat=True).first()
    if case is not None:
        scenarios.hold(case)
    question, draft, review = _locked_review(review, by)
    if question.state == Question.State.RETIRED:
        raise AuthoringError("retired")
    if not review.agreed and not words.strip():
        raise AuthoringError("no_reason")
    if blocking(question, draft):
        raise AuthoringError("blocked")
    assert draft.topic is not None and draft.difficulty is not None, "blocking findings name what is missing"
    scenario_version, is_new_text = (
        scenarios.publish(draft.scenario, now=now) if draft.scenario else (None, False)
    )
    version = versions.publish_next(
        question,
        draft.parsed,
        topic=draft.topic,
        level=draft.level,
        difficulty=draft.difficulty,
        keeps_order=draft.keeps_order,
        tags=sorted(question.tags.values_list("name", flat=True)),
        checked={"by": "reviewer", "agreed": review.agreed},
        scenario_version=scenario_version,
        by=by,
        now=now,
    )
    _decide(review, Review.Verdict.APPROVED, words=words, now=now)
    authors = [u for u in draft.authors.all() if u.pk != by.pk]
    Review.objects.filter(draft=draft).update(version=version, draft=None)
    Comment.objects.filter(draft=draft).update(version=version, draft=None)
    draft.delete()
    record(question, Kind.PUBLISHED, by=by, now=now, number=version.number, words=words.strip())
    changed = [question.pk]
    if is_new_text:
        changed += _publish_siblings(question, version, by=by, now=now)
    listing.refresh(changed)
    inbox.tell(
        authors,
        subject=_("Published: %(code)s") % {"code": question.code},
        text=words.strip() or _("Version %(n)d is in use from the next paper on.") % {"n": version.number},
        path=reverse("questions:question", args=[question.code]),
        now=now,
    )
    return version


@transaction.atomic
def comment(
    question: Question, *, text: str, by: User, now: datetime, where: str = "", number: int | None = None
) -> Comment:
    """A word on the draft, or on the version of that number; those who wrote it or commented are told."""
    draft = Draft.objects.filter(question=question).first() if number is None else None
    version = question.versions.filter(number=number).first() if number is not None else None
    if draft is None and version is None:
        version = question.current
    made = Comment.objects.create(
        question=question, draft=draft, version=version, by=by, at=now, text=text, where=where
    )
    about = version.number if version else versions.next_number(question)
    record(question, Kind.COMMENTED, by=by, now=now, number=about, text=text, where=where)
    involved = {u.pk: u for u in draft.authors.all()} if draft else {}
    said = question.comments.filter(by__isnull=False).select_related("by")
    involved |= {c.by.pk: c.by for c in said if c.by is not None}
    inbox.tell(
        [u for u in involved.values() if u.pk != by.pk],
        subject=_("%(name)s on %(code)s") % {"name": by, "code": question.code},
        text=text,
        path=reverse("questions:question", args=[question.code]),
        now=now,
    )
    return made


# Reading


def may_review(draft: Draft, user: User) -> bool:
    """Four eyes: nobody reviews what they have written or changed."""
    return access.may(user, access.WRITE_QUESTIONS) and not draft.authors.filter(pk=user.pk).exists()


def is_blind(draft: Draft, user: User) -> bool:
    """Whether this person may still answer it blind, and so is shown its key nowhere."""
    if draft.state != Draft.State.IN_REVIEW or not may_review(draft, user):
        return False
    return not draft.reviews.filter(reviewer=user, revision=draft.revision).exists()


def reviewers(draft: Draft) -> list[User]:
    """Everybody who may review it, by name."""
    roles = [role for role, allowed in access.PERMISSIONS.items() if access.WRITE_QUESTIONS in allowed]
    staff = User.objects.filter(role__in=roles, is_active=True, anonymised_at=None)
    return sorted(staff.exclude(pk__in=draft.authors.values("pk")), key=lambda u: (str(u).lower(), u.pk))


def blocking(question: Question, draft: Draft) -> list[Finding]:
    """What stops it from being sent or published."""
    found = listing.findings_of(
        draft.parsed,
        forbidden=listing.forbidden_of(question.blueprint),
        topic=draft.topic,
        level=draft.level,
        difficulty=draft.difficulty,
    )
    return [finding for finding in found if finding.severity is Severity.BLOCK]


def shuffled(draft: Draft, reviewer: User) -> QuestionContent:
    """The draft with its options in an order of the reviewer's own: the author's order may tell the key."""
    content = draft.parsed
    if draft.keeps_order:
        return content
    options = list(content.options)
    random.Random(f"{draft.pk}:{draft.revision}:{reviewer.pk}").shuffle(options)
    return replace(content, options=tuple(options))


# Inside


def _locked(draft: Draft) -> tuple[Question, Draft]:
    question = authoring.locked(draft.question)
    return question, authoring.locked_draft(question)


def _locked_review(review: Review, by: User) -> tuple[Question, Draft, Review]:
    question = authoring.locked(review.question)
    draft = authoring.locked_draft(question)
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    _check_reviewable(draft, by)
    if review.draft_id != draft.pk or review.revision != draft.revision or review.reviewer_id != by.pk:
        raise AuthoringError("conflict")
    if review.verdict != Review.Verdict.OPEN:
        raise AuthoringError("already_decided")
    return question, draft, review


def _check_reviewable(draft: Draft, by: User) -> None:
    if draft.state != Draft.State.IN_REVIEW:
        raise AuthoringError("not_in_review")
    if not may_review(draft, by):
        raise AuthoringError("own_draft")


def _decide(review: Review, verdict: Review.Verdict, *, words: str, now: datetime) -> None:
    review.verdict, review.words, review.decided_at = verdict, words.strip(), now
    review.save(update_fields=["verdict", "words", "decided_at"])


def _publish_siblings(
    question: Question, published: QuestionVersion, *, by: User, now: datetime
) -> Sequence[int]:
    """A case has one text: its other published questions get a next version that shows the new one."""
    assert published.scenario_version is not None
    siblings = (
        Question.objects.select_for_update(of=("self",))
        .filter(
            state=Question.State.PUBLISHED,
            current__scenario_version__scenario=published.scenario_version.scenario_id,
        )
        .exclude(pk=question.pk)
        .select_related("current__topic")
        .order_by("pk")
    )
    for sibling in siblings:
        old = sibling.current
        assert old is not None
        new = versions.publish_next(
            sibling,
            old.parsed,
            topic=old.topic,
            level=old.level,
            difficulty=old.difficulty,
            keeps_order=old.keeps_order,
            tags=old.tags,
            checked=old.checked,
            scenario_version=published.scenario_version,
            by=by,
            now=now,
        )
        record(sibling, Kind.SCENARIO_CHANGED, by=by, now=now, number=new.number, code=question.code)
    return [sibling.pk for sibling in siblings]
