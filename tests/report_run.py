"""A made-up run for the tests of the report: hand-made result tables that hold every verdict and keep the identity."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from stdnum.cn import ric

from recon.labels import CAUSE, verdict
from recon.report.view import RunView
from recon.tables import TABLES, conform

WUHAN, SHENZHEN = "420100", "440300"


def month(text: str, ahead: int = 0) -> date:
    """The first of ``2024-05``, or of some months later."""
    year, number = map(int, text.split("-"))
    place = year * 12 + number - 1 + ahead
    return date(place // 12, place % 12 + 1, 1)


def resident_id(serial: int, *, area: str = "110105", born: str = "19850307") -> str:
    """A made-up ID with a valid check digit."""
    stem = f"{area}{born}{serial:03d}"
    return stem + ric.calc_check_digit(stem + "0")


class Run:
    """Tables under construction; :meth:`add` adds one month with its contribution, link and parts."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}

    def person(self, name: str, number: str, serial: int, *, region: str = WUHAN, employer: str = "示例公司") -> str:
        """A person of the roster; the ID comes back."""
        person_id = resident_id(serial)
        self.rows["person"].append({
            "person_id": person_id, "person_name": name, "employee_no": number, "employer": employer,
            "region": region, "insured_status": "in_service",
        })
        return person_id

    def add(
        self, person_id: str, accrual: str, label: str = "on_time", cause: str | None = None, status: str = "explained",
        *, due: int | None = 12000, credited: int | None = None, part: int | None = None, lag: int | None = None,
        estimate: int | None = None, region: str = WUHAN, confidence: str | None = "proved", paid: bool = True,
        alternatives: str | None = None, finding: str | None = None, line: bool = True, evidence: str | None = None,
        twice: bool = False,
    ) -> None:
        """One month. ``credited`` defaults to what is due when it was received; ``part`` to due less credited."""
        person = next(one for one in self.rows["person"] if one["person_id"] == person_id)
        when, received = month(accrual), verdict(label, cause, status) == "received"
        credited = (due or 0 if received else 0) if credited is None else credited
        contributed = (120000 if twice else 60000) if line and paid else 0
        late = label == "delay" and status == "resolved"
        on_time = 0 if late else min(credited, due or 0) if label != "over_credit" else credited
        known = due is not None and contributed and label not in ("data_incomplete", "no_account")
        pooled = min(contributed, 60000) - (due or 0) if known else None
        row_id = f"缴费.csv#L{len(self.rows['contribution']) + 2}"
        key = {"person_id": person_id, "region": region, "scheme": "310", "accrual_month": when}
        if line:
            self.rows["contribution"].append(key | {
                "row_id": row_id, "person_name": person["person_name"], "employer": person["employer"],
                "paid_on": month(accrual).replace(day=20) if paid else None, "base_fen": 600000, "employee_fen": 12000,
                "employer_fen": 48000, "payment_kind": "normal", "paid": paid, "proof": "fund_record",
            })
            self.rows["expected"].append(key | {
                "row_id": row_id, "expected_fen": due, "pooled_fen": pooled, "flat_fen": 0,
                "due_month": month(accrual, 1), "last_month": month(accrual, 3),
                "policy_ref": "420000/2024-04/in_service_credit", "policy_confidence": "high",
            })
        if credited:
            flow_id = f"个账明细.csv#L{len(self.rows['flow']) + 2}"
            posted = month(accrual, lag if lag is not None else 1).replace(day=12)
            self.rows["flow"].append({
                "row_id": flow_id, "person_id": person_id, "region": region, "scheme": "310", "posted_on": posted,
                "flow_kind": "credit", "amount_fen": credited,
            })
            self.rows["match"].append(key | {
                "contribution_row_id": row_id, "flow_row_id": flow_id, "posted_on": posted, "amount_fen": credited,
                "lag_months": lag if lag is not None else 1, "kind": "1:1" if credited == due else "inexact",
                "margin": 900, "decided": True,
            })
        rest = contributed - on_time - (pooled or 0)
        parts = [("pooled_share", None, pooled, "explained")] if pooled else []
        if label != "on_time":
            parts.append((label, cause, rest if part is None else part, status))
        for one, why, fen, state in parts:
            desk = CAUSE[one, why]
            self.rows["gap"].append(key | {
                "gap_id": f"g{len(self.rows['gap']):04d}", "basis": "credit", "label": one, "cause": why,
                "amount_fen": fen, "estimated_fen": estimate if one == label else None, "status": state,
                "evidence": evidence or f"应划{(due or 0) / 100:.2f}元 [{row_id}]", "owner": desk.owner,
                "action": desk.action.format(
                    month=f"{when:%Y-%m}", amount=f"{abs(fen or estimate or 0) / 100:.2f}", arrived=f"{when:%Y-%m}-20",
                    due=f"{month(accrual, 1):%Y-%m}", region=region),
                "finding_id": finding if one == label else None,
            })
        self.rows["month"].append(key | {
            "person_name": person["person_name"], "employee_no": person["employee_no"], "employer": person["employer"],
            "contributed_fen": contributed, "pooled_fen": pooled, "flat_fen": 0, "expected_fen": due,
            "credited_on_time_fen": on_time, "credited_fen": credited, "lag_months": lag if credited else None,
            "label": label, "cause": cause, "status": status, "verdict": verdict(label, cause, status),
            "confidence": confidence, "alternatives": alternatives,
            "evidence": evidence or f"应划{(due or 0) / 100:.2f}元 [{row_id}]",
        })

    def view(self, **changes: Any) -> RunView:
        """The run as a view; tables without rows are left out."""
        tables = {
            name: conform(pl.DataFrame(rows, schema_overrides=TABLES[name], infer_schema_length=None), name)
            for name, rows in self.rows.items() if rows
        }
        return RunView(**{
            "tables": tables, "as_of": date(2025, 3, 31), "folder": "样例文件夹", "version": "0.1.0",
            "parameters": [("宽限月数", "3（当地规定）")], "generated_at": "2025-04-01 09:00",
            "region_names": {WUHAN: "武汉市", SHENZHEN: "深圳市"}, **changes,
        })


