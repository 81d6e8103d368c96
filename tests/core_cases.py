"""Hand-made accounts for the tests of the core: what one person paid and got, as tables, and the answers by month.

The plain account: base 6000.00, of which 120.00 by the employee (all of it due in the account) and 480.00 by the
employer, paid on the 20th of each month, credited on the 12th of the next; the account export is declared to cover
2023 to 2025. A test says only what differs from that.

A call of the core costs the same for one person as for a hundred, so a :class:`Book` answers all cases of a module in
one: each as people, employers and files of its own. What depends on colleagues calls :func:`solve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

import polars as pl

from recon import tables as canonical
from recon.core.context import Context, build_context
from recon.core.reconcile import Result, reconcile
from recon.core.survey import Part
from recon.policy import Policy, load_policy
from recon.problems import Problem
from support import MAPPINGS

Row = dict[str, Any]
Tables = dict[str, pl.DataFrame]

ME, OTHER, THIRD = "110105198503074917", "110105199001010053", "110105195406054910"
# Wuhan: monthly, 2% from 2023-02, well known. Beijing: reform in 2022-09, by age before. Shanghai: yearly. Hangzhou:
# prepaid. Shenzhen: by tier. Suzhou: an employer share of low confidence. Chongqing: a schedule of low confidence.
WUHAN, BEIJING, SHANGHAI, HANGZHOU, SHENZHEN, SUZHOU = "420100", "110000", "310000", "330100", "440300", "320500"
CHONGQING = "500000"
DUE = 12000
PAID = 60000
AS_OF = "2025-03-31"


@cache
def policy() -> Policy:
    """The shipped policy."""
    return load_policy([MAPPINGS / "policy"])


def later(month: str, count: int) -> str:
    """The month ``count`` months after ``month`` (YYYY-MM)."""
    number = int(month[:4]) * 12 + int(month[5:7]) - 1 + count
    return f"{number // 12}-{number % 12 + 1:02d}"


def run_of(first: str, count: int) -> list[str]:
    """``count`` months from ``first`` on."""
    return [later(first, number) for number in range(count)]


def line(month: str, **changes: object) -> Row:
    """A plain contribution line for ``month``; ``paid_on`` None takes its arrival away.

    ``due=None`` states no credited amount; ``scale`` multiplies all amounts by so many hundredths.
    """
    scale = int(str(changes.pop("scale", 100)))
    due = changes.pop("due", DUE * scale // 100)
    row: Row = {
        "file": "contribution.csv", "person_id": ME, "person_name": "测试甲", "region": WUHAN, "scheme": "310",
        "employer": "示例公司", "accrual_month": f"{month}-01", "paid_on": f"{month}-20", "base_fen": 6000 * scale,
        "employee_fen": 120 * scale, "employer_fen": 480 * scale, "into_account_fen": due,
        "payment_kind": "normal", "paid": True,
    }
    return row | changes


def refund(month: str, paid_on: str, scale: int = 100) -> Row:
    """A line that takes back ``scale`` hundredths of a plain one."""
    return line(month, scale=-scale, paid_on=paid_on, payment_kind="refund")


def lines(first: str = "2024-01", count: int = 6, skip: Iterable[str] = (), **changes: object) -> list[Row]:
    """Plain lines of ``count`` months but those of ``skip``."""
    return [line(month, **changes) for month in run_of(first, count) if month not in set(skip)]


def flow(day: str, amount: int = DUE, kind: str = "credit", **changes: object) -> Row:
    """One line of the account."""
    row: Row = {"file": "flow.csv", "person_id": ME, "region": WUHAN, "posted_on": day, "flow_kind": kind,
                "amount_fen": amount}
    return row | changes


def credits(
    first: str = "2024-01", count: int = 6, skip: Iterable[str] = (), amount: int = DUE, lag: int = 1,
    **changes: object,
) -> list[Row]:
    """A credit for each month, on the 12th ``lag`` months later, but for the months of ``skip``."""
    return [flow(f"{later(month, lag)}-12", amount, **changes)
            for month in run_of(first, count) if month not in set(skip)]


def person(**changes: object) -> Row:
    """A row of the roster."""
    return {"person_id": ME, "person_name": "测试甲", "employer": "示例公司", "region": WUHAN,
            "birth_date": "1985-03-07", "insured_status": "in_service"} | changes


def retiree(**changes: object) -> Row:
    """Somebody retired since 2015, aged 69 in 2024."""
    return person(insured_status="retired", birth_date="1955-01-01", retired_from="2015-01-01") | changes


def cover(
    file: str = "flow.csv", start: str = "2023-01-01", end: str | None = "2025-12-31", basis: str = "declared",
    table: str = "flow", **changes: object,
) -> Row:
    """What one file is said to cover."""
    return {"table": table, "file": file, "from": start, "to": end, "basis": basis} | changes


def account(
    contribution: Iterable[Row] = (), flows: Iterable[Row] = (), *, roster: Iterable[Row] = (),
    coverage: Iterable[Row] | None = None, **more: Iterable[Row],
) -> Tables:
    """The input tables; without ``coverage`` every flow file is declared to cover 2023 to 2025."""
    rows = _rows_of(contribution, flows, roster=roster, coverage=coverage, **more)
    return {name: _frame(name, mine) for name, mine in rows.items()}


def _rows_of(
    contribution: Iterable[Row] = (), flows: Iterable[Row] = (), *, roster: Iterable[Row] = (),
    coverage: Iterable[Row] | None = None, **more: Iterable[Row],
) -> dict[str, list[Row]]:
    """The rows of :func:`account` by table, each with the place it has in its file."""
    flows = list(flows)
    if coverage is None:
        coverage = [cover(name) for name in sorted({row["file"] for row in flows})]
    given: dict[str, Iterable[Row]] = {
        "contribution": contribution, "flow": flows, "person": roster, "coverage": coverage, **more,
    }
    return {name: list(_placed(name, given.get(name, ()))) for name in canonical.INPUT_TABLES}


def _placed(name: str, rows: Iterable[Row]) -> Iterator[Row]:
    if "row_id" not in canonical.INPUT_TABLES[name]:
        yield from rows
        return
    counts: dict[str, int] = {}
    for row in rows:
        told = dict(row)
        file = told.pop("file", f"{name}.csv")
        counts[file] = counts.get(file, 1) + 1
        yield told | {"row_id": f"{file}#L{counts[file]}"}


def _frame(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    schema = canonical.INPUT_TABLES[name]
    unknown = {column for row in rows for column in row} - set(schema)
    assert not unknown, unknown
    days = [column for column, dtype in schema.items() if dtype == pl.Date]
    columns: dict[str, list[Any]] = {column: [row.get(column) for row in rows] for column in schema}
    columns |= {column: [date.fromisoformat(day) if day else day for day in columns[column]] for column in days}
    return pl.DataFrame(columns, schema=schema)


def context_of(
    tables: Mapping[str, pl.DataFrame], as_of: str = AS_OF, tolerance: int | None = None, part: Part | None = None
) -> Context:
    """The first pass over ``tables``."""
    return build_context(tables, policy(), date.fromisoformat(as_of), tolerance=tolerance, part=part)


def solve(
    tables: Mapping[str, pl.DataFrame], as_of: str = AS_OF, *, tolerance: int | None = None,
    context: Context | None = None,
) -> Told:
    """Both passes; the second asserts the identities of DESIGN section 7."""
    part = None if context else Part(tables, policy())
    context = context or context_of(tables, as_of, tolerance, part)
    result = reconcile(tables, policy(), context.as_of, context, part=part)
    return Told(result)


PLAIN = "on_time/explained"


@dataclass(frozen=True)
class Told:
    """What the core answered about one person (ME unless asked about another)."""

    result: Result
    ids: Mapping[str, str] = field(default_factory=dict)
    who: str = ME

    def of(self, person_id: str) -> Told:
        """The answers about somebody else."""
        return Told(self.result, self.ids, person_id)

    def table(self, name: str) -> pl.DataFrame:
        """The person's rows of a result table."""
        frame = self.result.tables[name]
        return frame.filter(pl.col("person_id") == self.ids.get(self.who, self.who))

    def months(self, region: str | None = None, scheme: str = "310") -> dict[str, Row]:
        """YYYY-MM and the row of ``month``, of one account."""
        rows = self.table("month").filter(pl.col("scheme") == scheme)
        if region is not None:
            rows = rows.filter(pl.col("region") == region)
        found = {f"{row['accrual_month']:%Y-%m}": row for row in rows.iter_rows(named=True)}
        assert len(found) == rows.height, "name the region or scheme: several accounts have this month"
        return found

    def answers(self, region: str | None = None, scheme: str = "310") -> dict[str, str]:
        """YYYY-MM and ``label/cause/status`` (no cause where there is none) of one account."""
        return {month: answer_of(row) for month, row in self.months(region, scheme).items()}

    def unusual(self, region: str | None = None, scheme: str = "310") -> dict[str, str]:
        """The answers that are not plainly on time."""
        return {month: told for month, told in self.answers(region, scheme).items() if told != PLAIN}

    def gaps(self, month: str) -> list[Row]:
        """The rows of ``gap`` of a month, without the pooled share and without what explains a balance."""
        rows = self.table("gap").filter(
            (pl.col("accrual_month") == date.fromisoformat(f"{month}-01")) & (pl.col("label") != "pooled_share")
            & (pl.col("basis") != "balance"))
        return list(rows.iter_rows(named=True))

    def parts(self, month: str) -> dict[str, int]:
        """``label/cause/status`` and amount of a month's parts, the pooled share left out."""
        return {answer_of(row): row["amount_fen"] for row in self.gaps(month)}

    def gap(self, month: str, label: str) -> Row:
        """The one part of a month with this label."""
        (row,) = [row for row in self.gaps(month) if row["label"] == label]
        return row

    def accused(self) -> list[tuple[str, str, str | None, int]]:
        """Every open part: month, label, cause, amount."""
        rows = self.table("gap").filter(pl.col("status") == "open").sort("accrual_month", "label", "amount_fen")
        return [(f"{row['accrual_month']:%Y-%m}", row["label"], row["cause"], row["amount_fen"])
                for row in rows.iter_rows(named=True)]

    def links(self) -> list[tuple[str, str, int]]:
        """Accrual month, posting day and share of every link, in order."""
        rows = self.table("match").sort("accrual_month", "posted_on", "flow_row_id", "amount_fen")
        return [(f"{row['accrual_month']:%Y-%m}", str(row["posted_on"]), row["amount_fen"])
                for row in rows.iter_rows(named=True)]

    def codes(self) -> list[str]:
        """The codes of what was noticed about the person's files."""
        mine = f"{self.ids[ME]}/" if self.ids else ""
        return [problem.code for problem in self.result.problems if (problem.file or "").startswith(mine)]

    def problems(self) -> list[Problem]:
        """What was noticed about the person's files, their names as the case gives them."""
        mine = f"{self.ids[ME]}/" if self.ids else ""
        return [replace(problem, file=(problem.file or "").removeprefix(mine), value=(problem.value or "").replace(mine, ""))
                for problem in self.result.problems if (problem.file or "").startswith(mine)]


