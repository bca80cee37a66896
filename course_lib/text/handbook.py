"""The handbook of an island that does not exist, in two languages, with questions: no model can have read it.

    book = handbook()
    book.notes[0]               # Note(topic='hours', place='Harbour Library', en='The Harbour Library ...', zh='港口图书馆……')
    book.questions[0]           # Question(kind='words', en='When does ...', zh='……', note=0, answer='17:20', ...)
    book.relevance(q)           # [2, 1, 1, 1, 0, ...]: 2 the note that answers, 1 the same matter at another library

- Everything was invented for this course: people, prices, by-laws, remedies for clockwork birds. What a model answers right it has read here.
- Four libraries share six topics, so that each answer has three near-duplicates that are wrong.
- Each note is asked for twice: "words" repeats its words, "other words" avoids them. "nowhere" questions have no answer in the book.
- `triples` are the facts of the four libraries as (subject, relation, object).
- `errands()` are requests for an assistant with tools, each with the one answer that counts.
- `gazette()` are the island's news: a title, a story and a summary in one sentence. English only: the model that summarises reads English.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Errand", "Handbook", "Note", "Question", "Story", "errands", "gazette", "handbook"]


@dataclass(frozen=True)
class Note:
    """One passage. `place` is "" where it is about no single library."""

    topic: str
    place: str
    en: str
    zh: str


@dataclass(frozen=True)
class Question:
    """`note` is the number of the note that answers, None for kind "nowhere"; `answer` is a short string of that note's English text,
    `wrong` are the strings that stand at its place in the near-duplicates."""

    kind: str
    en: str
    zh: str
    note: int | None
    answer: str = ""
    answer_zh: str = ""
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handbook:
    """All notes, the questions about them, and the libraries' facts as triples."""

    notes: tuple[Note, ...]
    questions: tuple[Question, ...]
    triples: tuple[tuple[str, str, str], ...]

    @property
    def answerable(self) -> tuple[Question, ...]:
        """The questions that some note answers."""
        return tuple(question for question in self.questions if question.note is not None)

    def relevance(self, question: Question) -> list[int]:
        """A grade for every note: 2 it answers, 1 it treats the same matter at another library, 0 it does not help."""
        if question.note is None:
            return [0] * len(self.notes)
        topic = self.notes[question.note].topic
        return [2 if i == question.note else int(note.topic == topic) for i, note in enumerate(self.notes)]


class Errand(NamedTuple):
    """A request that takes a tool: kind "lookup", "calculate", "clock", "search", or "two steps" (a lookup, then a calculation)."""

    kind: str
    text: str
    answer: str


class Story(NamedTuple):
    """One item of the island's newspaper."""

    title: str
    text: str
    summary: str


_PLACES = {"Harbour Library": "港口图书馆", "Mill Library": "磨坊图书馆", "Lighthouse Library": "灯塔图书馆", "Orchard Library": "果园图书馆"}

