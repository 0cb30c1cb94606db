"""Output for people, in English or, in a Chinese locale, in Chinese."""

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
    "edited": ("edited by you", "你修改过"),
    "before": ("it was there before", "原先已有"),
    "backup": ("edited by hand: your text is now {name}", "被修改过: 原内容已存为 {name}"),
    "names": ("it names {existing}, not {target}", "其中是 {existing}, 不是 {target}"),
    "lacks": (
        "{path} lacks the {method} {names}: add",
        "{path} 缺少方法 {names}: 请添加",
    ),
    "whom": (
        "whom does {service}Client call? Fill in psm: in {path}, or repeat with --target PSM",
        "{service}Client 调用哪个服务? 请在 {path} 中填写 psm:, 或加上 --target PSM 重新运行",
    ),
    "structs only": (
        "{idl} defines no service: only its structs were generated",
        "{idl} 没有定义 service: 只生成了 struct",
    ),
    "annotated": (
        "{idl} annotates {service} with {annotated}, not {psm}",
        "{idl} 中 {service} 的 psm 是 {annotated}, 不是 {psm}",
    ),
    "old": (
        "{path} was generated under an earlier PSM: remove it",
        "{path} 属于改名前的 PSM: 请删除",
    ),
    "hides": (
        "{path} hides Python's own module {name} from this program: rename it",
        "{path} 遮住了 Python 自带的模块 {name}: 请改名",
    ),
    "long socket": (
        "{path} is longer than the {longest} bytes of a socket's path: to run it under uWSGI, "
        "choose a shorter <socket> in {file}",
        "{path} 超过 socket 路径的 {longest} 字节上限: 如用 uWSGI 运行, 请在 {file} 中"
        "改用更短的 <socket>",
    ),
    "new": ("new", "新建"),
    "made": ("made", "新建"),
    "renewed": ("renewed", "更新"),
    "same": ("same", "不变"),
    "kept": ("kept", "保留"),
    "removed": ("removed", "删除"),
    "skipped list": ("Skipped:", "跳过的仓库:"),
    "next": ("Next:", "下一步:"),
    "skipped": ("skipped", "跳过"),
    "cloned": ("cloned", "已克隆"),
    "up to date": ("up to date", "已是最新"),
    "brought forward": ("brought forward", "已更新"),
}


def is_chinese(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the locale is Chinese."""
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return locale.startswith("zh") and _can_print("欢迎")


def word(key: str, **values: object) -> str:
    """A phrase in the person's language."""
    return _WORDS[key][is_chinese()].format(**values)


def tick() -> str:
    """The mark before a finished step."""
    return "✓" if _can_print("✓") else "+"


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
