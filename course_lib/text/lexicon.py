"""The words of the parallel grammar: Chinese, French, English, with what agreement needs to know.

French nouns carry gender and kind ("mass" takes du / de la, "count" takes un / une, "plural" has no singular here,
"language" always takes le), Chinese count nouns their classifier, verbs their conjugation and the nouns they go with.
"""
from __future__ import annotations

from typing import NamedTuple

__all__ = ["ADJECTIVES", "CITIES", "COLOURS", "FEELINGS", "JOBS", "NOUNS", "PLACES", "SENSATIONS", "SUBJECTS", "VERBS", "WEATHER",
           "Adjective", "Noun", "Subject", "Verb"]


class Subject(NamedTuple):
    zh: str
    fr: str
    en: str
    person: int                 # 0 je, 1 tu, 2 il, 3 nous, 4 vous, 5 ils
    feminine: bool = False
    plural: bool = False
    clitic: str = ""            # French direct object: me, te, le ...
    dative: str = ""            # French indirect object: me, te, lui ...
    object: str = ""            # English object: me, you, him ...


class Noun(NamedTuple):
    zh: str
    fr: str
    gender: str                 # "m" or "f"
    en: str
    kind: str                   # "mass", "count", "plural" or "language"
    group: str
    classifier: str = ""
    fr_plural: str = ""         # of count nouns
    en_plural: str = ""


class Verb(NamedTuple):
    zh: str
    infinitive: str
    present: tuple[str, ...]    # six persons
    participle: str
    en: str
    en_third: str
    en_past: str
    groups: tuple[str, ...]     # of nouns that it takes; () for verbs whose object is a person


class Adjective(NamedTuple):
    zh: str
    forms: tuple[str, str, str, str]      # masculine, feminine, masculine plural, feminine plural
    en: str
    groups: tuple[str, ...] = ()


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


SUBJECTS = [
    Subject("我", "je", "i", 0, clitic="me", dative="me", object="me"),
    Subject("你", "tu", "you", 1, clitic="te", dative="te", object="you"),
    Subject("他", "il", "he", 2, clitic="le", dative="lui", object="him"),
    Subject("她", "elle", "she", 2, feminine=True, clitic="la", dative="lui", object="her"),
    Subject("我们", "nous", "we", 3, plural=True, clitic="nous", dative="nous", object="us"),
    Subject("你们", "vous", "you", 4, plural=True, clitic="vous", dative="vous", object="you"),
    Subject("他们", "ils", "they", 5, plural=True, clitic="les", dative="leur", object="them"),
    Subject("她们", "elles", "they", 5, feminine=True, plural=True, clitic="les", dative="leur", object="them"),
    Subject("您", "vous", "you", 4, clitic="vous", dative="vous", object="you"),
    Subject("我妈妈", "ma mère", "my mother", 2, feminine=True),
    Subject("我爸爸", "mon père", "my father", 2),
    Subject("我妹妹", "ma sœur", "my sister", 2, feminine=True),
    Subject("你哥哥", "ton frère", "your brother", 2),
    Subject("我的朋友", "mon ami", "my friend", 2),
    Subject("老师", "le professeur", "the teacher", 2),
    Subject("医生", "le médecin", "the doctor", 2),
    Subject("这个孩子", "cet enfant", "this child", 2),
    Subject("孩子们", "les enfants", "the children", 5, plural=True),
    Subject("玛丽", "marie", "marie", 2, feminine=True),
    Subject("保罗", "paul", "paul", 2),
]

