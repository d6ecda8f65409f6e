"""A page that was read from the replica says up to when its data go."""

from streamlit.testing.v1 import AppTest


def _page() -> None:
    from datetime import UTC, datetime, timedelta

    from survey.kit.text_blocks import draw_freshness
    from survey.locale import translator
    from survey.store.read_replica import DataFreshness

    moment = datetime.now(UTC) - timedelta(seconds=75)
    draw_freshness(translator("zh"), DataFreshness(moment))
    draw_freshness(translator("en"), DataFreshness(moment))
    draw_freshness(translator("en"), None)


def test_the_line_names_the_moment_and_how_long_ago_it_was() -> None:
    app = AppTest.from_function(_page).run()
    assert not app.exception
    chinese, english = (caption.value for caption in app.caption)
    assert "数据截至北京时间" in chinese
    assert "约 75 秒前" in chinese or "约 76 秒前" in chinese
    assert english.startswith("Data as of ")
