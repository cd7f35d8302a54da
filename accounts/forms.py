from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Accommodation, User

REGIONS = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()  # noqa: SIM905
)


@cache
def _zones_by_region() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The zones that people mean: the other names are aliases of these."""
    regions: dict[str, list[str]] = {}
    for zone in sorted(zoneinfo.available_timezones()):
        region, _slash, place = zone.partition("/")
        if place and region in REGIONS:
            regions.setdefault(region, []).append(zone)
    return tuple((region, tuple(zones)) for region, zones in regions.items())


def time_zone_choices(*, current: str) -> list[tuple[str, Any]]:
    """UTC, then a group per region; what the profile says now is always among them."""
    groups = [(region, [(zone, _in_words(zone)) for zone in zones]) for region, zones in _zones_by_region()]
    known = {zone for _region, zones in _zones_by_region() for zone in zones}
    first = [("UTC", "UTC")]
    if current not in known | {"UTC"}:
        first.append((current, current))
    return [*first, *groups]


def _in_words(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ")


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("name", "time_zone", "theme")
        labels: ClassVar = {"name": _("Name"), "time_zone": _("Time zone"), "theme": _("Colours")}
        help_texts: ClassVar = {
            "name": _("As it should stand on a score report. Optional."),
            "time_zone": _("Deadlines and dates are shown in it."),
        }
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "time_zone": forms.Select(attrs={"data-time-zone": ""}),
            "theme": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        select = self.fields["time_zone"].widget
        assert isinstance(select, forms.Select)
        # Only the widget lists them: the model's validator knows every zone, a browser's alias too.
        select.choices = time_zone_choices(current=self.instance.time_zone)


class AccommodationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Validates; storing is `accommodations.set_accommodation`, which also writes the log."""

    class Meta:
        model = Accommodation
        fields = ("time_factor", "extra_minutes")
        labels: ClassVar = {"time_factor": _("Time factor"), "extra_minutes": _("Extra minutes")}
        help_texts: ClassVar = {
            "time_factor": _("1.25 gives a quarter more; from 1 to 3."),
            "extra_minutes": _("Added after the factor; from 0 to 600."),
        }
        widgets: ClassVar = {
            "time_factor": forms.NumberInput(attrs={"min": "1", "max": "3", "step": "0.01"}),
            "extra_minutes": forms.NumberInput(attrs={"min": "0", "max": "600"}),
        }


class AnonymiseForm(forms.Form):
    """Asks for the password; who has none types the e-mail address."""

    confirmation = forms.CharField()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        field = self.fields["confirmation"]
        if user.has_usable_password():
            field.label = _("Your password")
            field.widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
            # A password may begin or end with a space.
            field.strip = False  # type: ignore[attr-defined]
        else:
            field.label = _("Your e-mail address")
            field.widget = forms.EmailInput(attrs={"autocomplete": "off"})
        field.widget.is_required = True

    def clean_confirmation(self) -> str:
        given: str = self.cleaned_data["confirmation"]
        if self.user.has_usable_password():
            if not self.user.check_password(given):
                raise forms.ValidationError(_("That is not your password."))
        elif given.strip().lower() != self.user.email:
            raise forms.ValidationError(_("That is not the address of this account."))
        return given