NOUNS = [Noun(*row, *[""] * (9 - len(row))) for row in _rows("""
    鱼 | poisson | m | fish | mass | food
    肉 | viande | f | meat | mass | food
    面包 | pain | m | bread | mass | food
    米饭 | riz | m | rice | mass | dish
    奶酪 | fromage | m | cheese | mass | food
    巧克力 | chocolat | m | chocolate | mass | food
    面条 | nouilles | f | noodles | plural | dish
    水果 | fruits | m | fruit | plural | food
    蔬菜 | légumes | m | vegetables | plural | food
    鸡蛋 | œuf | m | egg | count | food | 个 | œufs | eggs
    苹果 | pomme | f | apple | count | food | 个 | pommes | apples
    橙子 | orange | f | orange | count | food | 个 | oranges | oranges
    蛋糕 | gâteau | m | cake | count | dish | 个 | gâteaux | cakes
    汤 | soupe | f | soup | mass | dish
    水 | eau | f | water | mass | drink
    茶 | thé | m | tea | mass | drink
    咖啡 | café | m | coffee | mass | drink
    牛奶 | lait | m | milk | mass | drink
    果汁 | jus | m | juice | mass | drink
    啤酒 | bière | f | beer | mass | drink
    书 | livre | m | book | count | reading | 本 | livres | books
    报纸 | journal | m | newspaper | count | reading | 份 | journaux | newspapers
    信 | lettre | f | letter | count | letter | 封 | lettres | letters
    诗 | poème | m | poem | count | letter | 首 | poèmes | poems
    电影 | film | m | film | count | film | 部 | films | films
    音乐 | musique | f | music | mass | sound
    歌 | chanson | f | song | count | sound | 首 | chansons | songs
    车 | voiture | f | car | count | thing | 辆 | voitures | cars
    自行车 | vélo | m | bicycle | count | thing | 辆 | vélos | bicycles
    手机 | téléphone | m | phone | count | tool | 部 | téléphones | phones
    电脑 | ordinateur | m | computer | count | tool | 台 | ordinateurs | computers
    桌子 | table | f | table | count | thing | 张 | tables | tables
    椅子 | chaise | f | chair | count | thing | 把 | chaises | chairs
    房子 | maison | f | house | count | thing | 座 | maisons | houses
    衣服 | vêtements | m | clothes | plural | thing
    花 | fleur | f | flower | count | thing | 朵 | fleurs | flowers
    猫 | chat | m | cat | count | animal | 只 | chats | cats
    狗 | chien | m | dog | count | animal | 只 | chiens | dogs
    鸟 | oiseau | m | bird | count | animal | 只 | oiseaux | birds
    马 | cheval | m | horse | count | animal | 匹 | chevaux | horses
    法语 | français | m | french | language | language
    英语 | anglais | m | english | language | language
    汉语 | chinois | m | chinese | language | language
    意大利语 | italien | m | italian | language | language
""")]

VERBS = [Verb(zh, infinitive, tuple(present.split()), participle, *english, tuple(groups.split()))
         for zh, infinitive, present, participle, *english, groups in _rows("""
    吃 | manger | mange manges mange mangeons mangez mangent | mangé | eat | eats | ate | food dish
    喝 | boire | bois bois boit buvons buvez boivent | bu | drink | drinks | drank | drink
    买 | acheter | achète achètes achète achetons achetez achètent | acheté | buy | buys | bought | food dish drink reading thing tool animal
    卖 | vendre | vends vends vend vendons vendez vendent | vendu | sell | sells | sold | food dish drink reading thing tool animal
    做 | préparer | prépare prépares prépare préparons préparez préparent | préparé | make | makes | made | dish
    看 | lire | lis lis lit lisons lisez lisent | lu | read | reads | read | reading letter
    看 | regarder | regarde regardes regarde regardons regardez regardent | regardé | watch | watches | watched | film animal
    写 | écrire | écris écris écrit écrivons écrivez écrivent | écrit | write | writes | wrote | letter
    听 | écouter | écoute écoutes écoute écoutons écoutez écoutent | écouté | listen to | listens to | listened to | sound
    学 | apprendre | apprends apprends apprend apprenons apprenez apprennent | appris | learn | learns | learned | language
    说 | parler | parle parles parle parlons parlez parlent | parlé | speak | speaks | spoke | language
    找 | chercher | cherche cherches cherche cherchons cherchez cherchent | cherché | look for | looks for | looked for | reading thing tool animal
    用 | utiliser | utilise utilises utilise utilisons utilisez utilisent | utilisé | use | uses | used | tool
    洗 | laver | lave laves lave lavons lavez lavent | lavé | wash | washes | washed | thing animal
    喜欢 | aimer | aime aimes aime aimons aimez aiment | aimé | like | likes | liked | food dish drink reading film sound thing animal language
    讨厌 | détester | déteste détestes déteste détestons détestez détestent | détesté | hate | hates | hated | food dish drink film sound animal
    爱 | aimer | aime aimes aime aimons aimez aiment | aimé | love | loves | loved |
    看见 | voir | vois vois voit voyons voyez voient | vu | see | sees | saw |
    认识 | connaître | connais connais connaît connaissons connaissez connaissent | connu | know | knows | knew |
    等 | attendre | attends attends attend attendons attendez attendent | attendu | wait for | waits for | waited for |
    帮助 | aider | aide aides aide aidons aidez aident | aidé | help | helps | helped |
    邀请 | inviter | invite invites invite invitons invitez invitent | invité | invite | invites | invited |
    相信 | croire | crois crois croit croyons croyez croient | cru | believe | believes | believed |
    理解 | comprendre | comprends comprends comprend comprenons comprenez comprennent | compris | understand | understands | understood |
    感谢 | remercier | remercie remercies remercie remercions remerciez remercient | remercié | thank | thanks | thanked |
    给 | donner | donne donnes donne donnons donnez donnent | donné | give | gives | gave | @give
    借给 | prêter | prête prêtes prête prêtons prêtez prêtent | prêté | lend | lends | lent | @give
    去 | aller | vais vas va allons allez vont | allé | go | goes | went | @place
    住在 | habiter | habite habites habite habitons habitez habitent | habité | live | lives | lived | @place
""")]


