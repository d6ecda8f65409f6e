"""Passwords are judged by how hard they are to guess, and the advice fits a password box."""

import pytest

from survey.access.secret_hashes import (
    EXAMPLE_WORDS,
    WeakPasswordError,
    invent_password_example,
    require_strong,
)


def test_the_example_is_invented_afresh_and_is_no_password() -> None:
    examples = {invent_password_example() for _ in range(20)}
    assert len(examples) > 10
    for example in examples:
        assert example.isascii()
        assert len(set(example.split()) & set(EXAMPLE_WORDS)) == 4
        with pytest.raises(WeakPasswordError) as refused:
            require_strong(example.title(), about=())
        assert "examples" in str(refused.value.advice[0])


def test_four_pinyin_words_of_ones_own_are_a_password() -> None:
    require_strong("shuini qiaoliang hupo yanjing", about=("wang", "王芳"))


@pytest.mark.parametrize("password", ["蓝色水壶爱唱老歌", "下雨天带两把钥匙走"])
def test_pasted_chinese_of_eight_characters_is_long_enough(password: str) -> None:
    require_strong(password, about=())


@pytest.mark.parametrize("password", ["蓝色水壶爱唱", "我我我我我我我我我我我我", "王芳王芳王芳"])
def test_few_or_repeated_characters_are_not(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        require_strong(password, about=("王芳",))
