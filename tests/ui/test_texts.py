"""The texts of the pages: every one in both languages, in the shape that the pages use."""

import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

UI = Path(__file__).resolve().parents[2] / "ui"
SOURCE = UI / "src"


def entry() -> str:
    """A script that prints the shared texts and those of every page, and the pages' titles."""
    folders = sorted(each.parent for each in SOURCE.glob("pages/*/texts.en.ts"))
    catalogues = {"shared": "i18n/{}", "rules": "rules/texts.{}"} | {
        folder.name: f"pages/{folder.name}/texts.{{}}" for folder in folders
    }
    lines = ["import { pages } from './src/pages.gen';", "const all = { en: {}, zh: {} };"]
    for number, (name, path) in enumerate(catalogues.items()):
        for language in ("en", "zh"):
            variable = f"{language}{number}"
            module = f"./src/{path.format(language)}"
            lines.append(f"import {{ {language} as {variable} }} from '{module}';")
            lines.append(f"all.{language}[{name!r}] = {variable};")
    return "\n".join(
        [
            *lines,
            "for (const [name, { title }] of Object.entries(pages))",
            "  for (const language of ['en', 'zh'])",
            "    all[language][`title of ${name}`] = title[language];",
            "const shown = (_, value) =>",
            "  typeof value === 'function' ? { arguments: value.length } : value;",
            "console.log(JSON.stringify(all, shown));",
        ]
    )


@pytest.fixture(scope="module")
def texts(build: ModuleType) -> dict[str, dict[str, Any]]:
    """For each language its texts by their paths, as the bundle has them."""
    node = build.find_node().node
    esbuild = UI / "node_modules" / "esbuild" / "bin" / "esbuild"
    assert esbuild.is_file(), "the pages are not built here: make ui"
    bundled = _run([*node, str(esbuild), "--bundle", "--format=cjs", "--loader=ts"], entry())
    trees: dict[str, Any] = json.loads(_run(node, bundled))
    return {language: dict(_leaves(tree, "")) for language, tree in trees.items()}


def _run(command: list[str], script: str) -> str:
    return subprocess.run(
        command, input=script, cwd=UI, capture_output=True, text=True, check=True
    ).stdout


def _leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        value = {str(index): each for index, each in enumerate(value)}
    if isinstance(value, dict) and value.keys() != {"arguments"}:
        return [leaf for key, each in value.items() for leaf in _leaves(each, f"{path}/{key}")]
    return [(path, value)]


def test_both_languages_have_the_same_texts(texts: dict[str, dict[str, Any]]) -> None:
    assert texts["en"].keys() == texts["zh"].keys()
    assert len(texts["en"]) > 400


def test_a_page_that_has_texts_has_them_in_both_languages() -> None:
    for folder in (SOURCE / "pages").iterdir():
        found = {file.name for file in folder.glob("texts.*.ts")}
        assert found in (set(), {"texts.en.ts", "texts.zh.ts"}), folder.name


def test_no_text_is_empty(texts: dict[str, dict[str, Any]]) -> None:
    for language, catalogue in texts.items():
        assert [path for path, text in catalogue.items() if text == ""] == [], language


def test_a_text_with_arguments_takes_no_more_of_them_in_chinese(
    texts: dict[str, dict[str, Any]],
) -> None:
    """Chinese has no plural: it may need fewer arguments than English, never others."""
    for path, english in texts["en"].items():
        chinese = texts["zh"][path]
        assert isinstance(english, dict) == isinstance(chinese, dict), path
        if isinstance(english, dict):
            assert 0 < chinese["arguments"] <= english["arguments"], path


def test_no_english_sentence_is_left_in_chinese(texts: dict[str, dict[str, Any]]) -> None:
    same = [
        path
        for path, text in texts["zh"].items()
        if isinstance(text, str) and text == texts["en"][path] and text.count(" ") >= 2
    ]
    # Python · Pie: names.
    assert [path for path in same if texts["zh"][path] not in {"Python · Pie", "j k"}] == []


@pytest.mark.parametrize(
    "word",
    [
        *("首页", "日志搜索", "服务首页", "服务日志", "当前服务", "已服务化"),
        *("服务信息", "语言", "框架", "框架版本", "服务协议", "调试接口", "接口负责人"),
        *("服务接口列表", "PSM", "方法", "QPS", "平均时间", "监控", "请求流量来源"),
        *("搜关键字", "搜调用栈", "搜请求链", "搜客户端日志", "任务列表", "使用手册"),
        *("只看我的任务", "任务ID", "任务名", "开始时间", "结束时间", "任务类型", "操作人"),
        *("任务信息", "执行结果", "调用链详情", "查看", "完成"),
        *("调用链入口IP", "logid", "总耗时", "业务访问链信息", "RPC调用信息"),
        *("服务名", "节点编号", "处理总耗时(ms)", "方法名", "节点IP", "节点类型", "执行状态"),
        *("操作", "查看日志", "发起方服务名", "发起方编号", "接收方编号", "接收方服务名"),
        *("接收方方法名", "调用开始时间", "调用耗时(ms)", "调用执行状态"),
    ],
)
def test_the_chinese_pages_speak_as_the_slides_do(
    texts: dict[str, dict[str, Any]], word: str
) -> None:
    assert word in texts["zh"].values()
