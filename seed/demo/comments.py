"""Open comments: what people write at the end, in the tone of their scores."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from faker import Faker

SHARE = 0.07
"""Of all respondents; the others leave the question empty."""

_LOW = (
    "{street}一带停车太难，希望多建一些停车场。",
    "上个月在{street}的一家店买到的东西质量不好，退货推来推去。",
    "有的商家广告说得好听，到店里完全是另一回事。",
    "预付卡办了以后店就关门了，钱要不回来，希望管一管。",
    "投诉以后等了很久才有人回复，希望能快一点。",
    "菜市场缺斤短两的情况还有，建议多设公平秤。",
    "价格不透明，同样的东西隔一条街差很多。",
    "希望加强对{street}附近小餐馆卫生的检查。",
    "维修家电收费太高，而且修了没多久又坏了。",
    "孩子在学校门口买的零食不知道合不合格，不放心。",
    "老人被拉去听讲座买了很多保健品，希望有人管。",
    "村里买到的有些商品牌子像名牌，其实不是，希望多查一查。",
    "快递只送到镇上，取一趟要走很远。",
    "有的景点门口小店强拉客人，价格也高。",
    "扫码点餐对老年人太不方便，应该留人工服务。",
    "培训班退费太难了，合同上写得也不清楚。",
    "付款以后经常收到推销电话，担心个人信息泄露。",
    "售后电话总是打不通。",
)
_MIDDLE = (
    "总体还可以，希望{street}这边多几家大超市。",
    "希望多宣传一些维权知识，很多人不知道怎么投诉。",
    "公共厕所再多一些就好了。",
    "商场节假日人太多，休息的座位不够。",
    "消费券不错，就是抢不到，希望多发一些。",
    "以旧换新的手续能不能再简单一点。",
    "希望农贸市场的环境再改善一下。",
    "希望多一些适合老年人的商店和服务。",
    "晚上的公交早一点收车，逛完街回家不方便。",
    "希望价格标得更清楚一些。",
    "文化演出可以再多一些，票价低一点。",
    "希望定期公布不合格商品的名单。",
    "新开的商场不错，周边交通要跟上。",
    "希望乡镇也有正规的家电维修点。",
)
_HIGH = (
    "在{street}买东西很方便，服务也好。",
    "这两年消费环境明显变好了，继续保持。",
    "商家讲诚信，退换货都很痛快。",
    "12315处理得很快，给工作人员点赞。",
    "东西种类多，价格也公道，很满意。",
    "社区常有消费知识讲座，很有用。",
    "买菜、吃饭、看病都方便，没什么意见。",
    "市场里有公平秤，放心。",
    "孩子玩的地方多了，也更安全了。",
    "对现在的消费环境很满意。",
    "服务员态度好，环境干净。",
    "送货上门很快，售后也有保障。",
)
_OPENINGS = ("", "", "", "说一点：", "实话实说，", "个人感受，", "住在这里好几年了，")
_VARIANTS = 12


@lru_cache(maxsize=1)
def _build_pools() -> tuple[tuple[str, ...], ...]:
    """Return low, middle and high comments: each template with openings and invented streets."""
    faker = Faker("zh_CN")
    faker.seed_instance(20_240_317)
    streets = [faker.street_name() for _ in range(_VARIANTS)]
    return tuple(
        tuple(
            opening + text.format(street=street)
            for text in templates
            for street in streets
            for opening in _OPENINGS
        )
        for templates in (_LOW, _MIDDLE, _HIGH)
    )


def comments(level: npt.NDArray[np.float64], rng: np.random.Generator) -> list[str | None]:
    """A comment, or None, for each person; `level` is their mean answer from 1 to 10."""
    tone = np.digitize(level + rng.normal(0, 1.2, len(level)), (6.8, 8.6))
    writes = rng.random(len(level)) < SHARE
    pools = _build_pools()
    chosen = rng.random(len(level))
    return [
        pools[t][int(c * len(pools[t]))] if w else None
        for t, c, w in zip(tone.tolist(), chosen.tolist(), writes.tolist(), strict=True)
    ]
