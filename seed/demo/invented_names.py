"""Invented names of places and people; nobody and no place is meant."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from faker import Faker

from seed.demo.random_streams import random_stream

_COMPOUNDS = ("小区", "花园", "家园", "公寓", "新村", "苑")
_MALLS = ("广场", "购物中心", "百货", "天地")
_SUPERMARKETS = ("超市", "生鲜超市", "便民市场", "农贸市场")
_SCENIC = ("公园", "古街", "景区", "湖畔步道", "文化园")
_VILLAGES = ("家村", "家庄", "家湾", "家坪", "家桥村")
_RURAL_SHOPS = ("镇集贸市场", "镇便民超市", "乡供销超市")


@lru_cache(maxsize=1)
def _create_faker() -> Faker:
    faker = Faker("zh_CN")
    faker.seed_instance(20_240_315)
    return faker


@lru_cache(maxsize=1)
def _list_prefixes() -> tuple[str, ...]:
    faker = _create_faker()
    prefixes = {faker.company_prefix() for _ in range(2000)}
    return tuple(sorted(prefix for prefix in prefixes if len(prefix) == 2))


@lru_cache(maxsize=1)
def _list_surnames() -> tuple[str, ...]:
    faker = _create_faker()
    return tuple(sorted({faker.last_name() for _ in range(300)}))


def sampling_point_name(code: str, kind: str, rural: bool) -> str:
    """The name of a sampling point: always the same for one code."""
    rng = random_stream("name", code)
    if kind == "village":
        return _pick_name(_list_surnames(), rng) + _pick_name(_VILLAGES, rng)
    if rural and kind == "supermarket":
        return _pick_name(_list_surnames(), rng) + "家" + _pick_name(_RURAL_SHOPS, rng)
    endings = {
        "compound": _COMPOUNDS,
        "mall": _MALLS,
        "supermarket": _SUPERMARKETS,
        "scenic": _SCENIC,
    }[kind]
    return _pick_name(_list_prefixes(), rng) + _pick_name(endings, rng)


@lru_cache(maxsize=1)
def people_names(count: int) -> tuple[str, ...]:
    """Names of `count` surveyors."""
    faker = Faker("zh_CN")
    faker.seed_instance(20_240_316)
    return tuple(faker.name() for _ in range(count))


def _pick_name(names: Sequence[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]
