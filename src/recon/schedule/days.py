"""Working days, and the day of each month on which a run is due.

China's public holidays come from chinesecalendar, year by year as the State Council announces them. Where its data end
the rule is: Monday to Friday, without 1 January, 1-2 May and 1-3 October; holidays of the lunar calendar are then not
known. What ``recon.toml`` states of single days wins over both.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_FIXED = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
_LONGEST_BREAK = 31  # no break is longer; a list of holidays that never ends is not followed


@dataclass(frozen=True)
class Plan:
    """A monthly run: the day of the month (the last one of shorter months), the time, and what is no working day."""

    monthly: int
    at: time
    next_workday: bool = True
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def due(self, month: date) -> datetime:
        """When the run of ``month`` (its first day) is due, as local time without a zone."""
        day = month.replace(day=min(self.monthly, monthrange(month.year, month.month)[1]))
        for _ in range(_LONGEST_BREAK):
            if not self.next_workday or is_workday(day, self.holidays, self.workdays):
                break
            day += timedelta(days=1)
        return datetime.combine(day, self.at)

    def slot(self, now: datetime) -> str:
        """The month (``2026-05``) whose run was due last."""
        return next(f"{month:%Y-%m}" for month in _months_before(now.date()) if self.due(month) <= now)

    def next_due(self, now: datetime) -> datetime:
        """When the next run will be due."""
        month = now.date().replace(day=1) - timedelta(days=1)
        while True:
            month = month.replace(day=1)
            if self.due(month) > now:
                return self.due(month)
            month += timedelta(days=31)

    def missed(self, now: datetime, served: Collection[str]) -> list[str]:
        """Months since the last one that was ``served`` whose run never was, without the one that is due now."""
        if not served:
            return []
        last, current = max(served), self.slot(now)
        found = []
        for month in _months_before(now.date()):
            slot = f"{month:%Y-%m}"
            if slot <= last:
                break
            if slot < current:
                found.append(slot)
        return sorted(found)


def is_workday(day: date, holidays: Collection[date] = (), workdays: Collection[date] = ()) -> bool:
    """Whether offices work on ``day``."""
    if day in holidays:
        return False
    if day in workdays:
        return True
    if is_announced(day.year):
        from chinese_calendar import is_workday as announced

        return bool(announced(day))
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED


def is_announced(year: int) -> bool:
    """Whether the holidays of ``year`` are known, not worked out by the rule."""
    from chinese_calendar import constants

    first, last = min(constants.holidays).year, max(constants.holidays).year
    return bool(first <= year <= last)


def _months_before(day: date) -> Iterator[date]:
    """The first of this month, of the last, and so on."""
    month = day.replace(day=1)
    while True:
        yield month
        month = (month - timedelta(days=1)).replace(day=1)
