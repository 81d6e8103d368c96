"""What a run has to say besides its answers: each alert in two languages, said on the screen and in notifications."""

from __future__ import annotations

from collections.abc import Mapping

ALERTS: dict[str, tuple[str, str]] = {
    "taken_up": ("上次运行中途断了，这次已从头做完", "the last run broke off; this one has done it all"),
    "clock": ("时钟与上次相差太远，这次的结果没有记入；若日期没错，再运行一次或写明 --as-of",
              "the clock is far from the last run's; nothing was recorded: if the date is right run again, or give --as-of"),
    "look_back": ("基准日早于上次，这次只回答，没有记入", "an earlier as-of date: answered, not recorded"),
    "stale": ("资料里最新的日期已经很早，是不是少了最近的导出？", "the newest data are old: is a recent export missing?"),
    "missed": ("有计划的运行没有做：{slots}", "scheduled runs were missed: {slots}"),
    "notify_failed": ("通知没有发出去（{channels}），下次再试", "a notification could not be sent ({channels}); it will be tried again"),
    "notify_setup": ("通知渠道不能用（{channels}），见 docs/schedule.md", "a notification channel cannot be used ({channels}); see docs/schedule.md"),
}
EVENTS: dict[str, tuple[str, str]] = {
    "new": ("新增", "new"), "reopened": ("重新出现", "back again"), "opened": ("等待转待处理", "waiting, now open"),
    "worse": ("变大", "grown"), "changed": ("有变动", "changed"), "resolved": ("已解决", "resolved"),
    "gone": ("看不到了", "no longer seen"),
}


def alert(code: str, lang: str, facts: Mapping[str, str] | None = None) -> str:
    """An alert as a sentence."""
    return ALERTS[code][lang == "en"].format(**(facts or {}))


def since(counts: Mapping[str, int] | None, lang: str) -> str | None:
    """``新增 2 · 已解决 1``, or that nothing has changed; None where there is nothing to compare with."""
    if counts is None:
        return None
    told = [f"{EVENTS[event][lang == 'en']} {count}" for event, count in counts.items() if count]
    return " · ".join(told) or ("没有变化" if lang == "zh" else "nothing has changed")
