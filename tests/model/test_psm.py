import pytest

from pie.model import PSM


def test_parse_and_back() -> None:
    psm = PSM.parse("toutiao.article.article_v2")
    assert psm == ("toutiao", "article", "article_v2")
    assert str(psm) == "toutiao.article.article_v2"


@pytest.mark.parametrize(
    "text",
    ["", "a.b", "a.b.c.d", "A.b.c", "a..c", "a.b.c\n", "a.b.-", "a.b." + "c" * 300, "名.b.c"],
)
def test_what_is_not_a_psm_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"product\.subsystem\.module"):
        PSM.parse(text)
