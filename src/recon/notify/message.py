"""What a notification says. It is made from counts and codes alone, so that it cannot name anybody or any sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class News:
    """All that a message is made of; ``since``, ``alerts`` and ``report`` are sentences without personal data."""

    lang: str
    as_of: str = ""
    failed: str = ""  # the kind of error, where the run came to nothing
    news: int = 0  # gaps that are new, back again, now open or grown
    open: int = 0
    accepted: int = 0
    pending: int = 0
    unknown: int = 0
    people: int = 0  # with an open gap that nobody accepted
    rejected: Mapping[str, int] = field(default_factory=dict)  # files, rows
    since: str | None = None
    alerts: tuple[str, ...] = ()
    report: str = ""


def message(news: News) -> tuple[str, str]:
    """Title and text."""
    if news.lang == "en":
        return _english(news)
    if news.failed:
        return "recon：运行失败", "\n".join([
            f"这次核对没有完成（{news.failed}）。上次的报告和状态都还在。", *news.alerts,
            "请在电脑上运行 recon status 看原因。"])
    title = f"recon：{news.news} 处新的或变大的差异" if news.news else f"recon：没有新的差异，待处理 {news.open}"
    lines = [f"基准日 {news.as_of}"]
    if news.since is not None:
        lines.append(f"与上次比：{news.since}")
    accepted = f"（其中已接受 {news.accepted}）" if news.accepted else ""
    lines.append(f"待处理 {news.open}{accepted}，涉及 {news.people} 人 · 等待中 {news.pending} · "
                 f"无法判断 {news.unknown}")
    if any(news.rejected.values()):
        lines.append(f"不能用：文件 {news.rejected.get('files', 0)} 个、行 {news.rejected.get('rows', 0)} 行")
    return title, "\n".join([*lines, *news.alerts, f"报告：{news.report}"])


def _english(news: News) -> tuple[str, str]:
    if news.failed:
        return "recon: the run failed", "\n".join([
            f"The run was not finished ({news.failed}). The last report and the state are still there.", *news.alerts,
            "See recon status on the machine."])
    title = f"recon: {news.news} new or grown gaps" if news.news else f"recon: no new gaps, {news.open} open"
    lines = [f"as of {news.as_of}"]
    if news.since is not None:
        lines.append(f"since the last run: {news.since}")
    accepted = f" (accepted: {news.accepted})" if news.accepted else ""
    lines.append(f"open {news.open}{accepted}, of {news.people} people · waiting {news.pending} · "
                 f"cannot tell {news.unknown}")
    if any(news.rejected.values()):
        lines.append(f"not usable: {news.rejected.get('files', 0)} files, {news.rejected.get('rows', 0)} rows")
    return title, "\n".join([*lines, *news.alerts, f"report: {news.report}"])
