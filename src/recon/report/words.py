"""Every text of the workbook that is not a label, cause, verdict, status or desk: Chinese and English side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from recon.labels import (
    ACTIONS_EN,
    CAUSE,
    DECISIONS,
    EVENTS,
    LABEL,
    OWNERS,
    PAYROLL_ACTIONS_EN,
    STATUS_NAMES,
    STEP_CAUSES,
    VERDICTS,
)
from recon.tables import UNPROVED

_TEXTS: dict[str, tuple[str, str]] = {
    # sheets
    "summary": ("汇总", "Summary"),
    "exceptions": ("差异", "Exceptions"),
    "grid": ("人×月", "Person x Month"),
    "matched": ("已匹配", "Matched"),
    "unmatched": ("未匹配", "Unmatched"),
    "changes": ("为什么变少了", "Why it changed"),
    "problems": ("资料问题", "Data problems"),
    "inputs": ("输入与参数", "Inputs"),
    "audit": ("审计", "Audit"),
    "balances": ("余额", "Balances"),
    "bridge": ("从缴费到余额", "Paid to balance"),
    "payroll_sheet": ("工资核对", "Payroll check"),
    "presence_sheet": ("名单核对", "People check"),
    "rollup_sheet": ("分类汇总", "Roll-up"),
    # columns
    "number": ("序号", "No."),
    "employee_no": ("工号", "Employee no."),
    "person_name": ("姓名", "Name"),
    "person_id": ("证件号", "ID"),
    "employer": ("单位", "Employer"),
    "region": ("参保地", "Region"),
    "scheme": ("险种", "Scheme"),
    "accrual_month": ("所属月", "Month"),
    "expected": ("应划", "Due"),
    "credited": ("已划", "Credited"),
    "difference": ("差额", "Difference"),
    "status": ("状态", "Status"),
    "verdict": ("结论", "Verdict"),
    "cause": ("原因", "Why"),
    "owner": ("谁来办", "Who acts"),
    "action": ("建议", "What to do"),
    "evidence": ("依据", "Evidence"),
    "sources": ("来源文件行", "Source rows"),
    "estimated": ("估算金额", "Estimate"),
    "confidence": ("可信度（备选月份）", "Certainty (other months)"),
    "posted_on": ("划入日", "Credited on"),
    "amount": ("金额", "Amount"),
    "lag": ("滞后月数", "Lag (months)"),
    "link": ("对应方式", "Kind of link"),
    "contribution_row": ("缴费来源行", "Contribution row"),
    "flow_row": ("划入来源行", "Credit row"),
    "side": ("哪一边", "Side"),
    "why": ("为什么没对上", "Why unmatched"),
    "rest": ("未对上金额", "Unmatched amount"),
    "source_row": ("来源行", "Source row"),
    "memo": ("摘要", "Memo"),
    "severity": ("级别", "Severity"),
    "code": ("问题", "Problem"),
    "file": ("文件", "File"),
    "place": ("位置", "Place"),
    "column": ("列", "Column"),
    "value": ("原值", "Value"),
    "message": ("说明", "What is wrong"),
    "remedy": ("怎么办", "What to do"),
    "file_no": ("编号", "No."),
    "format": ("格式", "Format"),
    "table": ("读成", "Read as"),
    "rows_read": ("读到行", "Rows read"),
    "rows_used": ("采用", "Used"),
    "rows_rejected": ("拒绝", "Rejected"),
    "rows_skipped": ("跳过", "Skipped"),
    "first_date": ("最早", "First"),
    "last_date": ("最晚", "Last"),
    "sha256": ("文件指纹", "SHA-256"),
    "from": ("起", "From"),
    "to": ("止", "To"),
    "exported_on": ("导出日", "Exported on"),
    "basis": ("依据", "Basis"),
    "from_amount": ("原来每月", "Before"),
    "to_amount": ("现在每月", "Now"),
    "change": ("变动", "Change"),
    "policy_ref": ("规则出处", "Rule"),
    "changes_lead": ("{people} 人的每月应划变过 {changes} 次，其中 {fell} 人变少过",
                     "The monthly credit changed {changes} times for {people} people; for {fell} of them it fell"),
    "changes_order": ("各原因按固定次序代入，相加正好等于变动：类别、档次、规则、年龄、基数、代扣、取整、未解释",
                      "causes are substituted in a fixed order and add up to the change: status, tier, rule, age, "
                      "base, deduction, rounding, unexplained"),
    "before_title": ("资料开始之前的变化（只按规则推算，资料里看不到）",
                     "Before the records begin (by the rule alone, not seen in the data)"),
    "before_line": ("{region}（{people}人）：{sentence}", "{region} ({people} people): {sentence}"),
    "change_by_change": ("逐次变动", "Change by change"),
    "why_changed": ("为什么", "Why"),
    "times": ("次数", "Times"),
    "more": ("变多", "More"),
    "less": ("变少", "Less"),
    "everybody_chart": ("{count} 个账户平均每月应划（同口径）", "Average due of {count} accounts, like for like"),
    "person_chart": ("一人", "One person"),
    "chart_data": ("图表数据：{title}", "Figures of the chart: {title}"),
    "yuan_month": ("元/月", "yuan a month"),
    "contributed": ("缴费", "Contributed"),
    "pooled": ("统筹基金部分", "Pooled share"),
    "flat": ("定额", "Flat fee"),
    "on_time": ("按时划入", "Credited on time"),
    "parts": ("其余各项", "Other parts"),
    "check": ("核对", "Check"),
    "paid_lag": ("缴费滞后月数", "Payment lag"),
    "label": ("项目", "Part"),
    "open_months": ("待办月数", "Open months"),
    # forecast
    "forecast_title": ("预告 {month}", "Forecast {month}"),
    "forecast_people": ("本月断缴预告", "About to have a gap"),
    "forecast_bases": ("调基费用", "New bases"),
    "forecast_since": ("从哪个月起", "Since"),
    "forecast_deadline": ("征收期至", "Collection ends"),
    "forecast_not_in_declaration": ("工资表或花名册有，本月申报还没有；请在征收期内增员申报",
                                    "on the payroll or roster, not in the declaration; declare in time"),
    "forecast_to_be_added": ("新入职，上月没有申报；本月须增员", "joined, not declared last month; to be added"),
    "forecast_dropped": ("上月有申报，本月申报没有；如仍在职请补报",
                         "declared last month, not this month; declare if still employed"),
    "forecast_unsettled": ("以前的月份还没有了结", "an earlier month is not settled"),
    "forecast_to_be_removed": ("已离职；本月请办减员", "left; take off the declaration"),
    "forecast_from": ("新基数从", "From"),
    "from_base": ("原基数", "Old base"),
    "to_base": ("新基数", "New base"),
    "forecast_known": ("新基数的依据", "New base known by"),
    "known_by_declaration": ("本月申报", "this month's declaration"),
    "known_by_payslip": ("本月工资表", "this month's payroll"),
    "known_by_wages": ("上年月平均工资（按上下限）", "last year's mean wage within the limits"),
    "own_month": ("个人每月多缴", "Employee a month"),
    "firm_month": ("单位每月多缴", "Employer a month"),
    "top_up_months": ("补差月数", "Months to top up"),
    "own_top_up": ("个人补差", "Employee's top-up"),
    "firm_top_up": ("单位补差", "Employer's top-up"),
    # payroll
    "department": ("部门", "Department"),
    "cost_centre": ("成本中心", "Cost centre"),
    "branch": ("分公司（缴费主体）", "Branch (payer)"),
    "company": ("公司", "Company"),
    "deducted": ("工资扣款", "Deducted"),
    "declared_own": ("申报（个人）", "Declared (employee)"),
    "declared_firm": ("申报（单位）", "Declared (employer)"),
    "arrived_own": ("到账（个人）", "Arrived (employee)"),
    "paid_on": ("到账日", "Arrived on"),
    "payroll_base": ("工资表基数", "Base on payroll"),
    "declared_base": ("申报基数", "Declared base"),
    "finding": ("发现", "Finding"),
    "legs_seen": ("见于", "Seen in"),
    "in_roster": ("花名册", "Roster"),
    "in_payroll": ("工资表", "Payroll"),
    "in_declared": ("申报 / 账单", "Declaration"),
    "in_arrived": ("到账记录", "Record of arrival"),
    "in_not_in": ("{has}有，{lacks}没有", "in {has}; not in {lacks}"),
    "level": ("层级", "Level"),
    "level_company": ("公司", "company"),
    "level_branch": ("分公司", "branch"),
    "level_cost_centre": ("成本中心", "cost centre"),
    "level_region": ("参保地", "region"),
    "all_of_it": ("合计", "total"),
    "sum_amount_fen": ("差异金额", "Difference"),
    "sum_deducted_fen": ("工资扣款", "Deducted"),
    "sum_declared_fen": ("申报（个人）", "Declared"),
    "sum_arrived_fen": ("到账（个人）", "Arrived"),
    "sum_credited_fen": ("已划", "Credited"),
    "fact_deducted": ("工资扣款 {value}", "deducted {value}"),
    "fact_declared": ("申报 {value}", "declared {value}"),
    "fact_paid_in": ("到账 {value}", "arrived {value}"),
    "fact_sum": ("相差 {value}", "{value} apart"),
    "payslip_month": ("工资对应的所属月", "month a payslip deducts for"),
    # summary
    "title": ("医保个人账户核对", "Medical insurance account reconciliation"),
    "period": ("所属期 {first} 至 {last}", "months {first} to {last}"),
    "as_of": ("基准日 {day}", "as of {day}"),
    "and_more": ("{first} 等 {count} 家单位", "{first} and others, {count} employers"),
    "all_payers": ("全部缴费主体", "all payers"),
    "no_employer": ("（未注明单位）", "(no employer named)"),
    "people_count": ("{count} 人", "{count} people"),
    "one_person": ("{count} 人", "{count} person"),
    "headline": ("规则已知的月份：应划 {expected} 元，已划 {credited} 元，差额 {difference} 元",
                 "months with a known rule: due {expected}, credited {credited}, difference {difference} yuan"),
    "of_which": ("（其中 {shares}）", " (of which {shares})"),
    "todo": ("① 今天要办（{count} 件）", "① To do today ({count})"),
    "nothing_todo": ("没有需要今天办的事。注意：只核对了下面④列出的资料，“没有”不等于“都对”。",
                     "Nothing to do today. Mind: only what part ④ lists was looked at."),
    "waiting": ("② 等待中（写明谁来办的可以先问，其余先不用管）",
                "② Waiting (ask where a desk is named; leave the rest)"),
    "nothing_waiting": ("没有等待中的项目。", "Nothing is waiting."),
    "unknown": ("③ 无法判断，为什么", "③ Cannot tell, and why"),
    "nothing_unknown": ("没有无法判断的项目。", "There is nothing that cannot be told."),
    "only_credited": ("{who}只有个人账户明细（划入{amount}元）、没有缴费记录：该划多少、少没少都无从判断。"
                      "请补他们的缴费明细；已退休的，在人员名单里写上退休年月。",
                      "Of {who} there is an account export only ({amount} yuan credited) and no contribution record: "
                      "what was due, and whether any is missing, cannot be told. Bring their contribution records; of "
                      "the retired, a roster with the month of retirement."),
    "scope": ("未提供个人账户明细（不逐条列出）", "no account export handed in (not listed one by one)"),
    "looked_at": ("④ 看了什么（缺一行就别信）", "④ What was looked at (a missing row is a missing proof)"),
    "tie_out": ("⑤ 对平（每个数都是各表的合计，单位：元）", "⑤ Tie-out (every figure is a sum of the tables, in yuan)"),
    "by_month": ("各月结论（人·月）", "Verdicts by month (accounts)"),
    "sign_off": ("⑥ 编制 ____________    复核 ____________    日期 ____________    "
                 "（复核人≠编制人；系统建议不等于批准）",
                 "⑥ Prepared by ____________    Reviewed by ____________    Date ____________    "
                 "(two different people; a suggestion is not an approval)"),
    "item": ("事项", "Matter"),
    "months": ("所属月", "Months"),
    "people": ("人数", "People"),
    "person_months": ("人·月", "Cases"),
    "sum": ("金额（≈含估算）", "Amount"),
    "jump": ("查看", "Go to"),
    "see": ("{sheet}!{row}", "{sheet}!{row}"),
    "leg": ("资料", "Material"),
    "missing_people": ("缺人数", "Without"),
    "lines": ("行数", "Rows"),
    "files": ("文件数", "Files"),
    "period_of": ("期间", "Period"),
    "remark": ("说明", "Remark"),
    "leg_payroll": ("工资扣款", "Payroll deductions"),
    "leg_declared": ("申报 / 账单", "Declarations, bills"),
    "leg_arrived": ("到账记录（缴费明细）", "Records of arrival"),
    "leg_flow": ("个人账户明细", "Account flows"),
    "leg_payment": ("单位付款", "Employer's payments"),
    "leg_reading": ("余额读数", "Balance readings"),
    "absent": ("未提供，这一环没有核对", "not provided: this leg was not checked"),
    "lacking": ("缺 {count} 人", "{count} people are missing"),
    "complete": ("所有人都有", "everybody is in it"),
    "all_months": ("共 {count} 个月", "{count} months"),
    "files_line": ("文件 {count} 个：{detail}", "{count} files: {detail}"),
    "problems_line": ("资料问题：错误 {error}，警告 {warning}，提示 {info}（见“{sheet}”）",
                      "data problems: {error} errors, {warning} warnings, {info} notes (see “{sheet}”)"),
    "hr_edition": ("人事版：消费明细在读入时已丢弃，各表均不含；所以账户余额和“从缴费到余额”不在本版核对，"
                   "请本人用 recon explain 或个人版核对。",
                   "HR edition: spending was dropped at reading and is in no table; so balances, and the way from what "
                   "was paid to the balance, cannot be closed here: recon explain or the person edition does."),
    "file_read": ("采用", "read"),
    "file_partly_read": ("部分采用", "read in part"),
    "file_no_rows": ("没有数据行", "no rows"),
    "file_unknown": ("认不出", "not recognised"),
    "file_ambiguous": ("多种格式都认领", "claimed by several formats"),
    "file_unreadable": ("打不开", "unreadable"),
    "file_identical": ("与另一文件相同（跳过）", "identical to another (skipped)"),
    "file_own_output": ("本工具的输出（跳过）", "recon's own output (skipped)"),
    "sum_exact": ("金额", "Amount"),
    "tie_count": ("{count} 个月", "{count} months"),
    "tie_contributed": ("缴费合计（已到账的缴费行）", "Contributed (lines that arrived)"),
    "tie_on_time": ("− 按时划入个人账户", "− credited to accounts on time"),
    "tie_part": ("− {label}", "− {label}"),
    "tie_rest": ("= 余数（应为 0）", "= rest (must be 0)"),
    "tie_months_ok": ("✔ 逐月都平（{count} 个月）", "✔ each of {count} months ties"),
    "tie_months_off": ("✘ 有 {off} 个月对不平", "✘ {off} months do not tie"),
    "tie_deducted": ("工资扣款 − 申报个人部分 = 逐项合计", "Deducted − declared = sum of its parts"),
    "tie_arrived": ("申报 − 到账（个人部分）= 逐项合计", "Declared − arrived (employee) = sum of its parts"),
    "tie_links": ("已匹配合计 = 各月已划合计", "Sum of links = sum of credited"),
    "tie_flow": ("明细划入合计 = 已匹配 + 未匹配", "Credits in the exports = matched + unmatched"),
    "tie_rows": ("读到行 = 采用 + 拒绝 + 跳过", "Rows read = used + rejected + skipped"),
    "equal": ("✔ 相符", "✔ equal"),
    "differs": ("✘ 差 {amount}", "✘ differs by {amount}"),
    "no_links": ("没有可匹配的划入", "no credits to link"),
    # balances
    "sub_account": ("子账户", "Sub-account"),
    "sub_current_year": ("当年", "current year"),
    "sub_past_years": ("历年", "past years"),
    "together": ("合计", "Together"),
    "others": ("其余", "Others"),
    "calendar_month": ("月份", "Month"),
    "opening": ("期初", "Opening"),
    "closing": ("期末", "Closing"),
    "unexplained": ("未解释", "Unexplained"),
    "move_credit": ("划入（含补助）", "Credited"),
    "move_interest": ("利息", "Interest"),
    "move_spend": ("支出", "Used"),
    "move_mutual_aid": ("家庭共济", "Family"),
    "move_premium": ("代缴", "Premiums"),
    "move_transfer": ("转移、清退", "Transfers"),
    "move_adjustment": ("冲正、调整、结转", "Adjustments"),
    "no_balance_printed": ("明细没有印余额", "no balance printed"),
    "jumps": ("✘ 余额接不上 {count} 处，{amount}", "✘ {count} jumps, {amount}"),
    "adds_up": ("✔ 对得平", "✔ adds up"),
    "bridge_title": ("从缴费到余额（元）", "From what was paid to the balance (yuan)"),
    "bridge_close_up": ("其中应进个人账户的部分（元）", "Of it, what was meant for the account (yuan)"),
    "bridge_note": ("每一分钱只在一项里；一个账户归在它最近一个月的单位。进统筹基金的部分从来不属于个人账户。",
                    "Every fen is in one part; an account counts with the employer of its newest month. "
                    "The pooled share never belonged to the account."),
    "bridge_by_employer": ("按单位", "By employer"),
    "bridge_by_region": ("按参保地", "By region"),
    "bridge_check": ("核对：各项相加 = 合计", "Check: the parts add up"),
    "balance_sheet": ("各单位的账户余额表（有余额的账户）", "Balance sheet per employer (accounts with balances)"),
    "accounts": ("账户数", "Accounts"),
    "without_balance": ("另有 {count} 个账户的明细没有印余额，不在上表",
                        "{count} more accounts print no balance and are left out"),
    "fall_data": ("图的数据", "Figures of the chart"),
    "part": ("项目", "Part"),
    "fall_base": ("（底）", "(base)"), "fall_total": ("合计", "totals"), "fall_up": ("增加", "more"),
    "fall_down": ("减少", "less"), "fall_below": ("（零以下）", "(below zero)"),
    "tie_bridge": ("划入 + 利息 − 支出 ± … = 余额变动", "credited + interest − used ± … = change of the balances"),
    "tie_unexplained": ("其中余额没有明细可以说明的", "of it, moved without a line"),
    "tie_known": ("✔ 没有", "✔ nothing"),
    "tie_unknown": ("见“{sheet}”", "see “{sheet}”"),
    # action for several
    "listed_months": ("{first}至{last}中的{count}个月", "{count} months from {first} to {last}"),
    "all_months_between": ("{first}至{last}共{count}个月", "{first} to {last} ({count} months)"),
    "checked": ("{evidence}\n{check}", "{evidence}"),
    "due_month": ("应划月", "the due month"),
    "see_list": ("见差异表", "see the list"),
    # certainty
    "proved": ("已证实", "proved"),
    "probable": ("很可能", "probable"),
    "undecided": ("哪个月未定", "month undecided"),
    "or_else": ("也可能是 {months}", "or {months}"),
    "confidence_stated": ("文件写明", "stated"),
    "confidence_high": ("高", "high"),
    "confidence_medium": ("中", "medium"),
    "confidence_low": ("低", "low"),
    "confidence_inferred": ("推断", "inferred"),
    "rule_confidence": ("规则可信度", "Confidence"),
    "decided": ("可信度", "Certainty"),
    # links
    "kind_1:1": ("一月一笔", "1 month, 1 credit"),
    "kind_N:1": ("多月合一笔", "several months, 1 credit"),
    "kind_1:N": ("一月分几笔", "1 month, several credits"),
    "kind_N:M": ("多月多笔", "several months and credits"),
    "kind_inexact": ("金额不等", "inexact"),
    # unmatched
    "side_due": ("应划而未见划入", "Due, no credit"),
    "side_credit": ("划入而无对应月", "Credit without a month"),
    "why_reversed": ("后来被红冲", "reversed later"),
    "why_no_contributions": ("没有此人的缴费记录", "no contribution record of this person"),
    "why_before": ("早于所给缴费记录", "before the contribution record begins"),
    "why_after": ("晚于所给缴费记录", "after the contribution record ends"),
    "why_no_place": ("没有金额和时间都合适的月份", "no month fits its amount and time"),
    # states of the grid
    "state_received": ("✓", "✓"),
    "state_received_late": ("✓迟", "✓late"),
    "state_refund": ("✓退", "✓rfd"),
    "state_waiting": ("等", "wait"),
    "state_overdue": ("超期", "over"),
    "state_paid_not_credited": ("未划", "uncr"),
    "state_not_paid": ("未到", "unpd"),
    "state_no_record": ("无录", "norec"),
    "state_amount_differs": ("不符", "diff"),
    "state_no_account": ("—", "—"),
    "state_cannot_tell": ("？", "?"),
    "received_late": ("已到账，晚了", "received, late"),
    "refund": ("已到账，另有重复缴费待退", "received; a double payment is due back"),
    "legend": ("图例", "Legend"),
    "doubt": ("问号结尾 = 哪个月未定", "ending in ? = which month is undecided"),
    "totals": ("各月合计", "Totals by month"),
    # severity
    "error": ("错误", "error"),
    "warning": ("警告", "warning"),
    "info": ("提示", "note"),
    # inputs
    "parameters": ("参数", "Parameters"),
    "folder": ("文件夹", "Folder"),
    "version": ("程序版本", "Version"),
    "as_of_day": ("基准日", "As-of date"),
    "edition": ("版本", "Edition"),
    "edition_hr": ("人事版（hr）", "hr"),
    "edition_person": ("个人版（person）", "person"),
    "edition_audit": ("审计版（audit）", "audit"),
    "generated_at": ("生成时间", "Generated"),
    "ids": ("证件号", "IDs"),
    "ids_masked": ("只显示末四位", "last four only"),
    "ids_full": ("完整显示", "shown in full"),
    "source_files": ("输入文件", "Input files"),
    "proof": ("逐笔余额证明了哪些行，哪里没有证明", "What the running balances prove, and what nothing proves"),
    "proof_note": (
        "两笔余额之间少一行、改一个数都会被发现；最早一笔之前和最后一笔之后没有余额可对。没有证明的：文件里没有合计、笔数、行号、期初或期末余额，"
        "别的文件也接不上。导出时选带合计或期初期末余额的版式，或让前后两份重叠几天",
        "Between two balances no line is lost and no figure changed unseen; before the oldest line and after the "
        "newest there is none to compare. Not proved: no total, count, row number, opening or closing balance in the "
        "file, and no other file that joins. Export a layout with totals or opening and closing balances, or let two "
        "exports overlap by some days"),
    "rows_proved": ("余额证明的行", "Rows proved"),
    "unproved": ("没有证明的", "Not proved"),
    "unproved_before": ("{places} 之前有没有漏行", "whether rows are missing before {places}"),
    "unproved_amount": ("{places} 的金额", "the amount of {places}"),
    "unproved_after": ("{places} 之后有没有漏行", "whether rows are missing after {places}"),
    "unproved_nothing": ("无（首尾也有证明）", "nothing (both ends are proved)"),
    "unproved_more": ("{places} 等 {count} 处", "{places}, … ({count} places)"),
    "coverage": ("各文件覆盖的期间", "What each file covers"),
    "coverage_stated": ("文件写明", "stated"),
    "coverage_exported": ("按导出日", "by export date"),
    "coverage_declared": ("使用者说明", "declared"),
    "coverage_lines": ("按首末行推断", "from its lines"),
    "everybody": ("文件中所有人", "everybody in it"),
    "labels": ("结论、原因与谁来办", "Labels, causes and desks"),
    "meaning": ("含义", "Meaning"),
    "rules": ("用到的规则", "Rules used"),
    # tables
    "table_contribution": ("缴费", "contribution"),
    "table_flow": ("个人账户明细", "flow"),
    "table_reading": ("余额读数", "reading"),
    "table_person": ("花名册", "person"),
    "table_enrolment": ("参保经历", "enrolment"),
    "table_payroll": ("工资", "payroll"),
    "table_payment": ("单位付款", "payment"),
    "table_coverage": ("覆盖期间", "coverage"),
    "scheme_310": ("职工医保", "employee (310)"),
    "scheme_390": ("城乡居民医保", "residents (390)"),
    # print
    "page": ("第 &P 页，共 &N 页", "Page &P of &N"),
    "private": ("含个人信息，仅限核对使用", "Personal data: for reconciliation only"),
    "cut": ("……（已截断）", "… (cut)"),
    "more_rows": ("等共 {count} 行", "{count} rows in all"),
    "list_semicolon": ("；", "; "),
    "list_comma": ("、", ", "),
    "cause_of": ("{verdict}：{cause}", "{verdict}: {cause}"),
    "fact_expected": ("应划 {value}", "due {value}"),
    "fact_credited": ("已划 {value}", "credited {value}"),
    "fact_arrived": ("到账 {value}", "premium arrived {value}"),
    "fact_due": ("应划月 {value}", "credit expected in {value}"),
    "none": ("无", "none"),
    # decisions, and what is different from the last run
    "decision": ("处理决定", "Decision"),
    "note": ("备注", "Note"),
    "first_seen": ("首次发现", "First seen"),
    "age_days": ("已持续（天）", "Age (days)"),
    "accepted_line": ("另有 {count} 处已接受，不再列入", "{count} more were accepted and are not listed"),
    "since": ("与上次比", "Since last run"),
    "since_line": ("与上次（基准日 {day}）比：{told}（见“{sheet}”）",
                   "since the last run (as of {day}): {told} (see “{sheet}”)"),
    "since_part": ("{what} {count}", "{what} {count}"),
    "since_nothing": ("没有变化", "nothing has changed"),
    "event": ("变化", "Change"),
    "was": ("上次", "Then"),
    "is_now": ("这次", "Now"),
    "amount_was": ("上次金额", "Amount then"),
    "amount_now": ("这次金额", "Amount now"),
    "because": ("为什么变", "Because"),
    "because_new_file": ("有新的或改过的文件", "a new or changed file"),
    "because_file_gone": ("有文件拿走了", "a file was taken away"),
    "because_rule_changed": ("规则或参数改了", "a rule or setting changed"),
    "because_program_changed": ("程序升级了", "the program was upgraded"),
    "because_time_passed": ("时间推移", "time passed"),
}


@dataclass(frozen=True)
class Words:
    """The texts of one language: ``words("todo", count=3)``, and names of labels, causes, verdicts and desks."""

    lang: str

    def __call__(self, key: str, **fields: object) -> str:
        """The text ``key`` with its fields filled in."""
        text = self._of(_TEXTS[key])
        return text.format(**fields) if fields else text

    def code(self, prefix: str, code: str | None) -> str:
        """The text ``prefix_code``; the code itself where none is written for it."""
        key = f"{prefix}_{code}" if prefix else f"{code}"
        return self._of(_TEXTS[key]) if key in _TEXTS else code or ""

    def label(self, code: str | None) -> str:
        """A label's name."""
        label = LABEL.get(code or "")
        return self._of((label.zh, label.en)) if label else code or ""

    def cause(self, label: str | None, code: str | None) -> str:
        """A cause's name, or its label's where the cause is not known."""
        cause = CAUSE.get((label or "", code))
        return self._of((cause.zh, cause.en)) if cause else code or self.label(label)

    def owner(self, code: str | None) -> str:
        """A desk's name."""
        return self._of(OWNERS[code]) if code in OWNERS else code or ""

    def verdict(self, code: str | None) -> str:
        """A verdict's name."""
        return self._of(VERDICTS[code]) if code in VERDICTS else code or ""

    def status(self, code: str | None) -> str:
        """A status's name."""
        return self._of(STATUS_NAMES[code]) if code in STATUS_NAMES else code or ""

    def step(self, code: str | None) -> str:
        """The name of a cause of a changed credit."""
        return self._of(STEP_CAUSES[code]) if code in STEP_CAUSES else code or ""

    def action(self, label: str, code: str | None, **fields: str) -> str:
        """The sentence of a cause, with its fields (``recon.labels.ACTION_FIELDS``) filled in."""
        cause = CAUSE.get((label, code))
        english = ACTIONS_EN.get((label, code)) or PAYROLL_ACTIONS_EN.get((label, code), "")
        text = (english if self.lang == "en" else cause.action) if cause else ""
        return text.format(**fields)

    def decision(self, code: str | None) -> str:
        """What was decided, as it is offered in the workbook."""
        return self._of(DECISIONS[code][:2]) if code and code in DECISIONS else code or ""

    def event(self, code: str | None) -> str:
        """What a gap has become since the last run."""
        return self._of(EVENTS[code]) if code in EVENTS else code or ""

    def join(self, texts: Sequence[str]) -> str:
        """A list in a sentence."""
        return self("list_comma").join(texts)

    def unproved(self, text: str | None, most: int = 5) -> str:
        """Column ``unproved`` of table source in a sentence; of each kind so many places are named."""
        told = []
        for part in (text or "").split("; ") if text else ():
            what, _, rest = part.partition(" ")
            if what not in UNPROVED:  # of a sheet whose name holds a semicolon
                return str(text)
            places = rest.split(", ")
            uncounted = int(places.pop()[1:]) if places[-1][:1] == "+" else 0
            shown = self.join(places[:most])
            if len(places) + uncounted > most:
                shown = self("unproved_more", places=shown, count=len(places) + uncounted)
            told.append(self(f"unproved_{what}", places=shown))
        return ("；" if self.lang == "zh" else "; ").join(told) or self("unproved_nothing")

    def months(self, months: Sequence[date]) -> str:
        """``2024-05、2024-06``, or from-to and how many; months are sorted and differ."""
        texts = [month.strftime("%Y-%m") for month in months]
        if len(texts) <= 3:
            return self.join(texts)
        first, last = months[0], months[-1]
        span = (last.year - first.year) * 12 + last.month - first.month + 1
        key = "all_months_between" if span == len(texts) else "listed_months"
        return self(key, first=texts[0], last=texts[-1], count=len(texts))

    def _of(self, pair: Sequence[str]) -> str:
        return pair[1] if self.lang == "en" else pair[0]


def yuan(fen: int | None) -> str:
    """``1,234.50``: exact, from whole fen; nothing for null."""
    if fen is None:
        return ""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"
