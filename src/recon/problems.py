"""The catalogue of everything that can be wrong with an input: code, severity, wording and remedy in one place.

A problem is a row (table ``problem``): code + file + place + column + value + message + remedy. Codes are kebab-case
and never reused; each has a minimal file in ``tests/problems`` that triggers it. Wrong input never raises.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What one problem code means, in Chinese and English; ``{value}`` and ``{column}`` may stand in the texts."""

    code: str
    severity: str  # error: something was not used; warning: used, but doubtful; info: good to know
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@dataclass(frozen=True)
class Problem:
    """One occurrence. ``place`` is inside the file (``Sheet1!R17``, ``p3:12``, ``L21``); ``value`` is the raw text."""

    code: str
    file: str | None = None
    place: str | None = None
    column: str | None = None
    value: str | None = None

    def row(self, lang: str = "zh") -> dict[str, str | None]:
        """The row of table ``problem``, worded in ``lang``."""
        kind = CATALOGUE[self.code]
        text, remedy = (kind.zh, kind.remedy_zh) if lang == "zh" else (kind.en, kind.remedy_en)
        fill = {"value": self.value or "", "column": self.column or ""}
        return {
            "code": self.code, "severity": kind.severity, "file": self.file, "place": self.place,
            "column": self.column, "value": self.value,
            "message": text.format(**fill), "remedy": remedy.format(**fill),
        }


