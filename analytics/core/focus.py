"""From exposure to areas to assess: the table of focus areas, and how they are ranked.

The words that stand wherever a suggestion does are :data:`DISCLAIMER`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from contracts.errors import Reason, SettingError
from contracts.records import Episode, FocusArea, Rollup
from contracts.vocabulary import Activity, Pattern, Posture

DISCLAIMER: Final = (
    "Informational posture trend, not a diagnosis or treatment; areas are prompts for a licensed "
    "therapist's assessment."
)
LONG_SEATED: Final = "long_seated"
LATERAL_LEAN: Final = "lateral_lean"
TRIGGERS: Final = frozenset(
    [p.value for p in Pattern if p is not Pattern.UNSPECIFIED] + [LONG_SEATED, LATERAL_LEAN]
)
#: A smaller part of the exposure is not worth a therapist's five minutes.
MIN_SHARE: Final = 0.1
#: A day with less seated time does not point to the hips.
LONG_SEATED_S: Final = 2 * 3600
#: Leaning counts as 'mostly to one side' from this part of it.
ONE_SIDE_SHARE: Final = 2 / 3
MAX_TABLE_CHARS: Final = 65_536
MAX_AREAS: Final = 64
SEATED: Final = frozenset({Activity.SITTING, Activity.TYPING, Activity.DRIVING})
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class FocusRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the table; see focus_areas.toml."""

    rule: str
    trigger: str
    pattern: str
    front: tuple[str, ...]
    back: tuple[str, ...]
    why: str
    standing: str
    source: str
    inferred: bool = False

    def area(self, share: float) -> FocusArea:
        """The rule as a suggestion with its share of the exposure."""
        return FocusArea(
            rule=self.rule,
            pattern=self.pattern,
            front=self.front,
            back=self.back,
            why=self.why,
            standing=f"{self.standing}. Source: {self.source}.",
            share=round(share, 2),
            inferred=self.inferred,
        )


@dataclass(frozen=True, slots=True)
class FocusTable:
    """The rules in the order of the table."""

    rules: tuple[FocusRule, ...] = ()

    def areas(self, share_of: Mapping[str, float]) -> tuple[FocusArea, ...]:
        """Areas whose trigger has a share worth showing, largest first, then as in the table."""
        areas = [
            rule.area(share_of[rule.trigger])
            for rule in self.rules
            if share_of.get(rule.trigger, 0.0) >= MIN_SHARE
        ]
        return tuple(sorted(areas, key=lambda a: -a.share))


def parse_focus_table(text: str) -> FocusTable:
    """The table in TOML text. SettingError where it is none, or a row is incomplete."""
    if len(text) > MAX_TABLE_CHARS:
        raise _refused(f"it has {len(text)} characters; at most {MAX_TABLE_CHARS} are read.")
    try:
        rows = tomllib.loads(text).get("area", [])
        rules = msgspec.convert(rows, tuple[FocusRule, ...])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _refused(f"{error}.") from None
    if not 1 <= len(rules) <= MAX_AREAS:
        raise _refused(f"it has {len(rules)} areas; 1 to {MAX_AREAS} are allowed.")
    if len({rule.rule for rule in rules}) != len(rules):
        raise _refused("two areas have the same rule.")
    for rule in rules:
        _check_rule(rule)
    return FocusTable(rules)


def rank_focus(
    table: FocusTable, episodes: Sequence[Episode], day: Rollup | None = None
) -> tuple[FocusArea, ...]:
    """Areas of a day (or of any episodes), by the share of the exposure that led to each.

    Patterns share the rounded seconds of the episodes; seated time and leaning are parts of ``day``'s
    worn time.
    """
    rounded_s = sum(e.rounded_s for e in episodes)
    share_of: dict[str, float] = {}
    triggers = {rule.rule: rule.trigger for rule in table.rules}
    for episode in episodes:
        for area in episode.focus:
            trigger = triggers.get(area.rule)
            if trigger is not None and trigger not in (LONG_SEATED, LATERAL_LEAN):
                part = area.share * episode.rounded_s / rounded_s
                share_of[trigger] = share_of.get(trigger, 0.0) + part
    if day is not None and day.worn_s:
        share_of |= _day_shares(day)
    return table.areas(share_of)


def _day_shares(day: Rollup) -> dict[str, float]:
    shares = {}
    seated_s = sum(seconds for activity, seconds in day.activity_s.items() if activity in SEATED)
    if seated_s >= LONG_SEATED_S:
        shares[LONG_SEATED] = seated_s / day.worn_s
    left_s, right_s = (day.posture_s.get(p, 0) for p in (Posture.LEFT_LEAN, Posture.RIGHT_LEAN))
    if max(left_s, right_s) >= ONE_SIDE_SHARE * (left_s + right_s):
        shares[LATERAL_LEAN] = (left_s + right_s) / day.worn_s
    return shares


def _check_rule(rule: FocusRule) -> None:
    if rule.trigger not in TRIGGERS:
        raise _refused(
            f"{rule.rule!r} has the trigger {rule.trigger!r}; known: {sorted(TRIGGERS)}."
        )
    for key in (rule.rule, *rule.front, *rule.back):
        if not _KEY.fullmatch(key):
            raise _refused(f"{key[:60]!r} is not a key of lower-case letters, digits and _.")
    if not (rule.front and rule.back and rule.why and rule.source):
        raise _refused(f"{rule.rule!r} lacks a front, a back, a why or a source.")


def _refused(text: str) -> SettingError:
    return SettingError(
        Reason.BAD_SETTING,
        f"the table of focus areas cannot be used: {text}",
        hint="Mend the row; focus_areas.toml says what each field is.",
    )