def answer_of(row: Mapping[str, Any]) -> str:
    """``label/cause/status`` of a row of ``month`` or ``gap``."""
    return "/".join(word for word in (row["label"], row["cause"], row["status"]) if word)


@dataclass
class Book:
    """The cases of a test module, answered together (see the module) when the first of them is asked for."""

    cases: dict[str, tuple[str, dict[str, list[Row]], dict[str, str]]] = field(default_factory=dict)
    answered: dict[str, Result] = field(default_factory=dict)

    def case(
        self, contribution: Iterable[Row] = (), flows: Iterable[Row] = (), *, as_of: str = AS_OF, **more: Iterable[Row],
    ) -> Callable[[Callable[[Told], None]], Callable[[], None]]:
        """Mark a test that is given the answers about :func:`account` of these rows."""
        rows = _rows_of(contribution, flows, **more)

        def mark(test: Callable[[Told], None]) -> Callable[[], None]:
            own, ids = _apart(rows, len(self.cases) + 1)
            self.cases[test.__name__] = as_of, own, ids

            def run() -> None:
                test(Told(self._answer(as_of), ids))

            run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
            return run

        return mark

    def _answer(self, as_of: str) -> Result:
        if as_of not in self.answered:
            mine = [rows for day, rows, _ in self.cases.values() if day == as_of]
            together = {name: _frame(name, [row for rows in mine for row in rows[name]])
                        for name in canonical.INPUT_TABLES}
            self.answered[as_of] = solve(together, as_of).result
        return self.answered[as_of]