# topic: (relation, values, answer, note en, note zh, asked with its words en/zh, in other words en/zh); {p} is the library, {0} and {1} are values
_SHARED = {
    "hours": ("closing time", [("9:40", "17:20"), ("10:10", "18:50"), ("8:30", "16:40"), ("11:00", "19:30")], "{1}",
              "On weekdays the {p} opens at {0} and closes at {1}. On holidays the door stays shut.",
              "{p}平日{0}开门，{1}关门。节假日不开放。",
              "When does the {p} close on weekdays?", "{p}平日几点关门？",
              "How late can I sit and read in the {p} on a Tuesday?", "星期二在{p}最晚能看书到什么时候？"),
    "fine": ("late fee", [("3 shells", "三枚贝币"), ("5 shells", "五枚贝币"), ("8 shells", "八枚贝币"), ("2 shells", "两枚贝币")], "{0}",
             "A book returned late to the {p} costs {0} a day. The money is used to mend torn pages.",
             "逾期还书，{p}每天收{1}。这笔钱用来修补破页。",
             "How much does a book returned late to the {p} cost a day?", "逾期还书{p}每天收多少？",
             "I forgot to bring my novel back to the {p}. What must I pay?", "我忘了把小说送回{p}，要罚多少？"),
    "loan": ("loan limit", [("6 books", "六本书"), ("4 books", "四本书"), ("9 books", "九本书"), ("12 books", "十二本书")], "{0}",
             "At the {p} a reader may borrow {0} at a time. Magazines are not counted.",
             "在{p}，读者一次可以借{1}。杂志不算在内。",
             "How many books may a reader borrow at the {p} at a time?", "读者在{p}一次可以借几本书？",
             "What is the most I can take home from the {p}?", "我从{p}最多能带走多少？"),
    "network": ("network password", [("kelpforest", ""), ("greatwheel", ""), ("foghorn", ""), ("russetpear", "")], "{0}",
                "The password of the wireless network at the {p} is {0}. It changes every spring.",
                "{p}的无线网络密码是{0}。每年春天更换。",
                "What is the password of the wireless network at the {p}?", "{p}的无线网络密码是什么？",
                "How do I get my laptop online at the {p}?", "在{p}怎么让笔记本电脑上网？"),
    "head": ("librarian", [("Odette Marsh", "奥黛特·马什"), ("Jonas Reed", "乔纳斯·里德"), ("Petra Vane", "佩特拉·韦恩"), ("Silas Thorn", "赛拉斯·索恩")], "{0}",
             "The librarian in charge of the {p} is {0}. Visitors are received after lunch.",
             "{p}的馆长是{1}。午饭以后接待来访。",
             "Who is the librarian in charge of the {p}?", "{p}的馆长是谁？",
             "To whom do I complain about the noise in the {p}?", "{p}太吵了，我该找谁投诉？"),
    "room": ("seats", [("14 people", "14人"), ("22 people", "22人"), ("7 people", "7人"), ("30 people", "30人")], "{0}",
             "The meeting room of the {p} has seats for {0}. It is booked at the front desk.",
             "{p}的会议室有{1}的座位。在前台预订。",
             "For how many people has the meeting room of the {p} seats?", "{p}的会议室有多少人的座位？",
             "We are a large club. How many of us fit in at the {p}?", "我们社团人很多，{p}坐得下多少？"),
}
_ZH_FIRST = {"hours": 1, "fine": 1, "loan": 1, "network": 0, "head": 1, "room": 1}         # which value is the Chinese answer

