"""What a run has to say besides its answers: each alert in two languages, said on the screen and in notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.job.standing import Status

ALERTS: dict[str, tuple[str, str]] = {
    "taken_up": ("上次运行中途断了，这次已从头做完", "the last run broke off; this one has done it all"),
    "clock": ("时钟与上次相差太远，这次的结果没有记入；若日期没错，再运行一次或写明 --as-of",
              "the clock is far from the last run's; nothing was recorded: if the date is right run again, or give --as-of"),
    "look_back": ("基准日早于上次，这次只回答，没有记入", "an earlier as-of date: answered, not recorded"),
    "stale": ("资料里最新的日期已经很早，是不是少了最近的导出？", "the newest data are old: is a recent export missing?"),
    "missed": ("有计划的运行没有做：{slots}", "scheduled runs were missed: {slots}"),
    "notify_failed": ("通知没有发出去（{channels}），下次再试", "a notification could not be sent ({channels}); it will be tried again"),
    "notify_setup": ("通知渠道不能用（{channels}）：检查地址，或 pip install 'recon[notify]'，见 docs/schedule.md", "a notification channel cannot be used ({channels}): check its address, or pip install 'recon[notify]'; see docs/schedule.md"),
}


def alert(code: str, lang: str, facts: Mapping[str, str] | None = None) -> str:
    """An alert as a sentence."""
    return ALERTS[code][lang == "en"].format(**(facts or {}))


def since(counts: Mapping[str, int] | None, lang: str) -> str | None:
    """``新增 2 · 已解决 1``, or that nothing has changed; None where there is nothing to compare with."""
    from recon.labels import EVENTS

    if counts is None:
        return None
    told = [f"{EVENTS[event][lang == 'en']} {count}" for event, count in counts.items() if count]
    return " · ".join(told) or ("没有变化" if lang == "zh" else "nothing has changed")


TROUBLES: dict[str, tuple[str, str]] = {
    "never": ("还没有一次完整的运行", "there has been no complete run yet"),
    "missed": ("漏了计划的运行：{missed}", "scheduled runs were missed: {missed}"),
    "failed": ("上次运行失败：{error}（退出码 {exit_code}），见状态文件夹里的 logs/recon.log", "the last run failed: {error} (exit {exit_code}); see logs/recon.log in the state folder"),
    "not_recorded": ("上次运行没有记入状态（时钟或基准日）", "the last run was not recorded (clock or as-of date)"),
    "unsent": ("有 {unsent} 条通知没有发出去，下次再试", "{unsent} notifications could not be sent; they will be tried again"),
}
_FACTS: tuple[tuple[str, str, str], ...] = (
    ("running_since", "正在运行，开始于", "running since"), ("last_good", "上次成功", "last good run"),
    ("as_of", "基准日", "as of"), ("last_run", "编号", "run"), ("open", "待处理", "open"), ("pending", "等待中", "waiting"),
    ("decisions", "已有决定", "decisions"), ("next_due", "下次该运行", "next due"),
)


def status_lines(found: Status, lang: str) -> Iterator[str]:
    """How things stand, for the screen."""
    english = lang == "en"
    for name, zh, en in _FACTS:
        if found.facts[name] is not None:
            yield f"{en if english else zh}: {found.facts[name]}" if english else f"{zh}：{found.facts[name]}"
    facts = found.facts | {"missed": ", ".join(found.facts["missed"])}
    for code in found.troubles:
        yield f"{'note' if english else '注意'}: {TROUBLES[code][english].format(**facts)}"
    if not found.troubles:  # of the runs: what they found is another matter
        left = found.facts["open"]
        more = (f"; {left} open in the report" if english else f"；报告里还有 {left} 项待处理") if left else ""
        yield ("runs are well" if english else "运行正常") + more
