"""Text to learn from: labelled reviews, a tagged newspaper month, parallel sentences, letters to a shop, an
invented handbook, a file of your own, two games; and the tokenizers made from them.

    from course_lib import text
    text.reviews().train[0]             # Review(text='...', label=0)
    text.newspaper().train[0].words     # ('迈向', '充满', '希望', ...)
    text.handbook().notes[0].en         # 'On weekdays the Harbour Library opens at 9:40 ...'
    text.parallel().test[0]             # Pair(zh='...', fr='...', en='...', ...)
    text.mood("房间不干净").score        # -1: a word of praise, negated

Every corpus is a `Corpus`: fixed splits `train`, `valid`, `test`, and `funnel`, what cleaning kept of the raw
lines.
"""

from .bpe import train_bpe
from .choices import Item, exam
from .corpora import Dispatch, Paragraph, Review, dispatches, newspaper, reviews
from .corpus import Corpus, normalize, split_of
from .games import RecallGame, TranslationGame
from .island import Errand, Fact, Handbook, Note, Question, Story, errands, facts, gazette, handbook, states
from .labelled import CsvError, Labelled, labelled_csv
from .letters import KINDS, Request, requests
from .mood_words import Mood, mood
from .names import (
    Entity,
    Judged,
    NameList,
    NameTagger,
    Office,
    entities,
    judged_offices,
    names_together,
    offices,
)
from .numerals import number_words
from .sounds import alternates, rhyme, rhymes, tones
from .tables import books, glossary
from .translations import Pair, ParallelCorpus, most_alike, parallel
from .verse import Poem, poems
from .vocab import sentence_tokenizer

__all__ = [
    "Corpus",
    "CsvError",
    "Dispatch",
    "Entity",
    "Errand",
    "Fact",
    "Handbook",
    "Item",
    "Judged",
    "KINDS",
    "Labelled",
    "Mood",
    "NameList",
    "NameTagger",
    "Note",
    "Office",
    "Pair",
    "Paragraph",
    "ParallelCorpus",
    "Poem",
    "Question",
    "RecallGame",
    "Request",
    "Review",
    "Story",
    "TranslationGame",
    "alternates",
    "books",
    "dispatches",
    "entities",
    "errands",
    "exam",
    "facts",
    "gazette",
    "glossary",
    "handbook",
    "judged_offices",
    "labelled_csv",
    "mood",
    "most_alike",
    "names_together",
    "newspaper",
    "normalize",
    "number_words",
    "offices",
    "parallel",
    "poems",
    "requests",
    "reviews",
    "rhyme",
    "rhymes",
    "sentence_tokenizer",
    "split_of",
    "states",
    "tones",
    "train_bpe",
]
