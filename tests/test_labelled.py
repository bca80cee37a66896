"""CSV files as people have them: encodings, separators, quotes, labels."""

import csv

import pytest

from course_lib import i18n, text
from course_lib.text.encodings import Ambiguous, decode

CHINESE = ("房间干净，早餐也不错", "隔音太差，一夜没睡好", "前台很热情", "毛巾有味道，不会再住")
TAIWANESE = ("房間乾淨，早餐也不錯", "隔音太差，一夜沒睡好", "櫃檯很熱情", "毛巾有味道，不會再住")
JAPANESE = (
    "朝ごはんがおいしい宿でした",
    "となりの音がうるさくて眠れない",
    "受付の人がやさしい",
    "タオルがくさい",
)
KOREAN = (
    "아침 식사가 맛있는 숙소였습니다",
    "옆방 소리가 시끄러워서 잠을 못 잤어요",
    "직원이 친절해요",
    "수건에서 냄새가 나요",
)
RUSSIAN = ("вкусный завтрак", "шумные соседи, не выспались", "вежливый персонал", "грязные полотенца")
FRENCH = (
    "petit déjeuner très bon",
    "voisins bruyants, à éviter",
    "accueil chaleureux, bien placé",
    "serviettes usées, hôtel négligé",
)
WRITTEN = [
    ("gb18030", CHINESE),
    ("big5", TAIWANESE),
    ("cp932", JAPANESE),
    ("euc_jp", JAPANESE),
    ("iso2022_jp", JAPANESE),
    ("cp949", KOREAN),
    ("cp1251", RUSSIAN),
    ("koi8-r", RUSSIAN),
    ("cp1252", FRENCH),
    ("mac_roman", FRENCH),
]


@pytest.fixture
def write(tmp_path):
    i18n.set_language("en")

    def write(content, name="mine.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("encoding, texts", WRITTEN, ids=[encoding for encoding, _ in WRITTEN])
def test_an_encoding_is_read_right_or_asked_for_never_guessed(encoding, texts, rows):
    for first in range(len(texts) - rows + 1):
        content = "text,label\n" + "".join(
            f'"{line}",{i % 2}\n' for i, line in enumerate(texts[first : first + rows])
        )
        try:
            assert decode(content.encode(encoding)) == content
        except Ambiguous as asked:
            assert content in asked.readings.values(), "what is right is among what is shown"


@pytest.mark.parametrize("encoding, texts", WRITTEN[:8])
def test_four_rows_are_enough_for_the_scripts_of_the_east(encoding, texts):
    content = "text,label\n" + "".join(f'"{line}",{i % 2}\n' for i, line in enumerate(texts))
    assert decode(content.encode(encoding)) == content


def test_what_is_not_sure_is_shown_and_asked(write):
    path = write("text,label\nbien placé,1\nusé,0\n".encode("cp1252"))
    with pytest.raises(text.CsvError) as asked:
        text.labelled_csv(path)
    assert (
        'encoding="cp1252"  bien placé,1' in str(asked.value)
        and asked.value.message.zh.count("encoding=") >= 3
    )
    assert text.labelled_csv(path, encoding="cp1252").texts == ("bien placé", "usé")
    with pytest.raises(text.CsvError, match="line 2: this is not in the encoding utf-8"):
        text.labelled_csv(path, encoding="utf-8")
    with pytest.raises(text.CsvError, match="no encoding latin-99"):
        text.labelled_csv(path, encoding="latin-99")


@pytest.mark.parametrize(
    "content",
    [
        "text;label\na, b;1\nc;0\n",
        "text\tlabel\na, b\t1\nc\t0\n",
        "text|label\na, b|1\nc|0\n",
        "sep=;\r\ntext;label\r\na, b;1\r\nc;0\r\n",
        '\ufefftext,label\r"a, b",1\rc,0\r',
        'Ｔｅｘｔ, LABEL ,,\n"a, b",1,,\n\n,,,\nc,0,,',
        "text\tlabel\r\na, b\t1\r\nc\t0\r\n".encode("utf-16"),
    ],
)
def test_spreadsheets_of_other_countries_are_read(write, content, capsys):
    mine = text.labelled_csv(write(content))
    assert (
        mine.texts == ("a, b", "c")
        and mine.names == ("0", "1")
        and mine.skipped == ()
        and not capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "content, words",
    [
        (
            "text,label\ngood,1\nnice, will come again,1\nbad,0\n",
            "line 3: 3 fields where the first line has 2",
        ),
        ('text,label\n"two\nlines",1\nbad, very,0\n', "line 4: 3 fields"),
        ("text,label,text\na,1,b\n", "names the column text 2 times"),
        ("text,Label,label\na,1,b\n", "names the column label 2 times"),
        ("text,label\na,1\nb,1.0\nc,0\n", "'1' in line 2 and '1.0' in line 3"),
        ("text,label\na,Pos\nb,neg\nc,pos\n", "'Pos' in line 2 and 'pos' in line 4"),
        ("text,label\na,１\nb,1\nc,0\n", "in line 2 and '1' in line 3"),
        ("text,label\na,pos\nb,po\u200bs\nc,neg\n", "two spellings"),
        ('text,label\na,1\n"b,0\nc,1\n', "from line 3 on the quotes do not match"),
        ('text,label\n"a" b,1\nc,0\n', "from line 2 on the quotes"),
        ('text,label\n"' + "x,1\n" * 60_000, "from line 2 on the quotes"),
        ("text，label\na，1\n", "full-width comma"),
        ("text,label\na;1\nb;0\n", "is the separator of its rows"),
        ("text,label\na,1\nb\0,0\n", "line 3: a NUL"),
        (b"PK\x03\x04\x14\x00\x06\x00", r"Excel \(.xlsx\)"),
        (b"\xd0\xcf\x11\xe0", r"Excel \(.xls\)"),
        ('[{"text": "a"}]', "JSON"),
        (
            "text,label\n早餐很好，房间很干净,1\n隔壁很吵，一夜没有睡好,0\n".encode()
            + "不错,1\n".encode("gbk"),
            "line 4: this is not in the encoding utf-8",
        ),
        ("text,label\na,1\nb,0\n".encode("utf-16-be"), 'encoding="utf-16-be"  text,label'),
        (bytes(range(128, 256)) * 3, "encoding"),
    ],
)
def test_what_would_train_on_nonsense_is_said_with_its_line(write, content, words):
    with pytest.raises(text.CsvError, match=words):
        text.labelled_csv(write(content))


def test_a_text_of_any_length_is_read_and_the_limit_of_csv_is_left_alone(write):
    limit = csv.field_size_limit()
    assert len(text.labelled_csv(write("text,label\n" + "字" * 140_000 + ",1\n短,0\n")).texts[0]) == 140_000
    assert csv.field_size_limit() == limit


def test_rows_that_are_skipped_are_counted_and_said(write, capsys):
    mine = text.labelled_csv(write('text,label\na,1\nb\n"c\nd",0\n,1\n\ne,\n'))
    assert mine.skipped == (3, 6, 8) and repr(mine) == "Labelled(2 texts, labels 0, 1; 3 rows skipped)"
    assert "2 rows read, 3 skipped for want of text or label (lines 3, 6, 8)" in capsys.readouterr().out
