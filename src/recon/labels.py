"""Labels, causes, statuses and verdicts: what an answer is called, who acts on it and what they ask.

The only place where they are declared. The README table and the workbook's legend are generated from here; the judge
(:mod:`recon.core.judge`) only chooses keys. Wording states what the records show, never guilt (DESIGN section 7).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """One kind of part of a month. The order of :data:`LABELS` breaks ties between parts of one month."""

    code: str
    zh: str
    en: str
    meaning_zh: str
    meaning_en: str


@dataclass(frozen=True)
class Cause:
    """Why a part is there: its desk (``owner``) and the one sentence saying what to ask whom.

    ``action`` may use the fields of :data:`ACTION_FIELDS`.
    """

    label: str
    code: str | None
    zh: str
    en: str
    owner: str
    action: str


# Worst first; month.status is the worst of its parts.
STATUSES = ("open", "unknown", "pending", "resolved", "explained")
STATUS_NAMES = {
    "open": ("待处理", "open"), "unknown": ("无法判断", "unknown"), "pending": ("等待中", "pending"),
    "resolved": ("已解决", "resolved"), "explained": ("已说明", "explained"),
}

LABELS = (
    Label("on_time", "按时到账", "on time", "应划的钱按时划入", "what was due came in time"),
    Label("pooled_share", "统筹基金部分", "pooled share", "进入统筹基金的部分，不进个人账户",
          "the part that goes to the pooled fund, never to the account"),
    Label("flat_fee", "定额", "flat fee", "大额互助等定额，不进个人账户", "flat sums such as 大额互助, never credited"),
    Label("no_account", "无个人账户", "no account", "该险种或档次没有个人账户", "the scheme or tier has no personal account"),
    Label("delay", "到账延迟", "delay", "还没到时间，或比平常晚", "not due yet, or later than usual"),
    Label("missing_month", "缺月", "missing month", "时间已过而没有划入，或没有缴费", "the window closed and nothing arrived"),
    Label("short_credit", "少划", "short credit", "划入少于应划，且没有别的原因", "less than due came and nothing explains it"),
    Label("top_up", "补差", "top-up", "补差尚未划入", "a correction not credited by its own due month"),
    Label("over_credit", "多划", "over-credit", "划入多于应划", "more came than was due"),
    Label("clawback", "追回", "clawback", "预划或错划的钱被收回", "a prepaid or wrong credit was taken back"),
    Label("account_deduction", "账户代扣", "account deduction", "像是从账户里代扣的保费",
          "an equal shortfall that looks like a premium taken from the account"),
    Label("refund_due", "待退费", "refund due", "同月重复缴费，其中一笔应退", "the month was paid twice in full; one is due back"),
    Label("policy_unknown", "规则未知", "policy unknown", "当地当时的划入规则不明", "the region's rule for the month is not known"),
    Label("data_incomplete", "资料不全", "data incomplete", "所给明细没有覆盖这个月", "the exports do not cover the month"),
    Label("unexplained", "未解释", "unexplained", "以上都不能说明", "nothing above explains it"),
    # basis payroll: about declarations, never about a credit
    Label("base_out_of_limits", "基数超出上下限", "base out of limits", "申报的缴费基数不在当地上下限之内",
          "the declared base lies outside the region's floor and cap"),
    # basis balance: they explain a balance, never a missing credit
    Label("spend", "支出", "spend", "账户里用掉的钱", "money used from the account"),
    Label("mutual_aid", "家庭共济", "mutual aid", "家人用掉的钱", "money used by the family"),
    Label("premium", "代缴", "premium", "从账户里缴的保费", "premiums paid from the account"),
    Label("interest", "利息", "interest", "账户的利息", "interest on the account"),
    Label("subsidy", "补助", "subsidy", "补助划入", "subsidies credited"),
    Label("transfer", "转移", "transfer", "转出到或转入自另一地的账户", "moved to or from another region's account"),
    Label("payout", "清退", "payout", "账户余额付给本人或继承人", "the balance paid out to the person or heirs"),
    Label("reversal", "冲正", "reversal", "红冲与退费", "reversals and refunds"),
    Label("adjustment", "调整", "adjustment", "经办机构的调整与其他", "adjustments by the office, and others"),
    Label("carry_over", "年度结转", "carry-over", "当年与历年账户之间的结转", "moved between current and past years"),
    Label("frozen", "冻结", "frozen", "钱在账上，暂不能用", "the money is there but cannot be used"),
    Label("in_transit", "在途", "in transit", "已记账，另一处还没有", "booked, but not yet at the other place"),
    Label("scope_limited", "口径不同", "scope limited", "两个数算的不是同一个范围", "the two figures count different things"),
)
BALANCE_LABELS = ("spend", "mutual_aid", "premium", "interest", "subsidy", "transfer", "payout", "reversal", "adjustment",
                  "carry_over", "frozen", "in_transit", "scope_limited")
# Parts with basis payroll: payslip against declaration, declaration against arrival, arrival against the bank.
PAYROLL_LABELS = (
    Label("deducted_not_declared", "已扣未见申报", "deducted, not declared", "工资表有扣款，申报或缴费记录中未见",
          "the payslip deducts, no declaration or record shows the month"),
    Label("declared_not_deducted", "已申报未扣", "declared, not deducted", "已申报，工资表没有扣款",
          "declared, but the payslip deducts nothing"),
    Label("amount_differs", "扣款与申报不等", "amounts differ", "工资扣款与申报的个人部分不相等",
          "the payslip deducts another amount than the declared employee's part"),
    Label("joiner_leaver_edge", "入离职当月不一致", "joining or leaving month", "入职或离职当月，扣款与申报只有一边",
          "the month of joining or leaving stands on one side only"),
    Label("double_enrolment", "重复参保", "enrolled twice", "同一个月在两个单位、两地或两个险种参保",
          "two payers, regions or schemes for one month"),
    Label("wrong_branch", "参保单位或地区不符", "another branch or region", "申报的缴费主体或统筹区与花名册、工资表不同",
          "declared by another payer or in another region than the roster or payroll says"),
    Label("top_up_not_recovered", "补差未扣回", "top-up not recovered", "已申报的个人补差没有从工资扣回",
          "the employee's part of a top-up was not deducted"),
    Label("late_fee_deducted", "滞纳金由个人承担", "late fee deducted", "工资表向个人扣了滞纳金或利息",
          "the payslip deducts a late fee or interest, which is the employer's"),
    Label("base_differs", "基数不一致", "bases differ", "工资表或工资所定的基数与申报基数不同",
          "payroll, or the wage, says another base than the declaration"),
    Label("declared_not_paid", "已申报未见到账", "declared, no arrival", "已申报，到账记录显示未到账或未见",
          "declared, but the records of arrival show it as unpaid or do not show it"),
    Label("unit_not_fully_paid", "单位合计未缴足", "unit not fully paid", "单位当月合计少缴一点，全体暂不能分配到个人",
          "the unit's total is short by a little, which holds up everybody"),
    Label("paid_late", "缴费到账晚", "paid late", "缴费晚于征收期到账", "the premium arrived after the collection deadline"),
    Label("paid_differs_from_bank", "与银行扣款不等", "bank differs", "到账或申报合计与单位银行扣款不相等",
          "the sum that arrived or was declared is not what the bank paid"),
    Label("deferred", "缓缴", "deferred", "缓缴期内的单位部分", "the employer's part of a month of deferral"),
)
# Basis payroll: these are what a row is called; a verdict speaks of an account.
PAYROLL_SAID = frozenset({label.code for label in PAYROLL_LABELS} | {"refund_due", "base_out_of_limits"})
LABEL = {label.code: label for label in (*LABELS, *PAYROLL_LABELS)}
LABEL_ORDER = tuple(label.code for label in (*LABELS, *PAYROLL_LABELS))

ACTION_FIELDS = ("month", "amount", "arrived", "region", "due")

_NOBODY = "无需处理。"
CAUSES = (
    Cause("on_time", None, "按时到账", "on time", "nobody", _NOBODY),
    Cause("on_time", "paid_late", "已划入；但单位缴费到账晚", "credited, but the premium arrived late", "payer",
          "请缴费单位核对{month}的缴费为何晚于征收期到账。"),
    Cause("pooled_share", None, "统筹基金部分", "pooled share", "nobody", _NOBODY),
    Cause("flat_fee", None, "定额部分", "flat fee", "nobody", _NOBODY),
    Cause("no_account", None, "该险种或档次没有个人账户", "scheme or tier without an account", "nobody",
          "如认为应有个人账户，请向单位核对参保档次。"),
    Cause("delay", "not_yet_due", "还没到划入时间", "not due yet", "nobody", "请等到{due}底再看。"),
    Cause("delay", "late", "比平常晚", "later than usual", "nobody", "暂不用处理；下次导出明细时复核{month}。"),
    Cause("delay", "overdue", "同单位同月的人都已到账，只差此人", "colleagues of the same month have theirs", "insurer",
          "请拨医保经办机构（区号+12393），报所属期{month}、到账日{arrived}、应划{amount}元，问为何同单位的人已到账而此人没有。"),
    Cause("delay", "annual_schedule", "当地按年划入，还没到日子", "credited once a year, not due yet", "nobody",
          "当地每年划入一次，请等到{due}。"),
    Cause("missing_month", "credit_missing", "已缴费，明细中未见划入", "paid, but no credit in the records", "insurer",
          "请拨医保经办机构（区号+12393），报所属期{month}、到账日{arrived}、应划{amount}元，问是否已记账、记到哪个账户。"),
    Cause("missing_month", "contribution_unpaid", "记录显示未到账", "the record says the premium has not arrived", "payer",
          "请缴费单位核对{month}的医保费是否已缴、何时到账。"),
    Cause("missing_month", "contribution_missing", "缴费记录中没有这个月", "no contribution line for the month", "payer",
          "请缴费单位核对{month}是否申报；如漏申报请补缴。"),
    Cause("missing_month", "not_allocated", "已入国库，尚未分到个人", "in the treasury, not split to people", "insurer",
          "请拨医保经办机构（区号+12393），问{month}单位缴费是否已分配到个人。"),
    Cause("missing_month", "other_identity", "划到了另一个编号下", "credited under another number", "insurer",
          "请带证件到医保经办机构合并两个编号的账户。"),
    Cause("short_credit", None, "划入少于应划", "less than due", "insurer",
          "请拨医保经办机构（区号+12393），报所属期{month}、少划{amount}元，问依据。"),
    Cause("top_up", "late", "补差还没划入", "the top-up has not come yet", "nobody", "暂不用处理；下次导出明细时复核{month}的补差。"),
    Cause("top_up", "credit_missing", "补差已缴，明细中未见划入", "the top-up was paid but not credited", "insurer",
          "请拨医保经办机构（区号+12393），问{month}的补差{amount}元是否已记账。"),
    Cause("over_credit", "duplicate_credit", "同一个月划入两次", "credited twice", "insurer",
          "请勿支用；请拨医保经办机构（区号+12393）核对{month}是否重复划入{amount}元。"),
    Cause("over_credit", "subsidy", "像是补助", "looks like a subsidy", "insurer", "请核对{month}多出的{amount}元是否为补助。"),
    Cause("over_credit", "unknown_extra", "多出的钱来源不明", "an extra sum of unknown origin", "insurer",
          "请核对{month}多出的{amount}元是什么款项。"),
    Cause("clawback", None, "预划或错划的钱被收回", "prepaid or wrong credit taken back", "nobody", _NOBODY),
    Cause("account_deduction", None, "像是从账户代扣的保费", "looks like a premium taken from the account", "nobody",
          "可向医保经办机构核对是否参加了从账户代扣的险种。"),
    Cause("refund_due", None, "同月重复缴费，其中一笔应退", "paid twice in full", "payer",
          "请两家缴费单位核对{month}的重复缴费{amount}元，由多缴的一方办理退费。"),
    Cause("policy_unknown", None, "当地当时的规则不明", "the region's rule is not known", "file_owner",
          "请提供带“划入个人账户金额”列的缴费明细，或补一份当地政策文件。"),
    Cause("policy_unknown", "table_differs", "当地多数人的划入与政策表不同", "the region's credits do not follow the policy table", "file_owner",
          "请核对当地文件：政策表与多数人的划入不同；用 recon policy new 写一份自己的政策文件即可更正。"),
    Cause("data_incomplete", "no_account_export", "没有个人账户明细", "no export of the account", "file_owner",
          "如需核对划入，请本人提供个人账户收支明细（含查询日期；消费明细不需要）。"),
    Cause("data_incomplete", "before_export", "这个月在明细开始之前", "before the export begins", "file_owner",
          "请补一份更早的个人账户明细，覆盖{due}。"),
    Cause("data_incomplete", "after_export", "明细截止得太早", "the export ends too early", "file_owner",
          "请补一份更新的个人账户明细，覆盖到{due}之后。"),
    Cause("data_incomplete", "tail_open", "明细何时导出不明，末尾不能判断", "the export's date is unknown, so its end proves nothing",
          "file_owner", "请补一页带查询日期的个人账户明细，覆盖{due}。"),
    Cause("data_incomplete", "rows_missing", "明细中间缺了行（余额接不上）", "lines are missing inside the export (its balances do not follow)",
          "file_owner", "请重新导出一份完整的个人账户明细（不要筛选、不要删行），覆盖{due}。"),
    Cause("data_incomplete", "contribution_unseen", "有划入，所给缴费明细没有这个月的到账缴费", "credited, though the contribution records show no payment for the month",
          "file_owner", "请补一份新的缴费明细，覆盖{month}。"),
    Cause("data_incomplete", "billed_only", "只有账单或申报，没有到账记录", "only a bill or declaration, no proof of payment",
          "file_owner", "请提供{month}的个人到账明细或完税证明。"),
    Cause("data_incomplete", "arrival_unsaid", "缴费记录没有写明是否到账", "the contribution record does not say whether the premium arrived",
          "file_owner", "请提供{month}写明缴费标识或到账日期的缴费明细，或完税证明。"),
    Cause("data_incomplete", "deferred", "缓缴，记录显示还没有到账", "deferred; the record says that it has not arrived yet",
          "payer", "请缴费单位说明{month}的缓缴何时缴清、个人部分是否已缴；缴清后再导出明细核对。"),
    Cause("unexplained", None, "未解释", "unexplained", "file_owner", "请把涉及的行发给本工具的维护者。"),
    Cause("base_out_of_limits", "below_floor", "缴费基数低于当地下限", "base below the region's floor", "hr_declare",
          "请人事核对{month}的申报基数；低于当年下限的，按下限补差。"),
    Cause("base_out_of_limits", "above_cap", "缴费基数高于当地上限", "base above the region's cap", "hr_declare",
          "请人事核对{month}的申报基数；高于当年上限的部分可申请退费。"),
    Cause("spend", None, "本人使用", "used by the person", "nobody", _NOBODY),
    Cause("spend", "by_totals", "由合计数推出的支出", "spend that the totals leave", "nobody", _NOBODY),
    Cause("mutual_aid", None, "家人通过共济使用", "used by the family", "nobody", "如不认识这笔使用，请核对共济绑定的家人。"),
    Cause("premium", None, "从账户代缴的保费", "a premium paid from the account", "nobody", _NOBODY),
    Cause("premium", "long_term_care", "长期护理险", "long-term care insurance", "nobody", _NOBODY),
    Cause("premium", "serious_illness", "大病（大额）保险", "serious-illness insurance", "nobody", _NOBODY),
    Cause("premium", "supplement", "惠民保等补充保险", "supplementary insurance (惠民保)", "person", "如不想续保，请在参保平台关闭自动代扣。"),
    Cause("premium", "family_premium", "代家人缴的居民医保", "residents' insurance for the family", "nobody", _NOBODY),
    Cause("premium", "steady_deduction", "每次相同的固定扣款", "a steady deduction", "insurer",
          "请拨医保经办机构（区号+12393），问{month}扣的{amount}元是哪个险种。"),
    Cause("interest", None, "利息", "interest", "nobody", _NOBODY),
    Cause("interest", "interest_odd", "不像利息的“利息”", "interest that does not look like it", "insurer",
          "请拨医保经办机构（区号+12393），问{month}的利息{amount}元是怎么算的。"),
    Cause("subsidy", None, "补助", "subsidy", "nobody", _NOBODY),
    Cause("transfer", None, "转移", "transfer", "nobody", _NOBODY),
    Cause("transfer", "transfer_pending", "已转出，还没转入", "transferred out, not in yet", "nobody", "转移一般要一到三个月，下次导出新参保地明细时复核。"),
    Cause("transfer", "transfer_unmatched", "已转出，未见转入", "transferred out, not seen to arrive", "insurer",
          "请拨新参保地医保经办机构（区号+12393），报{month}转出{amount}元，问是否已转入；并提供新参保地的明细。"),
    Cause("payout", None, "清退", "payout", "nobody", _NOBODY),
    Cause("reversal", None, "红冲、退费", "reversals and refunds", "nobody", _NOBODY),
    Cause("adjustment", None, "调整与其他", "adjustments and others", "nobody", _NOBODY),
    Cause("carry_over", None, "年度结转", "yearly carry-over", "nobody", _NOBODY),
    Cause("carry_over", "carry_unpaired", "结转只见一半", "only half of a carry-over", "file_owner",
          "请把当年和历年两个子账户的明细都导出，覆盖{month}。"),
    Cause("frozen", None, "冻结", "frozen", "insurer", "请拨医保经办机构（区号+12393），问冻结的{amount}元何时解冻。"),
    Cause("in_transit", None, "刚记账，尚不可用", "just booked, not usable yet", "nobody", "过几天再看可用余额。"),
    Cause("in_transit", "between_dates", "两个数之间的变动", "what moved between the two figures", "nobody", _NOBODY),
    Cause("in_transit", "only_in_app", "医保已记账，银行明细没有", "booked by the insurer, not in the bank's ledger", "bank",
          "请拿{month}这笔{amount}元到社保卡银行查是否入账；银行没有再拨12393。"),
    Cause("scope_limited", None, "可用余额没有算另一子账户", "the available figure leaves a sub-account out", "nobody", _NOBODY),
    Cause("scope_limited", "not_exported", "两份明细之间没有导出的日子", "days between the exports that nothing covers", "file_owner",
          "请补导出到{month}为止缺的那段个人账户明细。"),
    Cause("scope_limited", "use_hidden", "只有收入的明细，支出没有显示", "an export of income only: use is not shown", "nobody", _NOBODY),
    Cause("unexplained", "rows_missing", "明细缺行（余额接不上）", "lines are missing (the balances do not follow)", "file_owner",
          "请重新导出{month}前后的个人账户明细（不筛选、不删行）。"),
    Cause("unexplained", "reading_differs", "余额读数与明细不符", "a reading differs from the lines", "file_owner",
          "请在同一天重新截图并导出明细，覆盖{month}。"),
    Cause("unexplained", "reading_bound", "消费或未划入，还不能分", "spend or missing, not to be told yet", "file_owner",
          "请给出这一年的支出合计，或覆盖{month}的个人账户明细，即可判定{amount}元是消费还是没有划入。"),
    Cause("unexplained", "reading_fits", "余额与缴费相符", "the balances agree with what was due", "nobody", _NOBODY),
    Cause("unexplained", "year_total", "年度合计与明细或缴费不符", "a yearly total differs from the lines or from what was due",
          "file_owner", "请核对年度合计的口径，或补导出当年的全部明细（差{amount}元）。"),
    Cause("unexplained", "held_back", "账面与可用的差，原因未明", "ledger and available differ, why is not known", "insurer",
          "请同一天重新截两张图（带时间）；若仍差{amount}元，再拨区号+12393问“冻结/在途明细”。"),
    Cause("unexplained", "only_in_app", "只在医保明细里", "only in the insurer's ledger", "bank",
          "请拿{month}的{amount}元到社保卡银行核对。"),
    Cause("unexplained", "only_in_bank", "只在银行明细里", "only in the bank's ledger", "bank",
          "请到社保卡银行核对{month}的{amount}元是不是医保账户的收支。"),
)
_DECLARE = "请人事核对{month}的增员和申报（扣款{amount}元）；如未申报，请在征收期内补报，不能补报的退还扣款。"
PAYROLL_CAUSES = (
    Cause("deducted_not_declared", "not_in_declaration", "工资表有扣款，所给申报表中未见", "deducted, not in the declaration",
          "hr_declare", _DECLARE),
    Cause("deducted_not_declared", "not_in_record", "工资表有扣款，缴费记录中未见", "deducted, not in the contribution record",
          "hr_declare", _DECLARE),
    Cause("deducted_not_declared", "never_declared", "工资表逐月扣款，申报和缴费记录中始终没有此人",
          "deducted every month, never declared", "hr_declare",
          "请人事核对此人是否已办参保登记；{month}扣款{amount}元。"),
    Cause("deducted_not_declared", "agency", "工资表有扣款，代理机构的申报或账单中未见", "deducted, not in the agency's declaration",
          "agency", "请代理机构提供{month}此人的缴费明细和税票（扣款{amount}元）；账单不能证明已缴。"),
    Cause("declared_not_deducted", "no_deduction", "已申报，当月工资条没有扣款", "declared, the payslip deducts nothing", "payroll",
          "请工资核对{month}为何没有扣个人部分{amount}元；由公司承担的请注明。"),
    Cause("declared_not_deducted", "not_on_payroll", "已申报，工资表中没有此人", "declared, not on the payroll", "payroll",
          "请核对{month}此人是否仍在职；已离职的请办减员，仍在职的请补扣{amount}元。"),
    Cause("declared_not_deducted", "offset_shift", "扣款月份与所属月份的对应关系变了，有月份没有扣款",
          "the month a payslip deducts for has shifted, so a month was not deducted", "payroll",
          "请工资核对：扣款对应的所属月份在{due}改变，{month}整月没有扣款，合计{amount}元。"),
    Cause("deducted_not_declared", "offset_shift", "扣款月份与所属月份的对应关系变了，有月份重复扣款",
          "the month a payslip deducts for has shifted, so a month was deducted twice", "payroll",
          "请工资核对：扣款对应的所属月份在{due}改变，{month}重复扣款，合计{amount}元。"),
    Cause("amount_differs", "rounding", "取整", "rounding", "nobody", _NOBODY),
    Cause("amount_differs", "wrong_month", "扣在了别的月份", "deducted in another month", "payroll",
          "请工资核对{month}：差{amount}元，与相邻月份合计相等，应是扣错了月份。"),
    Cause("amount_differs", "flat_sum", "定额（大额互助等）没有扣或多扣", "a flat sum is missing or extra", "payroll",
          "请工资核对{month}的定额，差{amount}元。"),
    Cause("amount_differs", "rate", "扣款比例不同", "another rate", "payroll", "请工资核对{month}的个人缴费比例，差{amount}元。"),
    Cause("amount_differs", "base", "扣款所用的基数不同", "another base", "payroll", "请工资核对{month}的缴费基数，差{amount}元。"),
    Cause("amount_differs", None, "金额不同，原因不明", "the amounts differ for no plain reason", "payroll",
          "请工资核对{month}的扣款，与申报相差{amount}元。"),
    Cause("joiner_leaver_edge", "joiner", "入职当月", "month of joining", "hr_declare",
          "请按当地入离职月份的规则核对{month}（入职）：该由谁缴、该不该扣，{amount}元。"),
    Cause("joiner_leaver_edge", "leaver", "离职当月", "month of leaving", "hr_declare",
          "请按当地入离职月份的规则核对{month}（离职）：该由谁缴、该不该扣，{amount}元。"),
    Cause("double_enrolment", "two_payers", "同月两个缴费主体", "two payers in one month", "hr_declare",
          "请核对{month}应由哪个缴费主体申报，另一方办理减员和退费（{amount}元）。"),
    Cause("double_enrolment", "two_regions", "同月两地参保", "two regions in one month", "hr_declare",
          "请核对{month}应在哪里参保，另一地办理减员和退费（{amount}元）。"),
    Cause("double_enrolment", "two_schemes", "同月又有居民医保", "employee and resident scheme in one month", "person",
          "请本人办理居民医保停保或退费；{month}职工医保照常。"),
    Cause("wrong_branch", "payer", "由另一个缴费主体申报", "declared by another payer", "hr_declare",
          "请核对{month}的缴费主体：申报与花名册、工资表不同（{amount}元）。"),
    Cause("wrong_branch", "region", "在另一个统筹区申报", "declared in another region", "hr_declare",
          "请核对{month}的参保地：申报与花名册、工资表不同（{amount}元）。"),
    Cause("top_up_not_recovered", "leaver", "补差时已离职，没有扣回", "top-up of a leaver, not recovered", "payroll",
          "请核对离职人员{month}的个人补差{amount}元如何收回，或由公司承担。"),
    Cause("top_up_not_recovered", "in_service", "补差没有扣回", "top-up not deducted", "payroll", "请工资补扣{month}的个人补差{amount}元。"),
    Cause("late_fee_deducted", None, "工资表向个人扣了滞纳金或利息", "late fee or interest deducted from the person", "payroll",
          "滞纳金由单位承担；请工资退还{month}扣的{amount}元。"),
    Cause("base_differs", "payroll_base", "工资表的基数与申报基数不同", "payroll states another base", "hr_declare",
          "请核对{month}的缴费基数：工资表与申报不同，按个人比例相当于{amount}元。"),
    Cause("base_differs", "wage", "按申报工资应有另一基数", "the declared wage gives another base", "hr_declare",
          "请核对{month}的缴费基数：与申报工资在上下限内所定的不同，按个人比例相当于{amount}元。"),
    Cause("declared_not_paid", "unpaid", "已申报，记录显示未到账", "declared, the record says not arrived", "finance",
          "请财务核对{month}的医保费{amount}元是否已缴、何时到账。"),
    Cause("declared_not_paid", "not_in_record", "已申报，到账记录中未见", "declared, not in the records of arrival", "finance",
          "请财务核对{month}的医保费{amount}元：申报有此人，所给到账明细中未见。"),
    Cause("declared_not_paid", "short", "已申报，到账的个人部分少", "less of the employee's part arrived than was declared", "finance",
          "请财务核对{month}：到账比申报少{amount}元。"),
    Cause("declared_not_paid", "over", "到账的个人部分比申报多", "more of the employee's part arrived than was declared", "hr_declare",
          "请人事核对{month}的申报：到账比申报多{amount}元。"),
    Cause("declared_not_paid", "not_declared", "有到账记录，所给申报中未见", "arrived, but not in the declaration", "hr_declare",
          "请人事核对{month}的申报：到账记录有此人，所给申报表中未见（{amount}元）。"),
    Cause("declared_not_paid", "agency", "代理机构已申报，到账记录中未见或未到账", "declared by the agency, no arrival", "agency",
          "请代理机构提供{month}的缴费明细和税票（{amount}元）；账单不能证明已缴。"),
    Cause("unit_not_fully_paid", None, "单位当月合计未缴足，全体暂未分配", "the unit's total is short; everybody waits", "finance",
          "请财务补足{month}的差额{amount}元，并请医保经办机构分配到个人。"),
    Cause("paid_late", None, "缴费晚于征收期到账", "arrived after the deadline", "finance",
          "{month}的医保费于{arrived}到账，晚于征收期（{due}）；请财务核对原因和滞纳金。"),
    Cause("paid_differs_from_bank", "short", "银行扣款少于申报或到账合计", "the bank paid less than was declared or arrived", "finance",
          "请财务核对{month}：银行扣款比合计少{amount}元。"),
    Cause("paid_differs_from_bank", "over", "银行扣款多于申报或到账合计", "the bank paid more than was declared or arrived", "finance",
          "请财务核对{month}：银行扣款比合计多{amount}元。"),
    Cause("paid_differs_from_bank", "no_debit", "银行流水中未见这个月的扣款", "no debit for the month in the bank statement", "finance",
          "请财务核对{month}：应付{amount}元，所给银行流水中未见扣款。"),
    Cause("paid_differs_from_bank", "no_declaration", "银行有扣款，未见对应的申报或到账", "a debit without a declaration or arrival",
          "finance", "请财务核对{arrived}的扣款{amount}元属于哪个月、哪个缴费主体。"),
    Cause("paid_differs_from_bank", "late_fee", "多出的是滞纳金或利息", "the rest is a late fee or interest", "nobody",
          "{month}的扣款中有滞纳金或利息{amount}元，由单位承担。"),
    Cause("deferred", None, "缓缴期内，单位部分尚未缴", "within a deferral, the employer's part is not paid yet", "nobody",
          "{month}在缓缴期内；到期前补缴即可。"),
    Cause("refund_due", "refund_not_returned", "缴费已退，个人部分没有退还", "refunded by the fund, not returned to the person", "payroll",
          "请工资退还{month}的个人部分{amount}元：缴费记录显示已退费。"),
)
CAUSE = {(cause.label, cause.code): cause for cause in (*CAUSES, *PAYROLL_CAUSES)}


def of_balance(label: str, cause: str | None) -> bool:
    """Whether a cause explains a balance (basis balance), and so is never the answer for a month."""
    return label in BALANCE_LABELS or (label == "unexplained" and cause is not None)


# What was checked against look-alikes before the cause was named (the column ``counter_check``).
COUNTER_CHECKS = {
    "credit_missing": "已排除：晚到十二个月内的划入、几个月合并或拆开划入、红冲与重复行、明细未覆盖的月份；消费不影响此结论",
    "contribution_unpaid": "已排除：同月另有已到账的缴费或补缴；账单不作为依据",
    "contribution_missing": "已排除：缴费明细未覆盖的月份、换单位的空档、退休以后的月份",
    "late": "已排除：合并划入；明细覆盖了应划的月份", "overdue": "已排除：合并划入；同单位同月的人多数已到账",
    "not_allocated": "已排除：同人其他月份也未分配", "duplicate_credit": "已排除：补缴、补差、更早或更晚月份的划入、红冲",
    "unknown_extra": "已排除：补缴、补差、更早或更晚月份的划入、红冲",
    "short_credit": "已排除：其余部分另行到账、红冲、规则变更前后的金额",
    "base_out_of_limits": "已计入：同月补差的基数；已排除：灵活就业、退休、没有个人账户的档次，以及不足一元的尾数",
}

# A finding about a city whose credits do not follow the policy table.
CONFLICT_FINDING = (
    "{region}{status} {first} 至 {last}：{people}人{months}个月{pairs}笔划入中，{fit}符合“{rule}”，只有{own}符合政策表；"
    "多半是政策表有误或已过时，不能据此说谁少划或多划"
)

# A finding about bases outside the limits: what the records show, and what to do.
BASE_FINDING = (
    "{payer} {first} 至 {last}，{people}人{count}人月的申报基数{what}{limit}元（{ref}），账户共受影响{amount}元",
    "请人事按{limit}元核对{first}至{last}的申报基数（{people}人）。",
)

# What to ask about a finding, by desk: it speaks of all its members, never of one.
FINDING_ACTIONS = {
    "insurer": "请拨医保经办机构（区号+12393），报所属期{month}、{people}人、合计{amount}元，问是否已分配到个人。",
    "payer": "请缴费单位核对{month}、{people}人的医保费是否已缴、何时到账。",
    "nobody": "暂不用处理；下次导出明细时复核{month}（{people}人）。",
    "file_owner": "如需核对划入，请本人自愿提供个人账户收支明细（含查询日期；消费明细不需要）。",
    "contribution_unseen": "请补一份覆盖{month}的缴费明细：{people}人有划入，所给明细没有他们这个月的缴费。",
    "run_late": "{month}整批晚划入（{people}人、合计{amount}元），不是个人的问题；已到账的不用处理。",
}

OWNERS = {
    "hr_declare": ("人事申报", "HR (declaration)"), "payroll": ("工资", "payroll"), "finance": ("财务", "finance"),
    "agency": ("代理机构", "agency"), "former_employer": ("前单位", "former employer"), "payer": ("缴费单位", "payer"),
    "tax": ("税务 12366", "tax office (12366)"), "insurer": ("医保经办机构 12393", "insurer (12393)"),
    "social_card": ("社保卡 12333", "social card (12333)"), "bank": ("银行", "bank"), "person": ("本人", "the person"),
    "file_owner": ("补资料的人", "whoever brings the file"), "nobody": ("不用处理", "nobody"),
}

# What somebody may decide on a gap, in the workbook's column 处理决定; further words are understood too. An accepted gap
# never makes a run exit with 3; the others only tell.
DECISIONS: dict[str, tuple[str, ...]] = {
    "accepted": ("接受", "accepted", "已接受", "accept", "ok"), "in_hand": ("处理中", "in hand"),
    "done": ("已处理", "done", "已办"), "withdrawn": ("撤回", "withdrawn"),
}

# What a gap may have become since the last run, in the order in which it is told. ``opened`` was pending and is open now;
# ``gone`` can no longer be seen.
EVENTS = {
    "new": ("新增", "new"), "reopened": ("重新出现", "back again"), "opened": ("等待转待处理", "waiting, now open"),
    "worse": ("变大", "grown"), "changed": ("有变动", "changed"), "resolved": ("已解决", "resolved"),
    "gone": ("看不到了", "no longer seen"),
}

VERDICTS = {
    "received": ("已到账", "received"), "waiting": ("等待中", "waiting"), "overdue": ("超期", "overdue"),
    "paid_not_credited": ("已缴未划", "paid, not credited"), "not_paid": ("缴费未到账", "not paid"),
    "no_record": ("无缴费记录", "no record"), "amount_differs": ("金额不符", "amount differs"),
    "no_account": ("无个人账户", "no account"), "cannot_tell": ("无法判断", "cannot tell"),
}

_VERDICT_OF_LABEL = {
    "on_time": "received", "refund_due": "received", "no_account": "no_account", "short_credit": "amount_differs",
    "over_credit": "amount_differs", "top_up": "amount_differs", "clawback": "amount_differs",
    "account_deduction": "amount_differs", "base_out_of_limits": "amount_differs",
}
_VERDICT_OF_CAUSE = {
    "overdue": "overdue", "credit_missing": "paid_not_credited", "not_allocated": "paid_not_credited",
    "other_identity": "paid_not_credited", "contribution_unpaid": "not_paid", "contribution_missing": "no_record",
}


def verdict(label: str, cause: str | None, status: str) -> str:
    """The reader's word for a month (a key of :data:`VERDICTS`), by DESIGN section 7."""
    if label in _VERDICT_OF_LABEL:
        return _VERDICT_OF_LABEL[label]
    if label == "delay" and status == "resolved":
        return "received"
    if label == "delay" and cause != "overdue":
        return "waiting"
    return _VERDICT_OF_CAUSE.get(cause or "", "cannot_tell")