# topic, note en, note zh, answer en, answer zh, asked with its words en/zh, in other words en/zh
_SINGLE = [
    ("cat", "The cat of the island archive is called Pumpernickel and sleeps in the drawer with the sea maps.",
     "海岛档案馆的猫叫黑麦，睡在放海图的抽屉里。", "Pumpernickel", "黑麦",
     "What is the cat of the island archive called?", "海岛档案馆的猫叫什么？",
     "Which animal's name should I shout among the old charts?", "在旧图纸中间该喊哪只小动物的名字？"),
    ("boat", "A yellow boat named Marigold brings books to the outer rocks every second Thursday.",
     "一条叫金盏花的黄色小船，隔周的星期四把书送到外礁。", "Marigold", "金盏花",
     "What is the name of the yellow boat that brings books to the outer rocks?", "把书送到外礁的黄色小船叫什么？",
     "Which vessel delivers reading to people beyond the reef?", "海那边的人看的读物由哪艘船运去？"),
    ("card", "A lost reader's card is replaced within two days for 15 shells.",
     "读者证丢了，两天之内补办，收15枚贝币。", "15 shells", "15枚贝币",
     "For how many shells is a lost reader's card replaced?", "读者证丢了补办收多少贝币？",
     "My membership pass fell into the sea. What will another one cost?", "我的借书卡掉进海里了，再要一张得花多少？"),
    ("food", "Sandwiches may be eaten in the winter garden only, and never above an open book.",
     "三明治只能在冬园里吃，而且不许在翻开的书上面吃。", "winter garden", "冬园",
     "Where may sandwiches be eaten?", "三明治可以在哪里吃？",
     "I am hungry. In which corner am I allowed to have lunch?", "我饿了，在哪个角落可以用午餐？"),
    ("squeak", "A clockwork heron that squeaks gets three drops of sunflower oil under the left wing.",
     "发条鹭吱吱响，要在左翅下滴三滴葵花油。", "sunflower oil", "葵花油",
     "What does a clockwork heron that squeaks get under the left wing?", "发条鹭吱吱响，左翅下要滴什么？",
     "My mechanical bird makes a terrible sound when it moves. What is the remedy?", "我的机械鸟一动就发出难听的声音，怎么治？"),
    ("wind", "A clockwork heron is wound with 26 turns of the brass key each morning.",
     "发条鹭每天早晨用铜钥匙上26圈发条。", "26 turns", "26圈",
     "With how many turns of the brass key is a clockwork heron wound?", "发条鹭用铜钥匙上多少圈发条？",
     "How far must the spring of a mechanical bird be tightened?", "机械鸟的弹簧要拧多紧？"),
    ("wet", "A heron that fell into the sea must lie in warm sand for 36 hours before it is wound again.",
     "掉进海里的鹭要在暖沙里放36小时，才能再上发条。", "36 hours", "36小时",
     "For how long must a heron that fell into the sea lie in warm sand?", "掉进海里的鹭要在暖沙里放多久？",
     "My mechanical bird got soaked. When can I start it?", "我的机械鸟湿透了，什么时候能再启动？"),
    ("glow", "A heron whose eyes glow green is taken to Doctor Quill at once.",
     "眼睛发绿光的鹭要立刻送到奎尔医生那里。", "Doctor Quill", "奎尔医生",
     "To whom is a heron whose eyes glow green taken?", "眼睛发绿光的鹭要送到谁那里？",
     "The mechanical bird stares at me with a strange light. Which physician treats this?", "机械鸟瞪着我，目光古怪，该看哪位大夫？"),
    ("whistle", "By-law 17 forbids whistling on the pier after nine in the evening; the penalty is 11 shells.",
     "第17号条例：晚上九点以后不许在码头吹口哨，违者罚11枚贝币。", "11 shells", "11枚贝币",
     "What is the penalty for whistling on the pier after nine in the evening?", "晚上九点以后在码头吹口哨罚多少？",
     "They caught me making music with my lips by the water at night. What do I owe?", "我夜里在水边用嘴唇吹曲子被抓了，要交多少钱？"),
    ("mooring", "By-law 23 allows a boat to be moored at the north quay for 5 hours without a permit.",
     "第23号条例：小船没有许可证，可以在北岸停泊5小时。", "5 hours", "5小时",
     "For how long may a boat be moored at the north quay without a permit?", "小船没有许可证可以在北岸停泊多久？",
     "When must my dinghy leave again if I have no papers?", "我的舢板没有手续，什么时候得开走？"),
    ("kite", "Whoever finds a kite may keep it if nobody asks for it within 40 days.",
     "捡到风筝的人，40天之内没人来认领，就可以留下。", "40 days", "40天",
     "Within how many days must somebody ask for a kite that was found?", "捡到风筝，多少天之内没人认领就可以留下？",
     "A flying toy landed in my garden. When does it become mine?", "一个会飞的玩具落在我院子里，什么时候归我？"),
    ("knots", "The evening course in knots ends with an examination of nine knots, tied blindfold.",
     "绳结夜校结业时，要蒙着眼睛打九种绳结。", "nine knots", "九种绳结",
     "With an examination of how many knots does the evening course in knots end?", "绳结夜校结业时要打几种绳结？",
     "What must I be able to do to graduate from rope school?", "学绳子的学校，会什么才能毕业？"),
    ("lanterns", "Lantern making is taught by Ines Farrow in the old kiln on Wednesdays.",
     "做灯笼的课由伊内丝·法罗星期三在旧窑里教。", "Ines Farrow", "伊内丝·法罗",
     "By whom is lantern making taught?", "做灯笼的课由谁教？",
     "Who can show me how to build a lamp out of paper?", "谁能教我用纸糊一盏灯？"),
    ("comet", "The observatory expects the comet Halvard back in 33 years; its tail is said to be red.",
     "天文台预计哈尔瓦彗星33年后回来，据说它的尾巴是红的。", "33 years", "33年",
     "In how many years does the observatory expect the comet Halvard back?", "天文台预计哈尔瓦彗星多少年后回来？",
     "When will astronomers see the red visitor in the sky again?", "天上的红色来客，看星星的人什么时候再见到？"),
    ("tide", "The tide clock in the market square strikes 50 minutes later every day.",
     "集市广场的潮汐钟每天晚敲50分钟。", "50 minutes", "50分钟",
     "How much later does the tide clock in the market square strike every day?", "集市广场的潮汐钟每天晚敲多久？",
     "By what amount does the bell near the stalls shift from one morning to the next?", "摊位旁边那口钟，一天比一天推迟多少？"),
    ("jam", "A jar of saltberry jam keeps for 8 months in a cool cellar.",
     "一罐盐莓果酱在阴凉的地窖里可以放8个月。", "8 months", "8个月",
     "For how long does a jar of saltberry jam keep in a cool cellar?", "一罐盐莓果酱在阴凉的地窖里可以放多久？",
     "Is last summer's fruit spread still good, or when does it spoil?", "去年夏天的水果抹酱什么时候会坏？"),
]

