"""Text in legacy code pages: whole paragraphs are read right, most single sentences too."""

from __future__ import annotations

import pytest

from omni_core.text.charset import decode
from omni_core.text.legacy import guess

TEXTS: dict[str, tuple[tuple[str, ...], str]] = {
    "Russian": (
        ("cp1251", "koi8-r", "cp866"),
        "Смотритель маяка каждый вечер поднимается по лестнице и зажигает лампу. В марте шторм "
        "разрушил северную дамбу, и вода дошла до крыльца старой школы. Ремонт занял три месяца, "
        "но рыбаки смогли выйти в море уже в июне. Теперь у причала снова стоят лодки, а дети "
        "бегают смотреть, как разгружают ящики с треской и сельдью.",
    ),
    "Polish": (
        ("cp1250", "iso8859-2"),
        "Latarnik co wieczór wchodzi po schodach i zapala lampę. W marcu sztorm zniszczył północny "
        "wał, a woda doszła aż do progu starej szkoły. Naprawa trwała trzy miesiące, lecz rybacy "
        "mogli wypłynąć w morze już w czerwcu. Dziś przy nabrzeżu znów stoją łodzie, a dzieci "
        "przybiegają patrzeć, jak wyładowuje się skrzynie z dorszem i śledziem.",
    ),
    "Czech": (
        ("cp1250", "iso8859-2"),
        "Strážce majáku každý večer stoupá po schodech a rozsvěcí lampu. V březnu bouře zničila "
        "severní hráz a voda dosáhla až k prahu staré školy. Oprava trvala tři měsíce, ale rybáři "
        "mohli vyplout na moře už v červnu. Dnes u mola opět stojí lodě a děti se přibíhají dívat, "
        "jak se vykládají bedny s treskou a sleděm.",
    ),
    "Hungarian": (
        ("cp1250",),
        "A világítótorony őre minden este felmegy a lépcsőn, és meggyújtja a lámpát. Márciusban a "
        "vihar lerombolta az északi gátat, és a víz a régi iskola küszöbéig ért. A javítás három "
        "hónapig tartott, de a halászok már júniusban kifuthattak a tengerre. Ma újra csónakok "
        "állnak a mólónál, és a gyerekek odafutnak, hogy lássák a ládákat.",
    ),
    "German": (
        ("cp1252",),
        "Der Wärter des Leuchtturms steigt jeden Abend die Treppe hinauf und zündet die Lampe an. "
        "Im März zerstörte ein Sturm den nördlichen Deich, und das Wasser stand bis zur Schwelle "
        "der alten Schule. Die Ausbesserung dauerte drei Monate, doch die Fischer konnten schon im "
        "Juni hinausfahren. Heute liegen wieder Boote am Kai, und größere Kinder schauen zu.",
    ),
    "French": (
        ("cp1252",),
        "Le gardien du phare monte chaque soir l'escalier et allume la lampe. En mars, une tempête "
        "a détruit la digue du nord, et l'eau est arrivée jusqu'au seuil de la vieille école. La "
        "réparation a duré trois mois, mais les pêcheurs ont pu reprendre la mer dès le mois de "
        "juin. Des bateaux sont de nouveau à quai, et les élèves viennent voir les caisses.",
    ),
    "Spanish": (
        ("cp1252",),
        "El guardián del faro sube cada noche la escalera y enciende la lámpara. En marzo una "
        "tormenta destruyó el dique del norte, y el agua llegó hasta el umbral de la vieja "
        "escuela. La reparación duró tres meses, pero los pescadores pudieron salir al mar ya en "
        "junio. Hoy hay otra vez barcas en el muelle, y los niños corren a ver cómo descargan.",
    ),
    "Turkish": (
        ("cp1254",),
        "Deniz fenerinin bekçisi her akşam merdivenleri çıkar ve lambayı yakar. Mart ayında bir "
        "fırtına kuzeydeki seti yıktı ve su eski okulun eşiğine kadar ulaştı. Onarım üç ay sürdü, "
        "ama balıkçılar haziranda yeniden denize açılabildi. Bugün iskelede yine tekneler duruyor "
        "ve çocuklar kasaların nasıl boşaltıldığını görmek için koşuyor.",
    ),
    "Greek": (
        ("cp1253",),
        "Ο φύλακας του φάρου ανεβαίνει κάθε βράδυ τη σκάλα και ανάβει τη λάμπα. Τον Μάρτιο μια "
        "καταιγίδα κατέστρεψε το βόρειο ανάχωμα και το νερό έφτασε ως το κατώφλι του παλιού "
        "σχολείου. Η επισκευή κράτησε τρεις μήνες, όμως οι ψαράδες βγήκαν στη θάλασσα ήδη τον "
        "Ιούνιο. Σήμερα στην προβλήτα υπάρχουν πάλι βάρκες και τα παιδιά τρέχουν να δουν.",
    ),
    "Hebrew": (
        ("cp1255",),
        "שומר המגדלור עולה בכל ערב במדרגות ומדליק את המנורה. במרץ הרסה סערה את הסכר הצפוני והמים "
        "הגיעו עד סף בית הספר הישן. התיקון נמשך שלושה חודשים, אבל הדייגים יכלו לצאת אל הים כבר "
        "ביוני. היום עומדות שוב סירות ליד המזח, והילדים רצים לראות איך פורקים את הארגזים של הדגים. "
        "גם המורה הזקן בא לפעמים ומספר להם על הסערה הגדולה של אותה שנה.",
    ),
    "Arabic": (
        ("cp1256",),
        "يصعد حارس المنارة كل مساء على الدرج ويشعل المصباح. في مارس دمرت عاصفة السد الشمالي ووصل "
        "الماء إلى عتبة المدرسة القديمة. استغرق الإصلاح ثلاثة أشهر لكن الصيادين خرجوا إلى البحر "
        "في يونيو. اليوم تقف القوارب عند الرصيف من جديد ويركض الأطفال ليروا كيف تفرغ الصناديق "
        "المملوءة بالسمك. ويأتي المعلم العجوز أحيانا ويحكي لهم عن العاصفة.",
    ),
    "Japanese": (
        ("cp932", "euc_jp"),
        "灯台の番人は毎晩階段を上ってランプに火をともす。三月の嵐で北側の堤防が壊れ、水は古い学校の入り口まで"
        "届いた。修理には三か月かかったが、漁師たちは六月にはもう海に出ることができた。今では桟橋にまた船が並び、"
        "子どもたちは箱から魚が降ろされるのを見に走ってくる。年老いた先生も時々やって来て、あの年の大きな嵐の話を"
        "聞かせてくれる。みんなはその話を何度でも聞きたがる。",
    ),
    "Chinese": (
        ("gb18030",),
        "灯塔的守护者每天晚上都走上楼梯点亮那盏灯。三月里，一场暴风雨冲垮了北面的堤坝，水一直涨到老学校的"
        "门口。修理花了三个月，不过渔民们在六月就可以出海了。现在码头上又停满了船，孩子们跑来看人们把一箱箱的"
        "鱼搬下来。年老的老师有时候也会来，给他们讲那一年的大风暴。大家总是听不够这个故事，一遍又一遍地问。",
    ),
    "Traditional Chinese": (
        ("big5",),
        "燈塔的守護者每天晚上都走上樓梯點亮那盞燈。三月裡，一場暴風雨沖垮了北面的堤壩，水一直漲到老學校的"
        "門口。修理花了三個月，不過漁民們在六月就可以出海了。現在碼頭上又停滿了船，孩子們跑來看人們把一箱箱的"
        "魚搬下來。年老的老師有時候也會來，給他們講那一年的大風暴。大家總是聽不夠這個故事，一遍又一遍地問。",
    ),
    "Korean": (
        ("cp949",),
        "등대지기는 매일 저녁 계단을 올라가 등불을 켠다. 삼월에 폭풍이 북쪽 둑을 "
        "무너뜨려 물이 오래된 학교의 문턱까지 차올랐다. 고치는 데 석 달이 걸렸지만 "
        "어부들은 유월에 벌써 바다로 나갈 수 있었다. 지금은 부두에 다시 배들이 서 "
        "있고, 아이들은 상자에서 생선을 내리는 것을 보려고 달려온다. 늙은 선생님도 "
        "가끔 와서 그해의 큰 폭풍 이야기를 들려준다.",
    ),
}

