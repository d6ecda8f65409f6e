"""What only a survey of consumers invents: places, venues, people, comments and complaints.

A provider of Faker, for the demo and for tests alike; nobody and no place is meant.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import islice

import numpy as np
from faker import Faker
from faker.providers import BaseProvider

_ENDINGS = {
    "compound": ("小区", "花园", "家园", "公寓", "新村", "苑"),
    "mall": ("广场", "购物中心", "百货", "天地"),
    "supermarket": ("超市", "生鲜超市", "便民市场", "农贸市场"),
    "scenic": ("公园", "古街", "景区", "湖畔步道", "文化园"),
    "village": ("家村", "家庄", "家湾", "家坪", "家桥村"),
    "rural supermarket": ("家镇集贸市场", "家镇便民超市", "家乡供销超市"),
    "market": ("农贸市场",),
    "restaurant": ("餐馆",),
    "hotel": ("酒店",),
}
"""Last part of the name of a place, by its kind; those with 家 follow a surname."""
# What a comment says, and the code of its main point (seed/open_answers/comment.csv).
_LOW = {
    "{street}一带停车太难，希望多建一些停车场。": "access",
    "上个月在{street}的一家店买到的东西质量不好，退货推来推去。": "quality",
    "有的商家广告说得好听，到店里完全是另一回事。": "honesty",
    "预付卡办了以后店就关门了，钱要不回来，希望管一管。": "redress",
    "投诉以后等了很久才有人回复，希望能快一点。": "redress",
    "菜市场缺斤短两的情况还有，建议多设公平秤。": "honesty",
    "价格不透明，同样的东西隔一条街差很多。": "price",
    "希望加强对{street}附近小餐馆卫生的检查。": "safety",
    "维修家电收费太高，而且修了没多久又坏了。": "service",
    "孩子在学校门口买的零食不知道合不合格，不放心。": "safety",
    "老人被拉去听讲座买了很多保健品，希望有人管。": "elderly",
    "村里买到的有些商品牌子像名牌，其实不是，希望多查一查。": "quality",
    "快递只送到镇上，取一趟要走很远。": "access",
    "有的景点门口小店强拉客人，价格也高。": "honesty",
    "扫码点餐对老年人太不方便，应该留人工服务。": "elderly",
    "培训班退费太难了，合同上写得也不清楚。": "redress",
    "付款以后经常收到推销电话，担心个人信息泄露。": "other",
    "售后电话总是打不通。": "service",
}
_MIDDLE = {
    "总体还可以，希望{street}这边多几家大超市。": "access",
    "希望多宣传一些维权知识，很多人不知道怎么投诉。": "redress",
    "公共厕所再多一些就好了。": "access",
    "商场节假日人太多，休息的座位不够。": "access",
    "消费券不错，就是抢不到，希望多发一些。": "price",
    "以旧换新的手续能不能再简单一点。": "service",
    "希望农贸市场的环境再改善一下。": "access",
    "希望多一些适合老年人的商店和服务。": "elderly",
    "晚上的公交早一点收车，逛完街回家不方便。": "access",
    "希望价格标得更清楚一些。": "price",
    "文化演出可以再多一些，票价低一点。": "access",
    "希望定期公布不合格商品的名单。": "quality",
    "新开的商场不错，周边交通要跟上。": "access",
    "希望乡镇也有正规的家电维修点。": "service",
}
_HIGH = {
    "在{street}买东西很方便，服务也好。": "praise",
    "这两年消费环境明显变好了，继续保持。": "praise",
    "商家讲诚信，退换货都很痛快。": "praise",
    "12315处理得很快，给工作人员点赞。": "praise",
    "东西种类多，价格也公道，很满意。": "praise",
    "社区常有消费知识讲座，很有用。": "praise",
    "买菜、吃饭、看病都方便，没什么意见。": "praise",
    "市场里有公平秤，放心。": "praise",
    "孩子玩的地方多了，也更安全了。": "praise",
    "对现在的消费环境很满意。": "praise",
    "服务员态度好，环境干净。": "praise",
    "送货上门很快，售后也有保障。": "praise",
}
_OPENINGS = ("", "", "", "说一点：", "实话实说，", "个人感受，", "住在这里好几年了，")
_STREETS = 12


class SurveyProvider(BaseProvider):  # type: ignore[misc]  # no types in faker
    """Texts of a survey, from the same seed always the same."""

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        drawn = {self.generator.company_prefix() for _ in range(2000)}
        return tuple(sorted(prefix for prefix in drawn if len(prefix) == 2))

    @cached_property
    def _surnames(self) -> tuple[str, ...]:
        return tuple(sorted({self.generator.last_name() for _ in range(300)}))

    @cached_property
    def _comments(self) -> tuple[tuple[str, ...], ...]:
        streets = [self.generator.street_name() for _ in range(_STREETS)]
        return tuple(
            tuple(
                opening + text.format(street=street)
                for text in templates
                for street in streets
                for opening in _OPENINGS
            )
            for templates in (_LOW, _MIDDLE, _HIGH)
        )

    def comment_pools(self) -> tuple[tuple[str, ...], ...]:
        """Low, middle and high comments: each with every opening and some invented streets."""
        return self._comments

    def comment_codes(self) -> dict[str, str]:
        """The true code of every comment of the pools."""
        codes = (code for pool in (_LOW, _MIDDLE, _HIGH) for code in pool.values())
        texts = (text for pool in self._comments for text in pool)
        per_code = _STREETS * len(_OPENINGS)
        return {text: code for code in codes for text in islice(texts, per_code)}

    def place(self, kind: str, rng: np.random.Generator | None = None) -> str:
        """A sampling point or venue; with `rng` the draws are its own."""
        endings = _ENDINGS[kind]
        first = self._surnames if endings[0].startswith("家") else self._prefixes
        return self._pick(first, rng) + self._pick(endings, rng)

    def comment(self) -> str:
        """What somebody writes at the end of an interview."""
        return str(self.random_element(self.random_element(self._comments)))

    def complaint(self) -> str:
        """What somebody writes who is not satisfied."""
        return str(self.random_element(self._comments[0]))

    def _pick(self, texts: Sequence[str], rng: np.random.Generator | None) -> str:
        return texts[
            self.random_int(0, len(texts) - 1) if rng is None else int(rng.integers(len(texts)))
        ]


def inventor(seed: int) -> Faker:
    """Return a source of Chinese names and of the texts above."""
    faker = Faker("zh_CN")
    faker.add_provider(SurveyProvider)
    faker.seed_instance(seed)
    return faker