# Causes of a change of the monthly credit (table ``step``), in the order in which they are substituted (DESIGN 7).
STEP_CAUSES = {
    "status_change": ("人员类别变了（如退休）", "insured status changed (such as retirement)"),
    "tier_change": ("险种或档次变了", "scheme or tier changed"),
    "policy_change": ("当地划入规则变了", "the region's rule changed"),
    "age_bracket": ("到了另一个年龄段", "another age bracket was reached"),
    "base_change": ("缴费基数变了", "the contribution base changed"),
    "account_deduction": ("像是从账户代扣了保费", "looks like a premium taken from the account"),
    "rounding": ("取整", "rounding"),
    "unexplained": ("未解释", "unexplained"),
}

# The actions of CAUSES for English readers; the same fields.
_TRY_12393 = "Call the medical insurance office (area code + 12393)"
_NOTHING = "Nothing to do."
ACTIONS_EN: dict[tuple[str, str | None], str] = {
    ("on_time", None): _NOTHING,
    ("on_time", "paid_late"): "Ask the payer why the premium of {month} arrived after the collection deadline.",
    ("pooled_share", None): _NOTHING,
    ("flat_fee", None): _NOTHING,
    ("no_account", None): "If there ought to be an account, check the tier with the employer.",
    ("delay", "not_yet_due"): "Wait until the end of {due}.",
    ("delay", "late"): "Nothing to do yet; look at {month} again with the next export.",
    ("delay", "overdue"): _TRY_12393 + " with month {month}, arrival {arrived}, due {amount} yuan: why have colleagues been credited?",
    ("delay", "annual_schedule"): "The region credits once a year; wait until {due}.",
    ("missing_month", "credit_missing"): _TRY_12393 + " with month {month}, arrival {arrived}, due {amount} yuan: was it booked, and to which account?",
    ("missing_month", "contribution_unpaid"): "Ask the payer whether and when the premium of {month} was paid.",
    ("missing_month", "contribution_missing"): "Ask the payer whether {month} was declared; if not, it can be paid back.",
    ("missing_month", "not_allocated"): _TRY_12393 + ": has the employer's payment of {month} been split to people?",
    ("missing_month", "other_identity"): "Take the ID to the medical insurance office and have the two numbers merged.",
    ("short_credit", None): _TRY_12393 + " with month {month}, {amount} yuan less than due: on what ground?",
    ("top_up", "late"): "Nothing to do yet; look at the top-up of {month} again with the next export.",
    ("top_up", "credit_missing"): _TRY_12393 + ": was the top-up of {amount} yuan for {month} booked?",
    ("over_credit", "duplicate_credit"): "Do not spend it. " + _TRY_12393 + ": was {amount} yuan credited twice for {month}?",
    ("over_credit", "subsidy"): "Check whether the extra {amount} yuan of {month} is a subsidy.",
    ("over_credit", "unknown_extra"): "Ask what the extra {amount} yuan of {month} is.",
    ("clawback", None): _NOTHING,
    ("account_deduction", None): "Ask the medical insurance office whether a scheme is paid from the account.",
    ("refund_due", None): "Ask both payers about the double payment of {amount} yuan for {month}; one of them claims the refund.",
    ("policy_unknown", None): "Bring a contribution export with the column 划入个人账户金额, or add a policy file for the region.",
    ("policy_unknown", "table_differs"): "Check the region's notice: most people's credits differ from the policy table; recon policy new drafts a correction.",
    ("data_incomplete", "no_account_export"): "To check credits, the person has to hand in an account export with its date (no spending needed).",
    ("data_incomplete", "before_export"): "Bring an earlier account export that covers {due}.",
    ("data_incomplete", "after_export"): "Bring a later account export, to beyond {due}.",
    ("data_incomplete", "tail_open"): "Bring a page of the account export that shows its date and covers {due}.",
    ("data_incomplete", "rows_missing"): "Export the account again, whole (no filter, no row deleted), covering {due}.",
    ("data_incomplete", "contribution_unseen"): "Bring a newer contribution export that covers {month}.",
    ("data_incomplete", "billed_only"): "Bring the record of arrival per person, or the tax receipt, for {month}.",
    ("data_incomplete", "deferred"):
        "Ask the payer when the deferred premium of {month} will be paid and whether the employee's part was; export again then.",
    ("data_incomplete", "arrival_unsaid"):
        "Bring a contribution record of {month} that says whether or when it arrived, or the tax receipt.",
    ("base_out_of_limits", "below_floor"): "Check the declared base of {month} with HR; below the year's floor it is topped up to the floor.",
    ("base_out_of_limits", "above_cap"): "Check the declared base of {month} with HR; what lies above the year's cap can be claimed back.",
    ("spend", None): _NOTHING, ("spend", "by_totals"): _NOTHING,
    ("mutual_aid", None): "If you do not know of it, check who is bound to your family account.",
    ("premium", None): _NOTHING, ("premium", "long_term_care"): _NOTHING, ("premium", "serious_illness"): _NOTHING,
    ("premium", "supplement"): "To stop it, switch off the automatic renewal on the insurance platform.",
    ("premium", "family_premium"): _NOTHING,
    ("premium", "steady_deduction"): _TRY_12393 + ": which insurance are the {amount} yuan of {month} for?",
    ("interest", None): _NOTHING,
    ("interest", "interest_odd"): _TRY_12393 + ": how was the interest of {amount} yuan of {month} worked out?",
    ("subsidy", None): _NOTHING, ("transfer", None): _NOTHING,
    ("transfer", "transfer_pending"): "A transfer takes one to three months; look at the new region's next export.",
    ("transfer", "transfer_unmatched"):
        "Call the new region's medical insurance office (area code + 12393): have the {amount} yuan that left in {month} arrived?",
    ("payout", None): _NOTHING, ("reversal", None): _NOTHING, ("adjustment", None): _NOTHING,
    ("carry_over", None): _NOTHING,
    ("carry_over", "carry_unpaired"): "Export both sub-accounts (current and past years), covering {month}.",
    ("frozen", None): _TRY_12393 + ": when will the {amount} yuan be released?",
    ("in_transit", None): "Look at the available balance again in a few days.",
    ("in_transit", "between_dates"): _NOTHING,
    ("in_transit", "only_in_app"): "Ask the bank of the card whether the {amount} yuan of {month} arrived; if not, area code + 12393.",
    ("scope_limited", None): _NOTHING,
    ("scope_limited", "not_exported"): "Bring an export of the days before {month} that none covers.",
    ("scope_limited", "use_hidden"): _NOTHING,
    ("unexplained", "rows_missing"): "Export the account again around {month}, whole (no filter, no row deleted).",
    ("unexplained", "reading_differs"): "Take the figure and the export on one day, covering {month}.",
    ("unexplained", "reading_bound"):
        "Bring the year's spend total, or an export covering {month}: it settles whether {amount} yuan were used or did not come.",
    ("unexplained", "reading_fits"): _NOTHING,
    ("unexplained", "year_total"): "Check what the yearly total counts, or export the whole year (a difference of {amount} yuan).",
    ("unexplained", "held_back"):
        "Take both figures again on one day; if they still differ by {amount} yuan, ask area code + 12393 about frozen or pending sums.",
    ("unexplained", "only_in_app"): "Compare the {amount} yuan of {month} with the bank of the card.",
    ("unexplained", "only_in_bank"): "Ask the bank of the card what the {amount} yuan of {month} are.",
    ("unexplained", None): "Send the rows concerned to the maintainers of this tool.",
}