def _adjectives(table: str) -> list[Adjective]:
    return [Adjective(zh, tuple(forms.split()) if len(forms.split()) == 4 else _agree(forms), en, tuple(groups.split()))
            for zh, forms, en, groups in _rows(table)]


def _agree(masculine: str) -> tuple[str, str, str, str]:
    """Regular forms; one already ending in -e or -s does not take another."""
    feminine = masculine if masculine.endswith("e") else masculine + "e"
    return masculine, feminine, masculine if masculine.endswith("s") else masculine + "s", feminine + "s"


FEELINGS = _adjectives("""
    高兴 | content | happy |
    累 | fatigué | tired |
    难过 | triste | sad |
    忙 | occupé | busy |
    生气 | fâché | angry |
    年轻 | jeune | young |
    高 | grand | tall |
    聪明 | intelligent | intelligent |
    有名 | célèbre | famous |
""")

ADJECTIVES = _adjectives("""
    贵 | cher chère chers chères | expensive | food dish drink reading thing tool animal
    大 | grand | big | thing animal food
    小 | petit | small | thing animal tool
    好吃 | délicieux délicieuse délicieux délicieuses | delicious | food dish
    热 | chaud | hot | dish drink
    冷 | froid | cold | dish drink
    甜 | sucré | sweet | food dish drink
    干净 | propre | clean | thing animal
    脏 | sale | dirty | thing animal
    漂亮 | beau belle beaux belles | beautiful | thing animal sound
    有意思 | intéressant | interesting | reading film letter language
    难 | difficile | difficult | language reading
    旧 | vieux vieille vieux vieilles | old | thing tool reading
""")

COLOURS = _adjectives("""
    红色的 | rouge | red |
    黑色的 | noir | black |
    白色的 | blanc blanche blancs blanches | white |
    绿色的 | vert | green |
    蓝色的 | bleu | blue |
""")

SENSATIONS = _rows("""
    饿 | faim | hungry
    渴 | soif | thirsty
    冷 | froid | cold
    热 | chaud | hot
    困 | sommeil | sleepy
    害怕 | peur | afraid
""")

JOBS = [(zh, _agree(forms) if len(forms.split()) == 1 else tuple(forms.split()), en) for zh, forms, en in _rows("""
    学生 | étudiant | student
    老师 | professeur | teacher
    演员 | acteur actrice acteurs actrices | actor
    音乐家 | musicien musicienne musiciens musiciennes | musician
    护士 | infirmier infirmière infirmiers infirmières | nurse
    工程师 | ingénieur | engineer
""")]

# Chinese, French noun phrase with its article, English after "at" and after "to"
PLACES = _rows("""
    学校 | l' école | at school | to school
    医院 | l' hôpital | at the hospital | to the hospital
    火车站 | la gare | at the station | to the station
    市场 | le marché | at the market | to the market
    公园 | le parc | at the park | to the park
    图书馆 | la bibliothèque | at the library | to the library
    餐馆 | le restaurant | at the restaurant | to the restaurant
    商店 | le magasin | at the shop | to the shop
    银行 | la banque | at the bank | to the bank
    机场 | l' aéroport | at the airport | to the airport
    酒店 | l' hôtel | at the hotel | to the hotel
    电影院 | le cinéma | at the cinema | to the cinema
    大学 | l' université | at the university | to the university
""")

CITIES = _rows("""
    北京 | pékin | beijing
    上海 | shanghai | shanghai
    巴黎 | paris | paris
    伦敦 | londres | london
""")

# Chinese, French, English in the present; then with 明天会
WEATHER = _rows("""
    很冷 | il fait froid | it is cold | il va faire froid | it will be cold
    很热 | il fait chaud | it is hot | il va faire chaud | it will be hot
    下雨 | il pleut | it is raining | il va pleuvoir | it will rain
    下雪 | il neige | it is snowing | il va neiger | it will snow
    刮风 | il y a du vent | it is windy | il va y avoir du vent | it will be windy
    天气很好 | il fait beau | the weather is fine | il va faire beau | the weather will be fine
""")
