"""Every key of ``recon.toml``, once: its section, kind, wording and example.

The validation, the commented file of ``recon init`` and the page docs/config.md are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """One key. ``kind``: text, texts, path, flag, number, money, month, days, time, choice; ``example`` is TOML text."""

    section: str
    name: str
    kind: str
    zh: str
    en: str
    example: str
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """Its name in :class:`recon.config.Settings`."""
        return _FIELDS.get((self.section, self.name), self.name)


# Section: what it is about, in Chinese and English.
SECTIONS: dict[str, tuple[str, str]] = {
    "folders": ("放在哪里；相对路径从本文件所在的文件夹算起",
                "where things are; relative paths start at the folder of this file"),
    "run": ("怎么算", "how to reconcile"),
    "legs": ("各类资料：auto 有就用，off 不用，required 必须有（缺了会提示）",
             "kinds of material: auto = used when present, off = ignored, required = its absence is reported"),
    "calendar": ("工作日历：法定节假日已内置，这里只写例外",
                 "working days: public holidays are built in, only exceptions go here"),
    "payroll": ("工资核对的规则；地区和缴费主体可以另写（见最后）",
                "rules of the payroll checks; regions and payers may have their own (see the end)"),
    "thresholds": ("多小的差异不叫醒人（报告里照样列出）", "what is too small to wake anybody (the report lists it all the same)"),
    "state": ("记住上次的结果：首次发现、已持续多久、新增、已解决；已读过的文件不再解析",
              "remembers earlier runs: first seen, age, new, resolved; files already read are not parsed again"),
    "schedule": ("定时运行：recon schedule install", "unattended runs: recon schedule install"),
    "notify": ("通知：只有数量、状态和报告位置，绝无姓名、证件号、个人金额；需要 pip install 'recon[notify]'",
               "notifications: counts, state, where the report is; never a name, an ID or a personal amount; "
               "needs pip install 'recon[notify]'"),
}

KEYS: tuple[Key, ...] = (
    Key("folders", "input", "path", "放导出文件的文件夹", "the folder of exports", '"."'),
    Key("folders", "report", "path", "差异报告；可用 {as_of}（基准日）、{month}（基准日所在月）",
        "the workbook; {as_of} and {month} (of the as-of date) may stand in it", '"report.xlsx"'),
    Key("folders", "tables", "path", "另存全部数据表的目录", "also write every table here", '"tables"'),
    Key("folders", "tables_format", "choice", "数据表的格式", "format of the tables", '"parquet"',
        choices=("parquet", "csv")),
    Key("folders", "mappings", "path", "自己的格式与政策文件", "your own formats and policy", '"mappings"'),
    Key("folders", "passwords", "path", "受密码保护的文件的密码，一行一个；此文件只许本人可读",
        "passwords of protected files, one a line; a file that only you may read", '"../recon-passwords.txt"'),
    Key("run", "as_of", "text", "基准日：日期，或 today；不写则取资料中最新的日期",
        "as-of date: a day or today; without it the newest date in the data", '"today"'),
    Key("run", "region", "text", "资料没写统筹区时用的地区：代码或名称", "region where the files name none: code or name",
        '"420100"'),
    Key("run", "tolerance", "number", "到账后几个月内未划入只算等待",
        "months before an uncredited month turns from pending to missing", "3", low=0, high=24),
    Key("run", "edition", "choice", "版本；不写则 20 人以上为 hr（丢弃消费明细），否则 person",
        "edition; without it hr (drops spending) above 20 people, else person", '"hr"',
        choices=("hr", "person", "audit")),
    Key("run", "lang", "choice", "语言", "language", '"zh"', choices=("zh", "en")),
    Key("run", "full_ids", "flag", "报告中显示完整证件号", "show whole IDs in the workbook", "false"),
    Key("run", "fail_on", "choice", "哪些差异使退出码为 3：any 任何未接受的，new 新增的，worse 新增或变大的（后两种需要 [state]）",
        "what makes the exit code 3: any that nobody accepted, new ones, or new and grown ones (these need [state])",
        '"any"', choices=("any", "new", "worse")),
    Key("legs", "payroll", "choice", "工资扣款", "payroll deductions", '"auto"', choices=("auto", "off", "required")),
    Key("legs", "declared", "choice", "申报与账单", "declarations and bills", '"auto"',
        choices=("auto", "off", "required")),
    Key("legs", "arrived", "choice", "到账记录（缴费明细）", "records of arrival", '"auto"', choices=("auto", "required")),
    Key("legs", "payment", "choice", "单位付款（银行流水）", "the employer's payments", '"auto"',
        choices=("auto", "off", "required")),
    Key("legs", "flow", "choice", "个人账户明细", "account flows", '"auto"', choices=("auto", "off", "required")),
    Key("calendar", "holidays", "days", "另外放假的日子", "further days off", "[2027-02-05, 2027-02-08]"),
    Key("calendar", "workdays", "days", "调休上班的周末", "weekends that are worked", "[2027-02-20]"),
    Key("payroll", "company", "text", "公司名称，用于汇总", "name of the firm, for roll-ups", '"示例集团"'),
    Key("payroll", "offset", "number", "工资月到所扣费款月差几个月；不写则从资料里学", "months from payslip to the month deducted for; learned without it", "0", low=-3, high=3),
    Key("payroll", "joins_by", "number", "几号及以前入职，当月参保（31 总是，0 从不）", "joiners by this day are insured from that month (31 always, 0 never)", "15", low=0, high=31),
    Key("payroll", "leaves_from", "number", "几号及以后离职，当月仍参保（1 总是，32 从不）", "leavers from this day on are still insured that month (1 always, 32 never)", "16", low=1, high=32),
    Key("payroll", "deadline_day", "number", "每月征收截止日", "last day of collection", "25", low=1, high=31),
    Key("payroll", "rounding_yuan", "money", "工资与申报因进位可相差多少元", "how far payslip and declaration may differ through rounding", '"0.10"'),
    Key("payroll", "cohort_people", "number", "同一原因至少涉及多少人算一件事", "people from whom on one cause is one finding", "5", low=2, high=1_000_000),
    Key("payroll", "cohort_percent", "number", "……且占当月人数的百分之几", "... and this share of the month's people, per cent", "50", low=1, high=100),
    Key("payroll", "unit_short_percent", "number", "单位缴款短缺在百分之几以内算“差一点而全体未记账”", "a unit's payment short by up to this many per cent freezes everybody", "5", low=0, high=100),
    Key("thresholds", "min_yuan", "money", "少于这么多元的差异不使退出码为 3，也不通知",
        "differences below this many yuan neither set the exit code to 3 nor notify", '"1.00"'),
    Key("thresholds", "min_people", "number", "涉及的人少于这个数不通知", "fewer people than this: no notification", "1",
        low=1, high=1_000_000),
    Key("thresholds", "stale_days", "number", "最新的资料早于今天这么多天就提示", "days after which the newest data count as stale",
        "62", low=1, high=3_660),
    Key("state", "folder", "path", "状态文件夹；内有个人信息，只有本人可读", "the state folder; personal data, readable by you alone",
        '".recon"'),
    Key("state", "cache", "flag", "保留已读出的行，下次不再解析（人事版不保留个人账户明细）",
        "keep the rows read, so that files are not parsed again (the hr edition keeps no account flows)", "true"),
    Key("state", "keep_runs", "number", "保留最近多少次运行的记录", "how many runs are kept", "120", low=2, high=100_000),
    Key("schedule", "monthly", "number", "每月几号；短月取最后一天", "day of the month; the last one of shorter months", "6", low=1,
        high=31),
    Key("schedule", "at", "time", "几点", "at what time", '"08:30"'),
    Key("schedule", "next_workday", "flag", "遇节假日顺延到下一个工作日", "on a day off, wait for the next working day", "true"),
    Key("schedule", "kind", "choice", "用什么定时；不写则按系统选", "which scheduler; without it the system's own", '"systemd"',
        choices=("cron", "systemd", "launchd", "windows")),
    Key("notify", "when", "choice", "何时通知：new 有新增或变大的差异、有文件不能用、运行失败或漏跑；open 只要有待处理；always 每次",
        "when: new = new or grown gaps, unusable files, failed or missed runs; open = whenever gaps are open; always",
        '"new"', choices=("new", "open", "always")),
)

# Sections that may be repeated: how they are written, and what they are about.
REPEATED: dict[str, tuple[str, str, str]] = {
    "notify.channels": (
        "[[notify.channels]]",
        "通知渠道，可写多个。地址形如 wecombot://…、dingtalk://…、feishu://…、mailtos://…，含密钥，不能写在本文件里。",
        "A channel; there may be several. Its address holds a secret and must not stand in this file."),
    "payers": (
        '[payers."91110105MA00000000"]',
        "缴费主体：每个税号或单位编号一节。", "A payer: one section per tax id or unit number."),
    "regions": (
        '[regions."420100"]',
        "某个统筹区自己的规则：每个地区代码一节。", "A region's own rules: one section per region code."),
    "deferrals": (
        "[[deferrals]]",
        "缓缴的月份，可写多个；不写 payer 则对所有缴费主体。",
        "Months whose employer part may be paid later; there may be several; without payer for all of them."),
}

REPEATED_KEYS: tuple[Key, ...] = (
    Key("notify.channels", "name", "text", "给这个渠道起的名字", "what to call the channel", '"人事群"'),
    Key("notify.channels", "url_env", "text", "存放渠道地址的环境变量名", "the environment variable that holds its address", '"RECON_NOTIFY_URL"'),
    Key("notify.channels", "url_file", "path", "存放渠道地址的文件，只有本人可读（chmod 600）", "the file that holds its address, readable by you alone", '".recon/notify.url"'),
    Key("payers", "name", "text", "名称", "its name", '"示例人力服务公司"'),
    Key("payers", "employer", "text", "为哪个用工单位缴费", "the employer it pays for", '"示例公司"'),
    Key("payers", "branch", "text", "分公司，用于汇总", "its branch, for roll-ups", '"武汉分公司"'),
    Key("payers", "region", "text", "参保地代码", "code of its region", '"420100"'),
    Key("payers", "agency", "flag", "是不是代缴机构", "whether it is an agency", "true"),
    Key("payers", "aliases", "texts", "导出文件里的其他编号或名称", "other numbers or names in exports", '["W00123"]'),
    Key("payers", "offset", "number", "工资月到所扣费款月差几个月；不写则从资料里学", "months from payslip to the month deducted for; learned without it", "0", low=-3, high=3),
    Key("regions", "joins_by", "number", "几号及以前入职，当月参保（31 总是，0 从不）", "joiners by this day are insured from that month (31 always, 0 never)", "15", low=0, high=31),
    Key("regions", "leaves_from", "number", "几号及以后离职，当月仍参保（1 总是，32 从不）", "leavers from this day on are still insured that month (1 always, 32 never)", "16", low=1, high=32),
    Key("regions", "deadline_day", "number", "每月征收截止日", "last day of collection", "25", low=1, high=31),
    Key("regions", "offset", "number", "工资月到所扣费款月差几个月；不写则从资料里学", "months from payslip to the month deducted for; learned without it", "0", low=-3, high=3),
    Key("deferrals", "first", "month", "第一个月", "first month", '"2025-01"'),
    Key("deferrals", "last", "month", "最后一个月", "last month", '"2025-06"'),
    Key("deferrals", "payer", "text", "缴费主体", "payer", '"91110105MA00000000"'),
    Key("deferrals", "region", "text", "地区代码", "code of the region", '"420100"'),
)

_FIELDS = {
    ("state", "folder"): "state", ("notify", "when"): "notify_when", ("folders", "input"): "folder",
    ("payroll", "rounding_yuan"): "rounding_fen", ("thresholds", "min_yuan"): "min_fen",
    **{("legs", name): f"leg_{name}" for name in ("payroll", "declared", "arrived", "payment", "flow")},
}
