"""The gaps of a bot's knowledge, week by week: what was asked without an answer, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from server.operators.learning.cases import Case
from server.operators.learning.derive import Derived
from server.operators.learning.suggestions import State
from server.store.records import Record

COLUMNS = ("week", "first", "question", "asked", "answered", "state", "suggestion_id")


class GapQuestion(Record):
    """A question of a week."""

    suggestion_id: str = Field(description="The suggestion that it belongs to")
    question: str = Field(description="The question, without what leads to a person")
    asked: int = Field(description="How often it was asked that week without an answer in the documents")
    answered: int = Field(description="How often a person has answered it since, or it was learned")
    state: State = Field(description="What became of the suggestion")


class GapWeek(Record):
    """A week, by the bot's clock."""

    week: str = Field(description="ISO 8601, such as `2026-W48`")
    first: str = Field(description="Its Monday, YYYY-MM-DD")
    asked: int = Field(description="Questions that the documents did not answer")
    answered: int = Field(description="How many of them a person has answered since, or were learned")
    learned: int = Field(description="How many of them the agent has learned since")
    questions: list[GapQuestion] = Field(description="Those questions, the most frequent first")


def gap_weeks(derived: Iterable[Derived], timezone: str) -> list[GapWeek]:
    """The last eight weeks in which something was asked without an answer, the latest first."""
    zone = ZoneInfo(timezone)
    weeks: dict[date, dict[str, list[Case]]] = {}
    known = {each.suggestion.id: each for each in derived}
    for each in known.values():
        for case in each.cases:
            if case.asks:
                day = datetime.fromtimestamp(case.at / 1000, zone).date()
                monday = day - timedelta(days=day.weekday())
                weeks.setdefault(monday, {}).setdefault(each.suggestion.id, []).append(case)
    return [_week(monday, weeks[monday], known) for monday in sorted(weeks, reverse=True)]


def _week(monday: date, asked: dict[str, list[Case]], known: dict[str, Derived]) -> GapWeek:
    rows = [_question(known[id], cases) for id, cases in asked.items()]
    year, week, _ = monday.isocalendar()
    return GapWeek(
        week=f"{year}-W{week:02}",
        first=monday.isoformat(),
        asked=sum(row.asked for row in rows),
        answered=sum(row.answered for row in rows),
        learned=sum(row.asked for row in rows if row.state == "accepted"),
        questions=sorted(rows, key=lambda row: (-row.asked, row.question)),
    )


def _question(derived: Derived, cases: Sequence[Case]) -> GapQuestion:
    suggestion = derived.suggestion
    learned = suggestion.state == "accepted"
    return GapQuestion(
        suggestion_id=suggestion.id,
        question=suggestion.question,
        asked=len(cases),
        answered=sum(learned or bool(case.answer) for case in cases),
        state=suggestion.state,
    )


def gap_rows(weeks: Iterable[GapWeek]) -> Iterator[dict[str, str | int]]:
    """A row for each question of each week, by the names of COLUMNS."""
    for week in weeks:
        for row in week.questions:
            yield {"week": week.week, "first": week.first, **row.model_dump()}
