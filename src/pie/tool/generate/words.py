"""What is said to a person, in English or, when the locale is Chinese, in Chinese."""

import os
import sys
from collections.abc import Mapping

DOCUMENTATION = "docs/pietool.md"

_WORDS = {
    "welcome": (
        "Welcome to Pie; documentation: {documentation}, or pietool -h",
        "欢迎使用 Pie框架, 文档参考 {documentation} 或 pietool -h",
    ),
    "app": ("app directory: {path}", "app目录: {path}"),
    "uwsgi": ("uwsgi configuration: {path}", "uwsgi配置文件路径: {path}"),
    "service": ("service configuration: {path}", "service配置文件路径: {path}"),
    "rpc": ("RPC configuration: {path}", "RPC配置文件路径: {path}"),
    "server code": ("service code: {path}", "生成service代码的路径: {path}"),
    "client code": ("client code: {path}", "生成client代码的路径: {path}"),
    "start": ("Start generating...", "Start generating..."),
    "done": ("done", "生成结束"),
    "dry": ("nothing was written (--dry-run)", "没有写入任何文件 (--dry-run)"),
    "diffed": ("nothing was written (--diff)", "没有写入任何文件 (--diff)"),
    "run": ("run it: {command}", "运行: {command}"),
    "new": ("new", "新建"),
    "renewed": ("renewed", "更新"),
    "same": ("same", "不变"),
    "kept": ("kept", "保留"),
    "removed": ("removed", "删除"),
}


def is_chinese(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the locale asks for Chinese."""
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return locale.startswith("zh") and _can_print("欢迎")


def word(key: str, **values: object) -> str:
    """A phrase in the person's language."""
    return _WORDS[key][is_chinese()].format(**values)


def tick() -> str:
    """The mark before what was done."""
    return "✓" if _can_print("✓") else "+"


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