_KINDS = (
    # --- a whole file -------------------------------------------------------------------------------------------
    Kind("empty-file", "error", "文件是空的", "the file is empty",
         "重新下载后放回文件夹", "download it again and put it back"),
    Kind("unreadable-file", "error", "文件打不开：{value}", "the file cannot be opened: {value}",
         "重新下载；若用表格软件能打开，另存为 xlsx 再放回", "download it again, or re-save it as xlsx"),
    Kind("truncated-file", "error", "文件不完整（下载中断）", "the file is cut off (broken download)",
         "重新下载后放回文件夹", "download it again"),
    Kind("password-required", "error", "文件有密码", "the file is protected by a password",
         "用 --passwords 文件、环境变量 RECON_PASSWORDS 或在终端里输入密码；也可去掉密码后另存",
         "give the password by --passwords FILE, by RECON_PASSWORDS or at the prompt; or save a copy without it"),
    Kind("password-wrong", "error", "给出的密码都打不开此文件", "none of the given passwords opens the file",
         "核对密码；银行和支付平台的压缩包密码在其应用里查看", "check the password; banks and wallets show it in their app"),
    Kind("password-extra", "error", "文件有密码，打开它需要附加组件 {value}",
         "the file is protected by a password, and opening it needs the extra {value}",
         "安装附加组件：pip install '.[passwords]'；或去掉密码后另存",
         "install the extra: pip install '.[passwords]'; or save a copy without the password"),
    Kind("too-slow", "error", "读取超过 {value} 秒，已停止", "reading took more than {value} seconds and was stopped",
         "重新下载；若文件确实很大，请按月或按单位分开导出", "download it again; if it is that large, export it in parts"),
    Kind("reader-failed", "error", "读取此文件时程序中断（{value}），其余文件照常", "the reader broke off on this file ({value}); the others are read",
         "重新下载；若仍如此，用表格软件另存为 xlsx，并请反馈", "download it again; if it stays so, re-save it as xlsx and report it"),
    Kind("too-large", "error", "文件过大或解压后过大：{value}", "the file is too large, or unpacks too large: {value}",
         "按月或按单位分开导出", "export it month by month or unit by unit"),
    Kind("unsafe-markup", "error", "文件内含外部实体声明，已拒绝", "the file declares XML entities and was refused",
         "用表格软件打开后另存为 xlsx", "open and re-save it as xlsx in a spreadsheet program"),
    Kind("no-text-layer", "error", "PDF 是扫描件，没有文字：{value}", "the PDF is a scan without text: {value}",
         "请下载电子版 PDF 或 Excel", "download the electronic PDF or Excel version"),
    Kind("unreadable-text", "error", "PDF 文字无法还原（字体缺失）", "the text of the PDF cannot be decoded (missing fonts)",
         "请改用 Excel 导出", "use the Excel export instead"),
    Kind("not-a-table", "warning", "图片或文档，里面没有表格可读：{value}", "a picture or document without a table: {value}",
         "请下载 Excel、CSV 或电子版 PDF；只有余额截图时，把数字抄进 reading 表",
         "download the Excel, CSV or electronic PDF version; copy the figure of a screenshot into a reading table"),
    Kind("unknown-format", "warning", "没有一种格式认得此文件：{value}", "no format recognises this file: {value}",
         "运行 recon identify 看原因；可在 mappings/formats 加一份格式说明",
         "run recon identify for the reasons; a format is one TOML file in mappings/formats"),
    Kind("ambiguous-format", "error", "两种以上格式都认领此文件：{value}", "several formats claim this file: {value}",
         "在格式说明里加上能区分的标题或列名", "add a telling title or column to one of the formats"),
    Kind("identical-file", "info", "与另一文件内容完全相同，只用一次：{value}",
         "the same bytes as another file; used once: {value}", "可以删除其中一份", "one of the two can be removed"),
    Kind("hidden-sheet", "info", "读取了隐藏的工作表：{value}", "a hidden sheet was read: {value}",
         "确认隐藏表也应计入", "make sure the hidden sheet is meant to count"),
    Kind("not-usable", "warning", "认得这种文件，但它不能用来对账：{value}",
         "a known kind of file that cannot be used here: {value}",
         "换成说明里提到的导出", "bring the export named in the message"),
    Kind("only-other-business", "info", "里面没有与医保账户或医保缴费有关的行，{value} 行都按其他业务计数",
         "no line concerns the medical account or its premiums; {value} lines counted as other business",
         "无需处理", "nothing to do"),
    Kind("holder-unknown", "error", "流水里没有写户名，{value} 行医保收支不知道是谁的",
         "the statement does not name its holder: {value} lines of a medical account belong to nobody",
         "导出时选择显示户名，或改用带户名的电子版流水", "export it with the name of the holder"),
    Kind("wallet-without-name", "info", "钱包账单没有写姓名，{value} 行医保支付未列出（不影响账户金额）",
         "the wallet bill names nobody: {value} medical payments are not listed (no account money is concerned)",
         "无需处理", "nothing to do"),
    Kind("hidden-rows", "info", "表里有隐藏或被筛掉的行，照常计入：{value}", "hidden or filtered rows were read as any other: {value}",
         "确认这些行也应计入", "make sure they are meant to count"),
    Kind("second-reader", "info", "常用的读取器打不开，改用 {value} 读取", "the usual reader failed; it was read by {value}",
         "核对行数；最好重新下载", "check the number of rows; better download it again"),
    Kind("control-characters", "info", "文字里有 {value} 个控制字符，已去掉", "{value} control characters were left out of the text",
         "核对这些单元格；最好重新导出", "check the cells; better export it again"),
    Kind("files-skipped", "info", "没有读的锁文件、临时文件、未下载完的文件、链接：{value}",
         "lock files, temporary files, unfinished downloads and links not read: {value}",
         "下载完成后再运行；锁文件不用管", "run again when downloads are complete; lock files do not matter"),
    Kind("no-rows", "warning", "认出了格式，但没有一行数据", "the format was recognised but there are no rows",
         "确认查询条件后重新导出", "check the query and export again"),
    Kind("not-signed", "error", "核对表没有写核对人和日期，打勾的行没有使用：{value}",
         "the confirmation sheet does not say who confirmed it and when; its rows were not used: {value}",
         "填上“填写人”和“填写日期”后再运行", "fill in “filled in by” and “filled in on”, then run again"),
    # --- a row or a cell ----------------------------------------------------------------------------------------
    Kind("unreadable-amount", "error", "金额看不懂：“{value}”（{column}）", "unreadable amount “{value}” ({column})",
         "改正该格，或重新导出", "correct the cell or export again"),
    Kind("unreadable-month", "error", "月份看不懂：“{value}”（{column}）", "unreadable month “{value}” ({column})",
         "改正该格，或重新导出", "correct the cell or export again"),
    Kind("unreadable-date", "error", "日期看不懂：“{value}”（{column}）", "unreadable date “{value}” ({column})",
         "改正该格，或重新导出", "correct the cell or export again"),
    Kind("unreadable-id", "error", "证件号看不懂：“{value}”", "unreadable ID “{value}”",
         "核对证件号后改正", "check and correct the ID"),
    Kind("damaged-id", "error", "证件号被表格软件损坏（变成了数字）：“{value}”",
         "the ID was damaged by a spreadsheet (stored as a number): “{value}”",
         "请从系统重新导出原件，不要用表格软件另存", "export the original again; do not re-save it in a spreadsheet"),
    Kind("id-check-digit", "warning", "身份证校验位不对：“{value}”", "the check digit of the ID is wrong: “{value}”",
         "核对证件号；本行照常使用", "check the ID; the row is used"),
    Kind("missing-value", "error", "缺少必需的值（{column}）", "a required value is missing ({column})",
         "补上该格，或重新导出", "fill the cell or export again"),
    Kind("unknown-code", "error", "不认识的代码：“{value}”（{column}）", "unknown code “{value}” ({column})",
         "在格式说明的 [values] 里补上这个代码", "add the code to [values] of the format file"),
    Kind("ragged-row", "error", "这一行的格数与表头不符：{value}", "the row has more cells than the header: {value}",
         "检查该行是否错位", "check whether the row is shifted"),
    Kind("unbalanced-quote", "warning", "引号没有成对，本行按到行末为止读取",
         "a quotation mark is not closed; the row was read up to the end of its line",
         "核对该行；最好重新导出", "check the row, or export again"),
    Kind("formula-without-value", "error", "公式没有保存结果（{column}）", "a formula without a stored value ({column})",
         "用表格软件打开并保存一次", "open and save the file once in a spreadsheet program"),
    Kind("cell-error", "error", "单元格是错误值：{value}（{column}）", "the cell holds an error: {value} ({column})",
         "改正该格", "correct the cell"),
    Kind("ambiguous-person", "error", "姓名或掩码证件号对应多人，无法确定：“{value}”",
         "the name or masked ID fits several people: “{value}”",
         "在花名册里补上完整证件号或个人编号", "add the full ID or personal number to the roster"),
    Kind("unknown-person", "error", "只有姓名或掩码证件号，找不到对应的人：“{value}”",
         "only a name or masked ID, and nobody fits: “{value}”",
         "在花名册里补上此人", "add the person to the roster"),
    Kind("foreign-currency", "error", "不是人民币：“{value}”", "not in yuan: “{value}”", "只放人民币账户", "use the yuan account only"),
    Kind("unknown-word", "warning", "不认识的类型：“{value}”（{column}），按“其他”或“不明”处理",
         "unknown word “{value}” ({column}); taken as other or unknown",
         "在格式说明的 [values] 里补上这个词", "add the word to [values] of the format file"),
    Kind("name-differs", "warning", "同一证件号或编号在文件里有两个姓名：“{value}”",
         "one ID or personal number carries two names: “{value}”",
         "核对是否填错证件号；改过名的，把旧名写进花名册的“曾用名”", "check the ID; put an earlier name into the roster's column 曾用名"),
    Kind("id-restored", "warning", "证件号被表格软件损坏，已按姓名和可见数字找回：“{value}”",
         "the ID was damaged by a spreadsheet and found again by name and visible digits: “{value}”",
         "请从系统重新导出原件", "export the original again"),
    Kind("range-not-split", "warning", "一行包含多个月且不能平均分开，整笔记在第一个月：{value}",
         "one row for several months that do not divide evenly; kept as one sum in the first month: {value}",
         "请按月导出明细", "export the detail month by month"),
    Kind("reversed-pair", "info", "一笔与它的冲销互相抵消，都未计入", "a booking and its reversal cancel; neither is counted",
         "无需处理", "nothing to do"),
    # --- content that contradicts itself ------------------------------------------------------------------------
    Kind("balance-break", "warning", "余额接不上，差 {value} 元", "the running balance breaks by {value} yuan",
         "可能缺行；请按完整期间重新导出", "rows may be missing; export the whole period again"),
    Kind("balance-gap", "warning", "两份明细之间余额接不上，{value} 缺行", "the balances of two exports do not follow: lines are missing {value}",
         "请把这段时间的个人账户明细重新完整导出", "export the account again for these days, whole"),
    Kind("balance-never-chains", "warning", "余额列与收支对不上，未用来核对", "the balances never follow from the lines and were not used",
         "请重新导出不筛选的明细；若余额是别的口径（如只含当年），可不理会",
         "export the account without a filter; nothing to do if the column is another balance (such as this year's)"),
    Kind("mixed-accounts", "warning", "一份明细里混着两个账户的余额", "one export mixes the balances of two accounts",
         "请分账户（当年/历年、本人/家人）各导出一份", "export each account (current and past years, own and family) by itself"),
    Kind("balance-without-lines", "warning", "只有余额，没有收支金额", "balances only, no movements",
         "请导出带收入、支出金额的明细；只有余额时抄进 reading 表", "export the lines with their amounts, or copy the balances into a reading table"),
    Kind("negative-balance", "warning", "个人账户余额为负", "the balance of the account is negative",
         "核对该行；可能有未入账的划入，或正负号取反", "check the row: a credit may not be booked yet, or the sign is reversed"),
    Kind("quiet-year", "warning", "明细声称覆盖的时间里有一年以上一行也没有：{value}", "the export covers more than a year without one line: {value}",
         "请把这段时间重新导出；这期间有缴费", "export these days again: contributions were paid in them"),
    Kind("total-mismatch", "warning", "与文件里印的合计不符：{value}", "differs from the total printed in the file: {value}",
         "重新导出，或核对是否缺页", "export again, or check for missing pages"),
    Kind("total-hint", "info", "与文件里印的合计不同：{value}；该来源自己说明合计可能有出入，只作提示",
         "differs from the total printed in the file: {value}; the source itself says it may, so this is only a hint",
         "一般不用处理", "usually nothing to do"),
    Kind("sum-differs", "warning", "同一行各项之和与该行合计差 {value} 元（{column}）",
         "the parts of the row differ from its own total by {value} yuan ({column})",
         "核对该行，或重新导出", "check the row, or export again"),
    Kind("unproved-layout", "error", "版式无法证实：{value} 处余额或合计与各列对不上，整份未用",
         "the layout is not proved: {value} balances or sums contradict the columns; the file was not used",
         "请导出未经筛选的完整明细（Excel 或 CSV 更好）", "export the whole detail without filters, best as Excel or CSV"),
    Kind("sign-unproved", "error", "金额没有正负号，余额也不能证明是收是支：“{value}”",
         "the amount has no sign and no balance proves which way it went: “{value}”",
         "请导出带收支方向或余额的完整明细", "export the detail with directions or balances"),
    Kind("page-repeat", "info", "换页处重复印了同一行，只算一次", "a row was printed again at a page break and counted once",
         "无需处理", "nothing to do"),
    Kind("into-account-exceeds", "warning", "划入个人账户金额大于缴费合计：{value}",
         "the credited amount exceeds what was paid: {value}", "核对该行", "check the row"),
    Kind("policy-differs", "warning", "文件写明的划入金额与当地规则算出的不同：{value}",
         "the stated credited amount differs from the region's rule: {value}",
         "以文件为准；若规则有误可用自己的政策文件更正", "the file wins; correct the rule with your own policy file"),
    Kind("unknown-region", "warning", "不认识的统筹区：“{value}”，按全国默认规则处理",
         "unknown region “{value}”; the national default is used",
         "用 --region 指定行政区划代码，或补一份政策文件", "give --region, or add a policy file"),
    Kind("printed-month-ignored", "warning", "明细里印的所属期处处等于入账月，只作参考",
         "the printed accrual month equals the posting month throughout; used as a hint only",
         "无需处理；若确为所属期请告知", "nothing to do"),
    Kind("printed-month-contradicts", "warning", "明细里印的所属期与金额不符，只作参考",
         "the printed accrual months contradict the amounts; used as a hint only",
         "核对明细", "check the export"),
    Kind("annual-window-differs", "warning", "年度划入的金额不是规定的十二个月之和，按另一连续十二个月对上：{value}",
         "the yearly credit sums another twelve months than the rule says: {value}",
         "核对当地的年度起止月", "check the region's yearly window"),
    Kind("contradictory-lines", "warning", "两份文件对同一笔的说法不同，只算一次：{value}",
         "two files tell one line differently; it counts once: {value}",
         "核对两份文件；打印或导出日期能说明哪份新", "compare the two files; a day of export would tell which is newer"),
    Kind("amended-line", "info", "较新的文件改了这一行，以新的为准：{value}",
         "a newer export amends this line, and counts: {value}", "无需处理；有疑问时核对旧文件", "nothing to do; compare if in doubt"),
    Kind("line-in-one-file", "warning", "两份文件都覆盖这一天，只有一份有这一行（照常计入）：{value}",
         "two files cover this day and only one shows the line (it counts): {value}",
         "核对两份文件，或重新导出完整期间", "compare the two files, or export the whole period again"),
    Kind("unmatched-reversal", "warning", "红冲 {value} 元找不到对应的划入", "a reversal of {value} yuan meets no earlier credit",
         "请补一份更早的个人账户明细", "bring an earlier export of the account"),
    Kind("as-of-future", "info", "有日期晚于今天，未用来定基准日：{value}",
         "a date after today was not used for the as-of date: {value}", "核对该日期", "check the date"),
    Kind("unknown-decision", "warning", "处理决定看不懂：“{value}”，已当作备注保留", "unknown decision “{value}”; kept as a note",
         "在“处理决定”列选择：接受、处理中、已处理、撤回", "choose one of: accepted, in hand, done, withdrawn"),
    Kind("leg-absent", "warning", "配置要求的资料没有：{value}", "material that the configuration requires is absent: {value}",
         "把文件放进文件夹；不再需要时改 recon.toml 的 [legs]", "put the files into the folder, or change [legs] in recon.toml"),
    Kind("month-unstated", "error", "文件没有写明是哪个月，整份未用（{value}）",
         "the file does not say which month it is of and was not used ({value})",
         "在表头上方、工作表名或文件名里写上年月，如“2024年3月工资表”",
         "write year and month above the table, in the sheet's or the file's name"),
    Kind("unit-ten-thousand", "warning", "金额以万元为单位，最多精确到四位小数所示",
         "amounts are in ten thousands of yuan and only as exact as their decimals",
         "请导出以元为单位的文件；差几分钱时以元为准", "export it in yuan; trust the yuan where a few fen differ"),
    Kind("month-twice", "warning", "同一个月有两份文件，只用了行数较多的一份：{value}",
         "two files for one month; only the fuller one was used: {value}",
         "留下正确的一份，另一份移出文件夹；补发应另列，不要重复全员", "keep the right one; a supplementary run should list only its people"),
    Kind("leg-month-missing", "warning", "前后各月都有，缺这个月的资料，这一环没有核对：{value}（{column}）",
         "the months around it are there, this one is missing and was not checked: {value} ({column})",
         "补上这个月的工资表、申报表或到账明细", "bring the payroll, declaration or record of the month"),
    Kind("record-too-long", "warning", "此人记录过长，改用简化匹配，可信度降低：{value}",
         "the record is too long; a simpler rule was used with lower confidence: {value}",
         "按年分开导出", "export year by year"),
)

CATALOGUE: dict[str, Kind] = {kind.code: kind for kind in _KINDS}