PAYROLL_ACTIONS_EN: dict[tuple[str, str | None], str] = {
    ("deducted_not_declared", "not_in_declaration"):
        "HR: check the declaration of {month} ({amount} yuan deducted); declare it in time, or return the deduction.",
    ("deducted_not_declared", "not_in_record"):
        "HR: check the declaration of {month} ({amount} yuan deducted); declare it in time, or return the deduction.",
    ("deducted_not_declared", "never_declared"):
        "HR: check whether the person was ever enrolled; {amount} yuan deducted for {month}.",
    ("deducted_not_declared", "agency"):
        "Ask the agency for the contribution record and tax receipt of {month} ({amount} yuan); its bill proves nothing.",
    ("deducted_not_declared", "offset_shift"):
        "Payroll: the month deducted for shifted in {due}; {month} was deducted twice, {amount} yuan in all.",
    ("declared_not_deducted", "no_deduction"):
        "Payroll: why was the employee's part of {month}, {amount} yuan, not deducted? Note it where the firm bears it.",
    ("declared_not_deducted", "not_on_payroll"):
        "Is the person still employed in {month}? If not, take them off the declaration; if so, deduct {amount} yuan.",
    ("declared_not_deducted", "offset_shift"):
        "Payroll: the month deducted for shifted in {due}; {month} was not deducted at all, {amount} yuan in all.",
    ("amount_differs", "rounding"): _NOTHING,
    ("amount_differs", "wrong_month"):
        "Payroll: {month} is off by {amount} yuan and a month beside it by the opposite; it was deducted in the wrong month.",
    ("amount_differs", "flat_sum"): "Payroll: check the flat sum of {month}; {amount} yuan off.",
    ("amount_differs", "rate"): "Payroll: check the employee's rate of {month}; {amount} yuan off.",
    ("amount_differs", "base"): "Payroll: check the contribution base of {month}; {amount} yuan off.",
    ("amount_differs", None): "Payroll: check the deduction of {month}; {amount} yuan off the declaration.",
    ("joiner_leaver_edge", "joiner"):
        "Check {month} (joining) by the local rule: who pays it, and was {amount} yuan to be deducted?",
    ("joiner_leaver_edge", "leaver"):
        "Check {month} (leaving) by the local rule: who pays it, and was {amount} yuan to be deducted?",
    ("double_enrolment", "two_payers"): "Which payer declares {month}? The other one claims the refund ({amount} yuan).",
    ("double_enrolment", "two_regions"): "Where is {month} insured? The other place refunds ({amount} yuan).",
    ("double_enrolment", "two_schemes"): "The person ends the resident scheme or claims its refund; {month} stays as it is.",
    ("wrong_branch", "payer"): "Check the payer of {month}: the declaration differs from roster and payroll ({amount} yuan).",
    ("wrong_branch", "region"): "Check the region of {month}: the declaration differs from roster and payroll ({amount} yuan).",
    ("top_up_not_recovered", "leaver"): "Decide how the leaver's top-up of {month}, {amount} yuan, is recovered, or bear it.",
    ("top_up_not_recovered", "in_service"): "Payroll: deduct the top-up of {month}, {amount} yuan.",
    ("late_fee_deducted", None): "A late fee is the employer's: payroll returns the {amount} yuan deducted in {month}.",
    ("base_differs", "payroll_base"): "Check the base of {month}: payroll and declaration differ, {amount} yuan of premium.",
    ("base_differs", "wage"): "Check the base of {month}: the declared wage gives another, {amount} yuan of premium.",
    ("declared_not_paid", "unpaid"): "Finance: was the premium of {month}, {amount} yuan, paid, and when did it arrive?",
    ("declared_not_paid", "not_in_record"): "Finance: {month}, {amount} yuan, was declared but is not in the records of arrival.",
    ("declared_not_paid", "short"): "Finance: of {month}, {amount} yuan less arrived than was declared.",
    ("declared_not_paid", "over"): "HR: of {month}, {amount} yuan more arrived than was declared.",
    ("declared_not_paid", "not_declared"): "HR: {month}, {amount} yuan, arrived but is not in the declaration.",
    ("declared_not_paid", "agency"):
        "Ask the agency for the contribution record and tax receipt of {month} ({amount} yuan); its bill proves nothing.",
    ("unit_not_fully_paid", None):
        "Finance: pay the missing {amount} yuan of {month} and ask the medical insurance office to split it to people.",
    ("paid_late", None): "Finance: the premium of {month} arrived on {arrived}, after the deadline ({due}); why, and any late fee?",
    ("paid_differs_from_bank", "short"): "Finance: the bank paid {amount} yuan less for {month}.",
    ("paid_differs_from_bank", "over"): "Finance: the bank paid {amount} yuan more for {month}.",
    ("paid_differs_from_bank", "no_debit"): "Finance: {amount} yuan due for {month}, no debit in the bank statement.",
    ("paid_differs_from_bank", "no_declaration"): "Finance: for which month and payer is the debit of {amount} yuan ({arrived})?",
    ("paid_differs_from_bank", "late_fee"): "{amount} yuan of the debit of {month} are a late fee or interest, the employer's.",
    ("deferred", None): "{month} lies within a deferral; pay it before the deferral ends.",
    ("refund_due", "refund_not_returned"): "Payroll: return {amount} yuan of {month} to the person; the fund has refunded it.",
}