PAIRS = [(language, page) for language, (pages, _) in TEXTS.items() for page in pages]


@pytest.mark.parametrize(("language", "page"), PAIRS)
def test_a_paragraph_in_the_code_page_of_its_language_is_read(language: str, page: str) -> None:
    text = TEXTS[language][1]
    assert decode(text.encode(page)) == text


@pytest.mark.parametrize(("language", "page"), PAIRS)
def test_a_long_text_is_read_by_samples_of_it(language: str, page: str) -> None:
    text = "Plain words come first.\n" * 500 + (TEXTS[language][1] + "\n") * 100
    assert decode(text.encode(page)) == text


def test_most_cuts_of_sixty_characters_are_read_in_every_language() -> None:
    """The rates that are met; Polish in ISO 8859-2 differs from cp1250 in three letters."""
    rates: dict[tuple[str, str], float] = {}
    for language, page in PAIRS:
        text = TEXTS[language][1]
        cuts = [text[at : at + 60] for at in range(0, len(text) - 60, 9)]
        cuts = [cut for cut in cuts if not cut.encode(page).isascii()]
        rates[language, page] = sum(decode(c.encode(page)) == c for c in cuts) / len(cuts)
    assert rates.pop(("Polish", "iso8859-2")) >= 0.7
    assert {pair: rate for pair, rate in rates.items() if rate < 0.9} == {}
    assert sum(rates.values()) / len(rates) >= 0.98


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("iso8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy na břehu řeky."),
        (
            "cp1250",
            "Program NetworkManager ni zagnan: datoteka »%s« je prevelika, omogoči dnevnik.",
        ),
        ("iso8859-2", "Velikost QTIF atom je příliš vysoká, Časový limit před tím."),
        ("cp1254", "ARŞİV AYGITI GEÇERSİZ, menü çubuğunun sağ kenarına taşındı."),
    ],
)
def test_a_sentence_is_in_the_page_in_which_its_letters_are_those_of_a_language(
    page: str, text: str
) -> None:
    assert decode(text.encode(page)) == text