def _apart(tables: Mapping[str, list[Row]], number: int) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """The rows with people, employers and files that no other case has, and what the people are called now."""
    people = sorted({row["person_id"] for rows in tables.values() for row in rows if row.get("person_id")} | {ME})
    ids = {name: f"PSN:42{number:04d}{place:04d}" for place, name in enumerate(people)}

    def own(row: Row) -> Row:
        renamed = {column: f"{row[column]}{number}" for column in ("employer", "payer", "person_name")
                   if row.get(column) is not None}
        renamed |= {column: f"{ids[ME]}/{row[column]}" for column in ("row_id", "file") if row.get(column) is not None}
        if row.get("person_id"):
            renamed["person_id"] = ids[row["person_id"]]
        return row | renamed

    return {name: [own(row) for row in rows] for name, rows in tables.items()}, ids


def colleagues(count: int) -> list[str]:
    """Plainly fake person ids."""
    return [f"PSN:42000{number:05d}" for number in range(1, count + 1)]


def staff(
    people: Sequence[str], first: str = "2024-01", count: int = 6, *, missing: Mapping[str, Iterable[str]] | None = None,
    lag: int = 1, region: str = WUHAN, **changes: object,
) -> tuple[list[Row], list[Row]]:
    """Plain lines and credits of several people of one employer; ``missing`` credits by person."""
    paid = [row for one in people
            for row in lines(first, count, person_id=one, person_name=f"测试{one[-4:]}", region=region, **changes)]
    came = [row for one in people
            for row in credits(first, count, (missing or {}).get(one, ()), person_id=one, region=region, lag=lag)]
    return paid, came
