"""The course's terms, one each in both languages: the prose of every chapter keeps to them."""
from __future__ import annotations

from .i18n import L

__all__ = ["TERMS"]

_PAIRS = """\
词元 token · 分词器 tokenizer · 词表 vocabulary · 词嵌入 embedding · 自注意力 self-attention · 多头注意力 multi-head attention
交叉注意力 cross-attention · 查询/键/值 query/key/value · 注意力头 attention head · 前馈网络 feed-forward network
残差连接 residual connection · 层归一化 layer normalisation · 位置编码 positional encoding · 自回归 autoregressive
掩码语言模型 masked language model · 编码器/解码器 encoder/decoder · 预训练 pre-training · 微调 fine-tuning · 低秩适配 LoRA
交叉熵 cross-entropy · 困惑度 perplexity · 标签平滑 label smoothing · 学习率预热 learning-rate warm-up · 权重衰减 weight decay
暂退法 dropout · 早停 early stopping · 束搜索 beam search · 温度 temperature · 核采样 nucleus (top-p) sampling · 键值缓存 KV cache
量化 quantisation · 剪枝 pruning · 蒸馏 distillation · 检索增强生成 retrieval-augmented generation · 知识图谱 knowledge graph
智能体 agent · 对齐 alignment · 偏好优化 preference optimisation · 联邦学习 federated learning · 元学习 meta-learning
多模态 multimodal · 记忆（训练数据泄露） memorisation · 偏见 bias · 可解释性 interpretability"""

TERMS = tuple(L(*term.split(" ", 1)) for line in _PAIRS.splitlines() for term in line.split(" · "))