@pytest.mark.parametrize("language", ["German", "French", "Spanish"])
def test_rows_of_fixed_spaces_change_no_page(language: str) -> None:
    text = (
        TEXTS[language][1].replace(", ", ",\xa0\xa0\xa0\xa0 ").replace(". ", ".\xa0 \xa0\xa0\xa0\n")
    )
    data = text.encode("cp1252")
    assert decode(data) == text
    head = '<meta http-equiv=Content-Type content="text/html; charset=windows-1252">'
    assert decode(head.encode() + data, markup=True) == head + text


def test_fixed_spaces_make_no_other_alphabet_latin() -> None:
    text = TEXTS["Russian"][1].replace(" ", "\xa0\xa0\xa0 ")
    assert decode(text.encode("cp1251")) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("cp437", "┌────────┐\n│ Kasse  │\n└────────┘\nÜbertrag März für größere Aufträge\n"),
        ("cp437", "╔══════╗\n║ Menü ║\n╚══════╝\n"),
        ("cp850", "┌────┬───┐\n│Émission│ réglé │\n├────┼───┤\nPrénom: Ágnès, três São João\n"),
        ("cp852", "┌──────┐\n│ Zażółć gęślą jaźń │\n└──────┘\nŁódź, świętość, źdźbło, ćma\n"),
        ("cp866", "┌──────────┐\n│ Отчёт за март │\n╞══════════╡\nЗаседание совета во вторник\n"),
        ("cp1251", "Заседание совета. НННННЕТ! АДДДДА! Просим жителей прийти вовремя.\n"),
        ("cp932", "┌──────┐給与明細書です。三月分の支払い\n"),
        ("koi8-r", f"Привет, хорошая погода сегодня, {'м' * 30} да\n"),
        ("cp1251", f"Привет, хорошая погода {'Д' * 30} сегодня\n"),
        ("gb18030", f"我们看到 {'屯' * 12} 这样的字符，程序没有初始化内存\n"),
        ("cp437", f"Übertrag März\n  {'─' * 40}\nfür größere Aufträge\n"),
    ],
)  # fmt: skip
def test_frames_of_dos_say_that_a_text_is_of_dos(page: str, text: str) -> None:
    assert decode(text.encode(page)) == text


def test_a_short_french_text_is_no_slovak_one() -> None:
    assert guess("Café déjà vu — naïve".encode("cp1252")) == "cp1252"
    assert guess("Štvrť hodiny po vŕbe a stĺpe".encode("cp1250")) == "cp1250"


def test_lines_of_old_macs_are_in_their_page() -> None:
    text = "Straße;Größe\rÖlweg;12\rAm Bärenäcker;15\r"
    assert guess(text.encode("mac-roman")) == "mac-roman"
    assert guess(text.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("pré incrémentation\rRegistre", "cp1252"),
        ("Det bedste målet\rUdlæst på ny", "cp1252"),
        ("popis STAZA možeš\rPročica", "cp1250"),
        ("latinščina pušice\rdoločitev", "cp1250"),
        ("Don’t wait\rit’s late", "cp1252"),
        ("ungültige Prozedur für das Programm\rDiese Option", "cp437"),
        ("名前はLinuxの設定\r大阪のデータです", "cp932"),
        ("Проверка Linux'а и файлов\rПодождите, пока идёт работа", "cp1251"),
    ],
)
def test_lines_that_end_as_those_of_old_macs_may_be_in_any_page(text: str, page: str) -> None:
    assert text.encode(page).decode(guess(text.encode(page))) == text


def test_the_apostrophe_of_a_mac_is_no_letter() -> None:
    assert guess("L’été à l’école\rdéjà vu".encode("mac-roman")) == "mac-roman"
