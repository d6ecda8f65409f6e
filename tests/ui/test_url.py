"""Filters in the address: stable codes, unknown ones ignored, the last word is the reader's."""

import json

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from survey.kit.url_state import pick
    from survey.kit.viewer import Preferences

    language = st.session_state.get("language", "en")
    labels = {"en": {"a": "Apple", "b": "Bear"}, "zh": {"a": "Pingguo", "b": "Xiong"}}[language]
    st.write(pick(Preferences(language, large=False), "Fruit", "fruit", labels))


def run(**query: str) -> AppTest:
    app = AppTest.from_function(script)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def test_the_default_leaves_the_address_clean() -> None:
    app = run()
    assert app.selectbox[0].value == "a"
    assert "fruit" not in app.query_params


def test_a_choice_is_written_as_its_code_and_going_back_to_the_default_cleans_up() -> None:
    app = run()
    app.selectbox[0].set_value("b").run()
    assert app.query_params["fruit"] == "b"
    app.selectbox[0].set_value("a").run()
    assert "fruit" not in app.query_params


def test_a_link_is_followed_and_an_unknown_code_is_not() -> None:
    assert run(fruit="b").selectbox[0].value == "b"
    app = run(fruit="' OR 1=1")
    assert app.selectbox[0].value == "a"


def test_the_address_is_written_by_choices_alone() -> None:
    """Each change of it is a page to go back to in the browser."""
    for code in ("a", "b", "x"):
        assert run(fruit=code).query_params["fruit"] == code


def test_an_address_that_changes_later_wins_over_the_earlier_choice() -> None:
    app = run()
    app.selectbox[0].set_value("b").run()
    del app.query_params["fruit"]
    app.run()
    assert app.selectbox[0].value == "a"


def test_a_choice_survives_a_change_of_language() -> None:
    app = run()
    app.selectbox[0].set_value("b").run()
    app.session_state["language"] = "zh"
    app.run()
    assert app.selectbox[0].value == "b"
    assert app.selectbox[0].options == ["Pingguo", "Xiong"]


def pinned() -> None:
    import streamlit as st

    from survey.kit.url_state import pick_pinned
    from survey.kit.viewer import Preferences

    choices = {code: code for code in st.session_state.get("options", ["a", "b"])}
    st.write(pick_pinned(Preferences("en", large=False), "Fruit", "fruit", choices))


def run_pinned(**query: str) -> AppTest:
    app = AppTest.from_function(pinned)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def replaced_in_address(app: AppTest) -> list[dict[str, str]]:
    """What the browser is asked to put into the address without a new page to go back to."""
    return [json.loads(component.proto.json) for component in app.get("bidi_component")]


def test_a_pinned_default_is_named_by_the_browser_without_a_page_to_go_back_to() -> None:
    app = run_pinned()
    assert app.selectbox[0].value == "a"
    assert "fruit" not in app.query_params
    assert replaced_in_address(app) == [{"fruit": "a"}]
    app.query_params["fruit"] = "a"
    assert replaced_in_address(app.run()) == []


def test_a_pinned_default_stays_when_a_newer_option_comes_first() -> None:
    app = run_pinned()
    app.session_state["options"] = ["new", "a", "b"]
    app.run()
    assert app.selectbox[0].value == "a"
    assert replaced_in_address(app) == [{"fruit": "a"}]


def test_a_pinned_choice_of_the_reader_is_a_page_to_go_back_to() -> None:
    app = run_pinned(fruit="a")
    app.selectbox[0].set_value("b").run()
    assert app.query_params["fruit"] == "b"
    app.selectbox[0].set_value("a").run()
    assert app.query_params["fruit"] == "a"
    assert replaced_in_address(app) == []


def test_a_pinned_option_that_is_not_there_chooses_none() -> None:
    app = run_pinned(fruit="x")
    assert app.selectbox[0].value is None
    assert app.query_params["fruit"] == "x"
    app.selectbox[0].set_value("b").run()
    assert app.query_params["fruit"] == "b"


def test_a_remembered_option_of_another_page_is_not_chosen_where_it_is_not_offered() -> None:
    app = run_pinned(fruit="b")
    del app.query_params["fruit"]
    app.session_state["options"] = ["c", "d"]
    assert app.run().selectbox[0].value == "c"
