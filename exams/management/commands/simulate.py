from __future__ import annotations

import random
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Cohort, Membership
from exams import demo, population, simulation
from exams.cohorts.sitting import SittingError
from exams.delivery import DeliveryError
from exams.models import Assignment, MockExam
from exams.simulation import Simulant

MOST = 5_000


class Command(BaseCommand):
    help = (
        "Make up learners who sit a mock exam, through the code that delivers and scores it. They are marked as "
        "demo: remove_demo takes them away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--learners", type=int, required=True, help=f"how many, up to {MOST}")
        parser.add_argument("--mock", metavar="CODE", help="the mock exam; not with --assignment")
        parser.add_argument("--cohort", type=int, metavar="ID", help="they become learners of this cohort")
        parser.add_argument(
            "--assignment", type=int, metavar="ID", help="they sit this, as learners of its cohort"
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same abilities")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if not 1 <= options["learners"] <= MOST:
            raise CommandError(f"--learners takes a number from 1 to {MOST}.")
        assignment = _assignment(options["assignment"], now=now)
        mock = None if assignment else _mock(options["mock"])
        if assignment and (options["mock"] or options["cohort"]):
            raise CommandError(
                "An assignment has its mock exam and its cohort: leave --mock and --cohort out."
            )
        cohort = assignment.cohort if assignment else _cohort(options["cohort"])
        rng = random.Random(f"simulate:{options['seed']}")
        step = max(1, options["learners"] // 20)
        for number in range(1, options["learners"] + 1):
            learner = demo.make_learner()
            if cohort is not None:
                Membership.objects.create(cohort=cohort, user=learner, part=Membership.Part.LEARNER)
            simulant = Simulant.of(learner, key=f"{options['seed']} {number}")
            try:
                if assignment is not None:
                    began_at = _moment(assignment, rng, now=now)
                    simulation.simulate_assigned(simulant, assignment, now=began_at)
                elif mock is not None:
                    began_at = now - timedelta(hours=rng.uniform(mock.seconds / 3600 + 1, 24 * 14))
                    simulation.simulate(simulant, mock, now=began_at)
            except (SittingError, DeliveryError) as error:
                raise CommandError(f"{learner.email} can't begin: {error.code}.") from error
            if number % step == 0 or number == options["learners"]:
                self.stdout.write(f"{number} of {options['learners']}")
                self.stdout.flush()
        population.fold(now=timezone.now())
        self.stdout.write("Done. To remove them with the rest of the demo: manage.py remove_demo")


def _moment(assignment: Assignment, rng: random.Random, *, now: datetime) -> datetime:
    """Some time within its window, with time for a whole sitting where there is any."""
    seconds = assignment.mock.seconds if assignment.mock else 3600
    opens_at = assignment.opens_at or min(assignment.created_at, now - timedelta(days=7))
    end = min(now, assignment.closes_at or now) - timedelta(seconds=seconds + 60)
    return opens_at + max(end - opens_at, timedelta(0)) * rng.random()


def _mock(code: str | None) -> MockExam:
    known = MockExam.objects.filter(is_published=True)
    found = known.filter(code=code or "").first()
    if found is None:
        codes = ", ".join(known.values_list("code", flat=True)) or "none"
        raise CommandError(f"Name a mock exam with --mock, or an --assignment. Mock exams: {codes}.")
    return found


def _cohort(pk: int | None) -> Cohort | None:
    if pk is None:
        return None
    found = Cohort.objects.filter(pk=pk, archived_at=None).first()
    if found is None:
        raise CommandError(f"There is no cohort {pk}, or it is archived.")
    return found


def _assignment(pk: int | None, *, now: datetime) -> Assignment | None:
    if pk is None:
        return None
    given = Assignment.objects.filter(withdrawn_at=None, cohort__archived_at=None)
    found = given.select_related("cohort", "mock").filter(pk=pk).first()
    if found is None:
        raise CommandError(f"There is no assignment {pk}, or it is withdrawn.")
    if found.opens_at and found.opens_at >= now:
        raise CommandError(f"“{found}” opens on {found.opens_at:%Y-%m-%d %H:%M} UTC: nobody can sit it yet.")
    return found