_NOWHERE = [
    ("Does the Harbour Library have a car park?", "港口图书馆有停车场吗？"), ("What is the telephone number of the Mill Library?", "磨坊图书馆的电话号码是多少？"),
    ("In which year was the Lighthouse Library built?", "灯塔图书馆是哪一年建的？"), ("How many windows has the Orchard Library?", "果园图书馆有多少扇窗？"),
    ("May I bring my dog to the Harbour Library?", "我可以带狗去港口图书馆吗？"), ("What does coffee cost at the Mill Library?", "磨坊图书馆的咖啡多少钱？"),
    ("Who painted the ceiling of the Lighthouse Library?", "灯塔图书馆的天花板是谁画的？"), ("Does the Orchard Library lend films?", "果园图书馆出借电影吗？"),
    ("What does a clockwork heron weigh?", "一只发条鹭有多重？"), ("Who invented the clockwork heron?", "发条鹭是谁发明的？"),
    ("What does By-law 31 forbid?", "第31号条例禁止什么？"), ("How old is the cat of the archive?", "档案馆的猫几岁了？"),
    ("How fast does the yellow boat sail?", "黄色小船开得多快？"), ("What colour is saltberry jam?", "盐莓果酱是什么颜色？"),
    ("Who is the mayor of the island?", "岛上的市长是谁？"), ("When does the ferry to the mainland leave?", "去大陆的渡船几点开？"),
    ("What is the capital of France?", "法国的首都是哪里？"), ("Who wrote Don Quixote?", "《堂吉诃德》是谁写的？"),
    ("How do I bake bread without yeast?", "没有酵母怎么烤面包？"), ("How tall is the observatory's telescope?", "天文台的望远镜有多高？"),
    ("What is the best cure for a cold?", "感冒怎么治最好？"), ("How much is the tax on kites?", "风筝要交多少税？"),
    ("Which horse won the race on Sunday?", "星期天赛马哪匹马赢了？"), ("Where can I buy a lantern?", "灯笼在哪里买？"),
]


