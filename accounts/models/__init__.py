from accounts.models.cohorts import Cohort, CohortEvent, Invitation, Membership, Part
from accounts.models.notices import Notice
from accounts.models.people import (
    Accommodation,
    AccommodationChange,
    EmailUserManager,
    Role,
    Theme,
    User,
    validate_time_zone,
)

__all__ = [
    "Accommodation",
    "AccommodationChange",
    "Cohort",
    "CohortEvent",
    "EmailUserManager",
    "Invitation",
    "Membership",
    "Notice",
    "Part",
    "Role",
    "Theme",
    "User",
    "validate_time_zone",
]
