"""Plain Chinese sentences about food, written here: the reviews are of books, hotels and computers, the newspaper of 1998,
and a masked model should know what one eats.

The course's own sentence, 「我喜欢吃……，因为它味道很好。」, is never among them.
"""
from __future__ import annotations

from itertools import product

from .corpus import split_of

__all__ = ["food_sentences"]

SUBJECTS = "我 他 她 妈妈 爸爸 孩子 我们 奶奶 大家".split()
VERBS = "喜欢吃 爱吃 想吃 常吃 最爱吃".split()
FOOD = ("鱼 肉 面 菜 饭 虾 糖 梨 饼 瓜 鸡 粥 苹果 香蕉 西瓜 葡萄 橙子 草莓 面条 米饭 饺子 包子 馒头 面包 蛋糕 饼干 豆腐 鸡蛋 "
        "牛肉 羊肉 鸡肉 火锅 海鲜 蔬菜 水果 披萨 烤鸭 点心 巧克力 冰淇淋").split()
REASONS = "它很甜 它很香 它很好吃 它很新鲜 它有营养 它的味道不错 它对身体好 它又香又脆 它便宜 味道非常好 妈妈做得好".split()


def food_sentences() -> list[str]:
    """About 5,000 sentences, a fixed quarter of all combinations."""
    because = [f"{subject}{verb}{food}，因为{reason}。" for subject, verb, food, reason in product(SUBJECTS, VERBS, FOOD, REASONS)]
    taste = [f"{place}{food}{quality}，{subject}很喜欢。" for place, food, quality, subject in
             product(("这家餐馆的", "酒店的", "妈妈做的", "早餐的"), FOOD, ("味道很好", "很好吃", "又香又甜", "做得不错"), SUBJECTS)]
    return [sentence for number, sentence in enumerate(because + taste) if number % 4 == 0 and split_of(sentence) == "train"]
