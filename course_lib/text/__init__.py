"""Text to learn from: labelled reviews, a tagged newspaper month, parallel sentences; and the tokenizers made from them.

    from course_lib import text
    text.reviews().train[0]             # Review(text='...', label=0)
    text.newspaper().train[0].words     # ('迈向', '充满', '希望', ...)
    text.parallel().test[0]             # Pair(zh='...', fr='...', en='...', ...)

Every corpus is a `Corpus`: fixed splits `train`, `valid`, `test`, and `funnel`, what cleaning kept of the raw lines.
"""
from .corpora import Paragraph, Review, newspaper, reviews
from .corpus import Corpus, normalize, split_of
from .parallel import Pair, ParallelCorpus, parallel

__all__ = ["Corpus", "Pair", "Paragraph", "ParallelCorpus", "Review", "newspaper", "normalize", "parallel", "reviews", "split_of"]
