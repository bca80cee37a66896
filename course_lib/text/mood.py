"""What a Chinese reader knows before the first label: words that praise and words that complain.

The lists were written for this course from knowledge of the language, not picked by looking at labels. `mood` counts them and turns them
round after a negation, so it judges a review without any training; zh-bert learns from it in the last part of its training
(`training/recipes/zh_bert.py`), as sentiment words teach SKEP (Tian et al. 2020, arXiv:2005.05635).
"""
from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["COMPLAINT", "PRAISE", "Mood", "mood"]

PRAISE = """
很好 不错 非常好 挺好 蛮好 真好 太好 极好 最好的 很棒 真棒 超棒 太棒 棒极 赞 给力 完美 优秀 出色 一流 上乘 优质 满意 喜欢 喜爱 热爱 偏爱 推荐
值得 超值 物超所值 物有所值 划算 实惠 便宜 性价比高 好评 五星 首选 放心 信赖 信任 可靠 感谢 谢谢 感激 支持 惊喜 高兴 开心 快乐 愉快 愉悦 幸福 幸运
欣慰 庆幸 漂亮 美丽 美观 好看 大方 精美 精致 时尚 优雅 典雅 别致 新颖 华丽 豪华 气派 迷人 可爱 帅气 小巧 轻巧 轻便 便携 轻薄 做工好 做工精细 结实
耐用 舒适 舒服 温馨 宽敞 明亮 整洁 干净 清洁 卫生 安静 宁静 清静 幽静 清新 热情 周到 亲切 友好 友善 礼貌 耐心 细心 贴心 体贴 专业 敬业 负责
效率高 及时 迅速 方便 便利 便捷 交通便利 位置好 齐全 丰富 美味 好吃 可口 新鲜 下次还 还会再来 还会来 再次入住 会再去 常来 宾至如归 流畅 流利 稳定
静音 清晰 灵敏 强大 强劲 省电 好用 易用 实用 合理 合适 耐看 散热好 速度快 很快 超快 高档 精彩 经典 好书 感动 动人 感人 震撼 温暖 温情 治愈 深刻
深邃 细腻 细致 优美 朴实 真实 真诚 真挚 真情 纯真 生动 幽默 风趣 有趣 有意思 好玩 引人入胜 爱不释手 一口气 百看不厌 回味 耐人寻味 意味深长 通俗 易懂
深入浅出 简洁 明了 透彻 精辟 独到 独特 智慧 睿智 受益 受益匪浅 启发 启迪 启示 收获 帮助 有益 有用 感悟 领悟 共鸣 成长 励志 佩服 敬佩 钦佩 欣赏
赞叹 赞赏 称赞 了不起 伟大 杰出 难得 向往 期待 珍藏 收藏 津津有味 妙趣横生 栩栩如生 淋漓尽致 名不虚传 恰到好处 物美价廉 身临其境
""".split()

COMPLAINT = """
不好 不行 很差 太差 较差 极差 最差 差劲 差得 糟糕 糟透 很糟 太糟 太烂 很烂 烂书 垃圾 破烂 低劣 劣质 恶劣 拙劣 低级 低俗 庸俗 恶俗 失败 失望 绝望
后悔 遗憾 可惜 不满 不爽 不值 不足 缺点 缺陷 缺憾 毛病 瑕疵 败笔 弊端 麻烦 郁闷 气愤 气死 生气 愤怒 恼火 火大 无语 无奈 倒霉 晕倒 狂晕 汗颜 讨厌
厌恶 恶心 反感 烦人 心烦 烦躁 难受 痛苦 可恶 可恨 可怕 恐怖 可悲 可笑 荒唐 荒谬 离谱 过分 无耻 无理 太贵 偏贵 好贵 昂贵 偏高 浪费 上当 受骗 骗人
骗钱 骗子 欺骗 欺诈 被骗 忽悠 宰客 坑人 虚假 假货 盗版 翻新 水货 名不副实 言过其实 徒有虚名 华而不实 夸大 吹嘘 炒作 误导 抄袭 拼凑 胡编 胡扯 胡说
瞎编 千万别 别买 别住 慎买 慎入 不推荐 不建议 不会再 再也不 不再来 没意思 没劲 没用 无用 无趣 无聊 枯燥 乏味 沉闷 单调 空洞 空泛 肤浅 浅薄 浮浅
平庸 平淡 牵强 生硬 晦涩 难懂 不知所云 莫名其妙 语无伦次 看不懂 看不下去 读不下去 罗嗦 啰嗦 废话 唠叨 冗长 拖沓 拖拉 混乱 杂乱 乱七八糟 粗糙 粗制滥造
简陋 陈旧 破旧 老旧 老化 过时 陈腐 幼稚 矫情 做作 造作 无病呻吟 自恋 自大 错别字 错误百出 漏洞百出 缺页 掉页 破损 破碎 褶皱 污渍 太小 太吵 很吵
吵闹 吵死 嘈杂 噪音 噪声 太脏 很脏 肮脏 脏乱 发霉 霉味 异味 怪味 臭味 难闻 烟味 潮湿 昏暗 阴暗 漏水 蟑螂 蚊子 老鼠 隔音差 隔音不好 隔音效果差 冷漠
冷淡 冷冰冰 傲慢 敷衍 推卸 推脱 推诿 怠慢 爱理不理 态度差 服务差 死机 蓝屏 黑屏 花屏 重启 坏点 掉漆 划痕 松动 烫手 太烫 很烫 发烫 太热 很热 太慢
很慢 缓慢 迟钝 卡死 很卡 太卡 模糊 刺眼 偏暗 故障 坏了 坏掉 返修 退货 退款 退房 投诉 维权 换货 缺货 延误 拖延 损坏 难看 难吃 难用 很丑 太丑
丑陋 难以 无法 居然 竟然 根本 凑合 勉强 将就 一般 不如 鸡肋 不负责任 没人管 没人理 不合格 不专业 不人性化 不稳定 不兼容 不支持
""".split()

_NEGATIONS = "不太|不够|不是很|不是太|不怎么|谈不上|算不上|没什么|没有|没|不|无|未|毫无|并非|别"
_WORDS = {word: 1 for word in PRAISE} | {word: -1 for word in COMPLAINT}
_PATTERN = re.compile(rf"({_NEGATIONS})?({'|'.join(sorted(_WORDS, key=len, reverse=True))})")


@dataclass(frozen=True)
class Mood:
    """score: words of praise less words of complaint, each word once; spans: where they stand, [start, end) in characters."""

    score: int
    spans: tuple[tuple[int, int], ...]


def mood(text: str) -> Mood:
    """Count the mood words of a Chinese text; after a negation a word counts for the other side.

    >>> mood("房间不太干净，但服务很好，位置好。").score
    1
    """
    found = list(_PATTERN.finditer(text))
    signs = {match.group(): -_WORDS[match.group(2)] if match.group(1) else _WORDS[match.group(2)] for match in found}
    return Mood(sum(signs.values()), tuple(match.span() for match in found))
