"""evaluate.bradley_terry: strengths from wins."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def bradley_terry(wins, iterations):
    """Strengths of players from pairwise wins: P(i beats j) = p_i / (p_i + p_j) (Bradley and Terry 1952).

    wins: float [K, K], wins[i, j] = how often i beat j; the diagonal is ignored. Returns strengths [K] that sum to 1. From 1/K, in each iteration all at
    once: p_i = wins of i / sum over j of games_ij / (p_i + p_j), then divide by the sum. Pairs without games add 0; a player without games raises
    ValueError, whatever iterations is.
    """
    wins = wins.clone().fill_diagonal_(0)
    games = wins + wins.T                                      # [K, K]
    if (games.sum(1) == 0).any():
        raise ValueError("every player needs a game")
    p = torch.full_like(wins[0], 1 / len(wins))
    won = wins.sum(1)
    for _ in range(iterations):
        faced = torch.where(games > 0, games / (p[:, None] + p), 0)
        p = won / faced.sum(1)
        p = p / p.sum()
    return p


def _table(wins):
    """Wins without the diagonal, and the games, in float64."""
    wins = wins.double() * (1 - torch.eye(len(wins), dtype=torch.float64))
    if ((wins + wins.T).sum(0) <= 0).any():
        raise ValueError("no games")
    return wins, wins + wins.T


def bt_loops(wins, iterations):
    table, games = (x.tolist() for x in _table(wins))
    K = len(table)
    p = [1 / K] * K
    for _ in range(iterations):
        new = []
        for i in range(K):
            faced = sum(games[i][j] / (p[i] + p[j]) for j in range(K) if games[i][j])
            new.append(sum(table[i]) / faced)
        p = [x / sum(new) for x in new]
    return torch.tensor(p)


def bt_expected_wins(wins, iterations):
    """The same step as: p times wins over expected wins."""
    table, games = _table(wins)
    p = torch.full((len(table),), 1 / len(table), dtype=torch.float64)
    for _ in range(iterations):
        beats = torch.nan_to_num(p[:, None] / (p[:, None] + p[None]))
        expected = (games * beats).sum(-1)
        p = torch.nan_to_num(p * table.sum(-1) / expected)
        p /= p.sum()
    return p


def bt_normalised_at_the_end(wins, iterations):
    """A step scales with the strengths, so one division at the end does."""
    table, games = _table(wins)
    p = torch.ones(len(table), dtype=torch.float64)
    for _ in range(iterations):
        p = table.sum(1) / torch.nan_to_num(games / (p[None] + p[:, None])).sum(1)
    return p / p.sum()


def bt_numpy(wins, iterations):
    import numpy as np
    w = wins.double().numpy().copy()
    np.fill_diagonal(w, 0)
    n = w + w.T
    if not n.any(axis=1).all():
        raise ValueError("a player without games")
    p = np.ones(len(w)) / len(w)
    for _ in range(iterations):
        sums = np.add.outer(p, p)
        faced = np.divide(n, sums, out=np.zeros_like(n), where=n > 0).sum(1)
        p = w.sum(1) / faced
        p = p / p.sum()
    return p


def bt_recursive(wins, iterations):
    table, games = _table(wins)
    if iterations == 0:
        return torch.ones(len(table)) / len(table)
    p = bt_recursive(wins, iterations - 1).double()
    faced = games.clone()
    faced[games > 0] /= (p[:, None] + p)[games > 0]
    return torch.nn.functional.normalize(table.sum(dim=1) / faced.sum(dim=1), p=1, dim=0)


def bt_pairs(wins, iterations):
    """Over the pairs that have met, once each."""
    table, games = _table(wins)
    i, j = torch.triu(games).nonzero().T
    p = torch.full((len(table),), 1.0 / len(table), dtype=torch.float64)
    for _ in range(iterations):
        part = games[i, j] / (p[i] + p[j])
        faced = torch.zeros_like(p).index_add(0, i, part).index_add(0, j, part)
        p = table.sum(1).div(faced)
        p = p.div(p.sum())
    return p


def _cases(draw: Draw) -> list[Case]:
    def league(K: int, top: int):
        return draw.ints(top, K, K, low=1).float().fill_diagonal_(0)

    apart = torch.tensor([[0.0, 4, 0, 0], [1, 0, 3, 0], [0, 2, 0, 5], [0, 0, 2, 0]])             # only neighbours have met
    losers = torch.tensor([[0.0, 3, 2, 4], [1, 0, 1, 2], [0, 0, 0, 0], [0, 0, 0, 0]])            # two never win, and never met
    holes, own, bad = L(zh="没有交过手的对", en="pairs that never met"), L(zh="对角线不是 0", en="a diagonal that is not 0"), L(zh="没有比赛的选手", en="a player without games")
    diagonal = league(4, 6) + torch.diag(torch.tensor([9.0, 0.0, 4.0, 30.0]))
    alone = torch.tensor([[0.0, 2, 0], [1, 0, 0], [0, 0, 7.0]])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[0.0, 3, 1], [1, 0, 2], [1, 0, 0]]), 1)),
        Case(L(zh="K=2，3 步", en="K=2, 3 iterations"), (torch.tensor([[0.0, 6], [2, 0]]), 3)),
        Case(L(zh="K=4，2 步", en="K=4, 2 iterations"), (league(4, 9), 2)),
        Case(L(zh="K=5，7 步", en="K=5, 7 iterations"), (league(5, 20), 7)),
        Case(L(zh="K=6，60 步", en="K=6, 60 iterations"), (league(6, 12), 60)),
        Case(L(zh="只和邻居比过，4 步", en="only neighbours have met, 4 iterations"), (apart, 4), holes),
        Case(L(zh="两个从没赢过，3 步", en="two never win, 3 iterations"), (losers, 3), holes),
        Case(L(zh="一个从没赢过，5 步", en="one never wins, 5 iterations"), (torch.tensor([[0.0, 2, 5], [3, 0, 1], [0, 0, 0]]), 5), L(zh="没赢过的选手", en="a player who never wins")),
        Case(L(zh="对角线上有数，3 步", en="numbers on the diagonal, 3 iterations"), (diagonal, 3), own),
        Case(L(zh="iterations=0", en="iterations=0"), (league(5, 4), 0), L(zh="iterations=0", en="iterations=0")),
        Case(L(zh="很多比赛，6 步", en="very many games, 6 iterations"), (league(3, 50) * 1000, 6)),
        Case(L(zh="半场也算，2 步", en="half games count, 2 iterations"), (league(4, 7) / 2 + 0.5 - 0.5 * torch.eye(4), 2)),
        Case(L(zh="有人没有比赛，3 步", en="a player without games, 3 iterations"), (alone, 3), bad),
        Case(L(zh="有人没有比赛，0 步", en="a player without games, 0 iterations"), (alone, 0), bad),
        Case(L(zh="没有人比过赛", en="nobody has played"), (torch.zeros(3, 3), 2), bad),
    ]


_STEP = L(zh="p_i = i 赢的总次数 / Σ_j games_ij / (p_i + p_j)，games_ij 是两人一共比了几场。", en="p_i = wins of i / Σ_j games_ij / (p_i + p_j), games_ij being how often the two met.")
_WINS = L(zh="wins 的第 i 行是 i 赢的次数，第 i 列是 i 输的次数。", en="Row i of wins holds the wins of i, column i the losses.")
_SUM = L(zh="每一步最后都除以总和：结果加起来是 1。", en="Every iteration ends with a division by the sum: the result sums to 1.")
_ALL = L(zh="一步里全部用旧的 p；算完再一起换。从 1/K 开始，正好 iterations 步。", en="An iteration uses the old p throughout and replaces all at the end. It starts from 1/K and runs exactly iterations times.")
_OWN = L(zh="对角线不算：自己没有和自己比过。", en="The diagonal does not count: nobody plays themselves.")
_ERRORS = L(zh="哪个选手一场也没有（对角线不算），就抛 ValueError，iterations = 0 时也一样。", en="A player without a single game, the diagonal not counted, raises ValueError, also where iterations = 0.")
_FACED, _UPDATE, _SCALE = "torch.where(games > 0, games / (p[:, None] + p), 0)", "p = won / faced.sum(1)", "p = p / p.sum()"
_START, _CHECK, _CLEAN = "torch.full_like(wins[0], 1 / len(wins))", "(games.sum(1) == 0).any()", "wins.clone().fill_diagonal_(0)"


def _one_by_one(wins, iterations):
    table, games = (x.tolist() for x in _table(wins))
    K = len(table)
    p = [1 / K] * K
    for _ in range(iterations):
        for i in range(K):
            p[i] = sum(table[i]) / sum(games[i][j] / (p[i] + p[j]) for j in range(K) if games[i][j])
        total = sum(p)
        p = [x / total for x in p]
    return torch.tensor(p)


EXERCISE = Exercise(
    id="evaluate.bradley_terry", title=L(zh="布拉德利–特里：从胜负到实力", en="Bradley–Terry: from wins to strengths"), reference=bradley_terry, returns=Array("K"), cases=_cases,
    hints=(
        L(zh="先准备三样：去掉对角线的 wins、两人一共比了几场 games = wins + wins.T、每人赢了几场。",
          en="Prepare three things: wins without its diagonal, how often two have met, games = wins + wins.T, and how often each has won."),
        L(zh="`p[:, None] + p` 是 [K, K]，第 i 行第 j 列是 p_i + p_j。games 除以它，按行相加，就是分母。", en="`p[:, None] + p` is [K, K] with p_i + p_j in row i, column j. Divide games by it and sum each row: the denominator."),
        L(zh="没赢过的人 p = 0，0/0 是 nan：`torch.where(games > 0, …, 0)`。没有比赛的人在循环之前就查。",
          en="Who never wins has p = 0, and 0/0 is nan: `torch.where(games > 0, …, 0)`. Look for players without games before the loop."),
    ),
    mistakes=(
        Mistake("bt-losses", L(zh="数的是输的次数：行和列颠倒", en="losses are counted: rows and columns are exchanged"), _WINS, ("won = wins.sum(1)", "won = wins.sum(0)"), skill="axis", hint=1),
        Mistake("bt-win-rate", L(zh="返回的是胜率，归一到 1（只走一步也正是它）", en="win rates are returned, made to sum to 1 (which is also what a single iteration gives)"), _STEP, (_UPDATE, "p = won / games.sum(1)"),
                skill="formula", also=((("range(iterations)", "range(min(iterations, 1))"),),)),
        Mistake("bt-win-share", L(zh="返回的是各人赢的次数占总数的比例", en="each player's share of all wins is returned"), _STEP, (_UPDATE, "p = won"), skill="formula"),
        Mistake("bt-games-wins", L(zh="games 只是 wins，没有加上输的", en="games are the wins alone, without the losses"), _STEP, ("games = wins + wins.T", "games = wins"), skill="formula", hint=1),
        Mistake("bt-games-losses", L(zh="games 只是输的场次", en="games are the losses alone"), _STEP, ("games = wins + wins.T", "games = wins.T"), skill="formula", hint=1),
        Mistake("bt-sequential", L(zh="一个一个地更新：后面的人用上了新的 p", en="players are updated one after another, later ones from new strengths"), _ALL, program=_one_by_one, convention=True, skill="alias"),
        Mistake("bt-no-normalise", L(zh="没有除以总和", en="nothing is divided by the sum"), _SUM, (_SCALE, "p = p"), skill="scale", hint=3),
        Mistake("bt-max", L(zh="除以的是最大值", en="strengths are divided by the largest"), _SUM, (_SCALE, "p = p / p.max()"), skill="scale", hint=3),
        Mistake("bt-length", L(zh="除以的是长度：平方和成了 1", en="strengths are divided by their norm: the squares sum to 1"), _SUM, (_SCALE, "p = p / p.norm()"), skill="scale", hint=3),
        Mistake("bt-softmax", L(zh="用 softmax 归一", en="softmax is used to make the sum 1"), _SUM, (_SCALE, "p = p.softmax(0)"), skill="formula", hint=3),
        Mistake("bt-diagonal", L(zh="对角线也算成了比赛", en="the diagonal counts as games"), _OWN, (_CLEAN, "wins.clone()"), skill="edge", hint=1),
        Mistake("bt-start-one", L(zh="从 1 开始，不是 1/K", en="it starts from 1, not from 1/K"), _ALL, (_START, "torch.ones_like(wins[0])"), skill="edge", hint=1),
        Mistake("bt-one-more", L(zh="多走了一步", en="one iteration too many"), _ALL, ("range(iterations)", "range(iterations + 1)"), skill="shift", hint=1),
        Mistake("bt-one-less", L(zh="少走了一步", en="one iteration too few"), _ALL, ("range(iterations)", "range(iterations - 1)"), skill="shift", hint=1),
        Mistake("bt-not-a-number", L(zh="没有交过手、又都没赢过的两人，0/0 成了 nan", en="where two never met and never won, 0/0 gives nan"), L(zh="没有交过手的对加 0。", en="Pairs that never met add 0."),
                (_FACED, "games / (p[:, None] + p)"), skill="stability", hint=3),
        Mistake("bt-expected", L(zh="分母里多了一个 p_i：赢的次数除以了预期赢的次数", en="the denominator has a p_i too many: wins are divided by expected wins"), _STEP,
                (_FACED, "torch.where(games > 0, games * p[:, None] / (p[:, None] + p), 0)"), skill="formula"),
        Mistake("bt-opponent", L(zh="分母里是 p_j，不是 p_i + p_j", en="p_j stands in the denominator, not p_i + p_j"), _STEP, (_FACED, "torch.where(games > 0, games / p, 0)"), skill="formula"),
        Mistake("bt-own-only", L(zh="分母里是 p_i，不是 p_i + p_j", en="p_i stands in the denominator, not p_i + p_j"), _STEP, (_FACED, "torch.where(games > 0, games / p[:, None], 0)"), skill="formula"),
        Mistake("bt-product", L(zh="分母里是 p_i · p_j，不是和", en="the denominator holds the product p_i · p_j, not the sum"), _STEP, ("games / (p[:, None] + p)", "games / (p[:, None] * p)"), skill="formula"),
        Mistake("bt-multiplied", L(zh="games 乘了 p_i + p_j，没有除", en="games are multiplied by p_i + p_j, not divided"), _STEP, ("games / (p[:, None] + p)", "games * (p[:, None] + p)"), skill="formula"),
        Mistake("bt-logs", L(zh="返回的是实力的对数", en="logarithms of the strengths are returned"), L(zh="题目要加起来是 1 的实力。", en="The task asks for strengths that sum to 1."), ("return p", "return p.log()"), convention=True, skill="formula", hint=3),
        Mistake("bt-smoothed", L(zh="每一对都先加了一场胜利", en="every pair gets an extra win first"), _STEP, (_CLEAN, "(wins + 1).fill_diagonal_(0)"), skill="count", hint=1),
        Mistake("bt-no-error", L(zh="没有比赛的选手没有被拒绝", en="a player without games is not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", hint=3, also=(
            ((f"if {_CHECK}:", f"if iterations and {_CHECK}:"),),)),
        Mistake("bt-no-wins-refused", L(zh="没赢过的选手也被拒绝了", en="a player who never wins is refused as well"), _ERRORS, (_CHECK, "(wins.sum(1) == 0).any()"), skill="edge", hint=3),
    ),
    alternatives=(bt_loops, bt_expected_wins, bt_normalised_at_the_end, bt_numpy, bt_recursive, bt_pairs),
    think=L(zh="有一个选手全胜。步数不断增加，他的实力会怎样？", en="One player has won every game. What happens to that strength as iterations go on?"),
)