def every_verdict(**changes: Any) -> RunView:
    """A run of nine people in which every verdict occurs, with data problems, sources and coverage."""
    run = Run()
    a = run.person("测试甲", "1001", 1)
    for number in range(1, 13):
        accrual = f"2024-{number:02d}"
        if number == 5:
            run.add(a, accrual, "missing_month", "credit_missing", "open", estimate=12000,
                    evidence="缴费到账2024-05-20，应划120.00元（应划月2024-06），明细中未见划入 [缴费.csv#L6]")
        elif number == 8:
            run.add(a, accrual, "delay", "late", "resolved", lag=2)
        else:
            run.add(a, accrual)
    b = run.person("王样例", "1002", 2)
    run.add(b, "2024-03")
    run.add(b, "2024-04", "missing_month", "contribution_unpaid", "open", paid=False, part=0, estimate=12000,
            confidence=None, finding="f1")
    run.add(b, "2024-05", "missing_month", "contribution_missing", "open", due=0, part=0, estimate=12000, line=False,
            confidence=None)
    run.add(b, "2024-06", "on_time", "paid_late")
    c = run.person("李样例", "1003", 3, employer="示例公司武汉分公司")
    run.add(c, "2024-04", "missing_month", "contribution_unpaid", "open", paid=False, part=0, estimate=12000,
            confidence=None, finding="f1")
    run.add(c, "2024-11", "delay", "overdue", "pending")
    run.add(c, "2024-12", "delay", "late", "pending")
    run.add(c, "2025-03", "delay", "not_yet_due", "pending")
    d = run.person("赵样例", "1004", 4)
    run.add(d, "2024-01", "short_credit", None, "open", credited=10000)
    run.add(d, "2024-02", "over_credit", "duplicate_credit", "open", credited=24000)
    run.add(d, "2024-03", "top_up", "credit_missing", "open", credited=12000, due=13420)
    run.add(d, "2024-04", "refund_due", None, "pending", twice=True)
    e = run.person("孙测试", "1005", 5, region=SHENZHEN)
    for accrual in ("2024-01", "2024-02"):
        run.add(e, accrual, "no_account", region=SHENZHEN, due=0, confidence=None)
    f = run.person("周测试", "1006", 6)
    run.add(f, "2024-01", "policy_unknown", None, "unknown", due=None, estimate=12000, confidence=None)
    run.add(f, "2024-02", "data_incomplete", "before_export", "unknown", estimate=12000, confidence=None)
    run.add(f, "2024-12", "data_incomplete", "tail_open", "unknown", estimate=12000, confidence=None)
    g = run.person("吴测试", "1007", 7)
    for accrual in ("2024-01", "2024-02", "2024-03"):
        run.add(g, accrual, "data_incomplete", "no_account_export", "unknown", estimate=12000, confidence=None)
    h = run.person("郑测试", "1008", 8)
    run.add(h, "2024-05", "missing_month", "credit_missing", "open", confidence="undecided", alternatives="2024-06")
    run.add(h, "2024-06")
    i = run.person("冯测试", "1009", 9)
    run.add(i, "2022-08", due=30000)
    run.add(i, "2022-09", due=20000)
    run.rows["step"].append({
        "person_id": i, "region": WUHAN, "accrual_month": month("2022-09"), "from_fen": 30000, "to_fen": 20000,
        "cause": "policy_change", "amount_fen": -10000,
        "evidence": "每月应划从300.00元变为200.00元 [缴费.csv#L35; 缴费.csv#L36]",
        "policy_ref": "420000/2022-09/in_service_credit",
    })
    run.rows["flow"] += [
        {"row_id": "个账明细.csv#L90", "person_id": a, "region": WUHAN, "scheme": "310", "flow_kind": "credit",
         "posted_on": date(2023, 12, 12), "amount_fen": 11000},
        {"row_id": "个账明细.csv#L91", "person_id": i, "region": WUHAN, "scheme": "310", "flow_kind": "credit",
         "posted_on": date(2022, 9, 20), "amount_fen": 5000, "memo": "=HYPERLINK(1)"},
        {"row_id": "个账明细.csv#L92", "person_id": i, "region": WUHAN, "scheme": "310", "flow_kind": "reversal",
         "posted_on": date(2022, 9, 25), "amount_fen": -5000},
    ]
    run.rows["reading"] += [
        {"row_id": "读数.csv#L2", "person_id": a, "region": WUHAN, "read_on": date(2025, 1, 3), "kind": "ledger",
         "amount_fen": 345540},
        {"row_id": "读数.csv#L3", "person_id": a, "region": WUHAN, "read_on": date(2025, 1, 11), "kind": "available",
         "amount_fen": 321540},
    ]
    run.rows["finding"].append({
        "finding_id": "f1", "basis": "credit", "label": "missing_month", "cause": "contribution_unpaid",
        "scope": "示例公司 2024-04", "people": 2, "amount_fen": 0, "evidence": "2 人同月记录显示未到账。",
        "owner": "payer", "action": "请缴费单位核对2024-04的医保费是否已缴、何时到账（2人）。",
    })
    run.rows["problem"] += [
        {"code": "unreadable-amount", "severity": "error", "file": "缴费.csv", "place": "L40", "column": "个人缴费",
         "value": "1,2O0.00", "message": "金额看不懂：“1,2O0.00”（个人缴费）", "remedy": "改正该格，或重新导出"},
        {"code": "id-check-digit", "severity": "warning", "file": "缴费.csv", "place": "L41", "column": None,
         "value": "110105198503070013", "message": "身份证校验位不对：“110105198503070013”",
         "remedy": "核对证件号；本行照常使用"},
        {"code": "unknown-format", "severity": "warning", "file": "=1+1.csv", "place": None, "column": None,
         "value": "+1\x07-1", "message": "没有一种格式认得此文件", "remedy": "运行 recon identify 看原因"},
    ]
    lines = {name: len(run.rows[name]) for name in ("contribution", "flow")}
    for file, table, count, rejected, status in (
        ("缴费.csv", "contribution", lines["contribution"], 1, "read"),
        ("个账明细.csv", "flow", lines["flow"], 0, "read"),
        ("读数.csv", "reading", 2, 0, "read"), ("=1+1.csv", None, 0, 0, "unknown"),
        (f"王样例_{b}_个账.pdf", None, 0, 0, "unreadable"),
    ):
        run.rows["source"].append({
            "file": file, "sha256": "0" * 64, "format": "native" if table else None, "table": table,
            "rows_read": count + rejected, "rows_used": count, "rows_rejected": rejected, "rows_skipped": 0,
            "first_date": date(2022, 8, 1) if count else None, "last_date": date(2025, 3, 20) if count else None,
            "status": status,
            **({"rows_proved": count - 1, "unproved": "before L2; amount L2; after L24"} if table == "flow" else {}),
        })
    run.rows["coverage"] += [
        {"table": "contribution", "file": "缴费.csv", "from": date(2022, 8, 1), "to": date(2025, 3, 31),
         "basis": "lines"},
        {"table": "flow", "file": "个账明细.csv", "person_id": a, "region": WUHAN, "from": date(2024, 1, 1),
         "to": date(2024, 12, 31), "exported_on": date(2025, 1, 3), "basis": "stated"},
    ]
    return run.view(**changes)


def many(people: int, months: int) -> RunView:
    """A large run, mostly in order, for timing."""
    run = Run()
    for serial in range(people):
        one = run.person(f"测试{serial:04d}", f"{serial:05d}", serial % 1000) if serial < 1000 else None
        if one is None:
            break
        for place in range(months):
            accrual = f"{month('2023-09', place):%Y-%m}"
            if (serial + place) % 97 == 0:
                run.add(one, accrual, "missing_month", "credit_missing", "open")
            else:
                run.add(one, accrual)
    return run.view()