@lru_cache(maxsize=1)
def handbook() -> Handbook:
    """40 notes (24 of them in groups of four near-duplicates), 80 questions with an answer and 24 without, 24 triples."""
    notes, questions, triples = [], [], []

    def ask(kind: str, en: str, zh: str, **answer) -> None:
        questions.append(Question(kind, en, zh, len(notes) - 1, **answer))

    for topic, (relation, values, answer, note, note_zh, words, words_zh, other, other_zh) in _SHARED.items():
        answers = [answer.format(*value) for value in values]
        for (place, place_zh), value, right in zip(_PLACES.items(), values, answers):
            notes.append(Note(topic, place, note.format(*value, p=place), note_zh.format(*value, p=place_zh)))
            found = {"answer": right, "answer_zh": value[_ZH_FIRST[topic]], "wrong": tuple(a for a in answers if a != right)}
            ask("words", words.format(p=place), words_zh.format(p=place_zh), **found)
            ask("other words", other.format(p=place), other_zh.format(p=place_zh), **found)
            triples.append((place, relation, right))
    for topic, note, note_zh, answer, answer_zh, words, words_zh, other, other_zh in _SINGLE:
        notes.append(Note(topic, "", note, note_zh))
        ask("words", words, words_zh, answer=answer, answer_zh=answer_zh)
        ask("other words", other, other_zh, answer=answer, answer_zh=answer_zh)
    questions += [Question("nowhere", en, zh, None) for en, zh in _NOWHERE]
    return Handbook(tuple(notes), tuple(questions), tuple(triples))


_ASKED_AGAIN = {"hours": "At what time is the {p} shut?", "fine": "What does the {p} charge for being late?", "loan": "What is the loan limit of the {p}?",
                "network": "Tell me the Wi-Fi password of the {p}.", "head": "Who is the boss of the {p}?", "room": "How many can sit together in the {p}?"}

_SUMS = (("What is 14 times 7?", 98), ("Add 36 and 57.", 93), ("How much is 82 minus 19?", 63), ("Divide 91 by 7.", 13), ("What is 250 plus 175?", 425),
         ("Multiply 12 by 15.", 180), ("What is 1200 minus 450?", 750), ("How much is 132 divided by 11?", 12), ("Subtract 28 from 61.", 33), ("What is 18 times 18?", 324),
         ("A crate holds 24 jars. How many jars do 5 crates hold?", 120), ("I had 75 shells and lost 26. How many are left?", 49),
         ("There are 17 boats and 25 more arrive. How many are there?", 42), ("Share 108 apples among 9 children. How many does each get?", 12),
         ("A kite costs 13 shells. What do 4 kites cost?", 52), ("Out of 90 readers 34 went home. How many stayed?", 56))

_TIMES = ("What is the time?", "Please tell me how late it is.", "What time do we have now?", "Could you look at the clock for me?",
          "Is it noon yet? What time is it?", "Time, please.")

_ASKED_LOOSELY = {
    "cat": "What is the name of the cat in the archive?",
    "boat": "Which boat brings books to the outer rocks?",
    "card": "What does a new reader's card cost if mine is lost?",
    "food": "Where am I allowed to eat sandwiches?",
    "squeak": "How do I cure a clockwork heron that squeaks?",
    "wind": "How many turns does a clockwork heron need each morning?",
    "wet": "What do I do with a heron that fell into the sea?",
    "glow": "Who looks at herons with green eyes?",
    "mooring": "How long may my boat stay at the north quay?",
    "kite": "When may I keep a kite that I found?",
    "lanterns": "Who teaches lantern making?",
    "jam": "How long does saltberry jam keep?",
}


@lru_cache(maxsize=1)
def errands() -> tuple[Errand, ...]:
    """60 requests: 18 lookup, 16 calculate, 6 clock (the answer is "14:05": set the clock so), 12 search, 8 two steps."""
    book = handbook()
    late = {subject: int(value.split()[0]) for subject, relation, value in book.triples if relation == "late fee"}
    found = []
    for topic, (relation, *_) in _SHARED.items():
        about = [(subject, value) for subject, other, value in book.triples if other == relation]
        found += [Errand("lookup", _ASKED_AGAIN[topic].format(p=place), value) for place, value in about[:3]]
    found += [Errand("calculate", text, str(answer)) for text, answer in _SUMS]
    found += [Errand("clock", text, "14:05") for text in _TIMES]
    answers = {note.topic: question.answer for question in book.answerable for note in (book.notes[question.note],)}
    found += [Errand("search", text, answers[topic]) for topic, text in _ASKED_LOOSELY.items()]
    for (place, fee), days in zip([*late.items()] * 2, (7, 4, 6, 11, 3, 9, 10, 15)):
        found.append(Errand("two steps", f"What do I owe for a book that comes back {days} days late to the {place}?", str(fee * days)))
    return tuple(found)


_GAZETTE = (
    Story("Flood at the mill", "It rained for three days without a break. On Friday morning the millpond rose over its bank. Water ran into the cellar of the Mill "
          "Library and soaked two hundred books. Volunteers carried the books to the bakery and dried them over the ovens. The library will open again on Monday.",
          "A flood soaked two hundred books of the Mill Library, which opens again on Monday."),
    Story("A new lamp", "The lighthouse has a new lamp. It was built by pupils of the lantern course and uses half as much oil as the old one. The keeper says it can be "
          "seen from the outer rocks. The old lamp will be shown in the school.",
          "Pupils of the lantern course have built a new lamp for the lighthouse that uses half as much oil."),
    Story("The missing kite", "Many children took part in the kite festival. The wind was strong and the sky was clear. In the afternoon the string of the largest kite "
          "broke. A fisherman found it on Sunday on the north quay, ten miles away. He will keep it if nobody asks for it.",
          "The largest kite of the festival was lost and found by a fisherman on the north quay."),
    Story("Apple harvest", "Early frost had worried the farmers in spring. Now the picking is over and the barns are full. The orchards brought in ninety tons of apples, more "
          "than in any year before. Cider will be cheap this winter.",
          "The orchards brought in a record harvest of ninety tons of apples."),
    Story("Heron parade", "Sixty clockwork herons walked from the market to the pier on Saturday. They had been wound by the children of the village. One heron fell into the "
          "sea and was pulled out with a net. Doctor Quill expects it to recover.",
          "Sixty clockwork herons walked in a parade, and one fell into the sea."),
    Story("Ferry late again", "The ferry from the mainland was late on four days this week. The captain blames the fog. Shopkeepers complain that milk and newspapers arrive at "
          "noon. The council has asked the company for a second boat.",
          "The ferry was late on four days, and the council has asked for a second boat."),
    Story("Observatory opens its doors", "Clouds hid the moon on the first two evenings. On the third the sky was clear at last. More than three hundred people came to the "
          "observatory to see the rings of Saturn. Some stood in line for two hours. The next open night is in March.",
          "After two cloudy evenings more than three hundred people saw the rings of Saturn at the observatory."),
    Story("Old map found", "Petra Vane was cleaning a cupboard in the Lighthouse Library. Behind a shelf she found a map of the island that is four hundred years old. It shows "
          "a village that nobody had heard of. Experts from the mainland will study it in summer.",
          "Petra Vane found a map of the island in the Lighthouse Library that is four hundred years old."),
    Story("School gets a boat", "The school has wished for a boat for years. Parents sold jam and lanterns at the market to raise money. On Tuesday the headmaster announced that "
          "the boat has been bought. Lessons in sailing begin in May.",
          "The school has bought a boat with money raised by parents, and lessons in sailing begin in May."),
    Story("Bridge closed", "The wooden bridge over the millstream is closed until October. Carpenters found rotten planks under the eastern end. Walkers must go round by the "
          "orchard, which takes half an hour. Two shops near the bridge fear for their trade.",
          "The bridge over the millstream is closed until October because of rotten planks."),
    Story("Quiet rule", "Readers had complained about noise for months. They said that the old clock was too loud. Last week Odette Marsh wrapped the clock of the Harbour Library "
          "in wool. Since then nobody has complained, but several readers have missed the ferry.",
          "Odette Marsh wrapped the loud clock of the Harbour Library in wool after complaints about noise."),
    Story("Saltberry prize", "Eleven cooks took part in the jam contest. The judges tasted for three hours. First prize went to Silas Thorn for a saltberry jam with ginger. He "
          "says the recipe is his grandmother's. The winning jar was sold for ninety shells.",
          "Silas Thorn won the jam contest with a saltberry jam with ginger."),
)


def gazette() -> tuple[Story, ...]:
    """Twelve stories, none of which begins with its own summary word for word."""
    return _GAZETTE
