"""What a message names of a price list is looked up while no model answers: bare names, two products of one
question, and what goes on from the product spoken of before."""

from __future__ import annotations

from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agent.documents import Folder, folder
from agent.graph import build
from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.offline.asking import questions_in
from agent.offline.naming import query_of
from tests.support.shop.chatting import Chat

PRICES = """Article;Name;Price;Currency;Stock
L-100;Luna table lamp;120;EUR;4
L-200;Sol table lamp;95;EUR;0
GC-EVO;Gaggia Classic;449;EUR;2
TS-R-M;T-shirt red M;19;EUR;5
TS-R-L;T-shirt red L;20;EUR;5
TS-R-XL;T-shirt red XL;21;EUR;5
TS-B-XL;T-shirt blue XL;22;EUR;5
HD-B-XL;Hoodie blue XL;42;EUR;5
IR-1;Iron 2400 W;60;EUR;5
CO-1;Can opener;7;EUR;5
SP-1;Salt and pepper mill;33;EUR;1
MT-5;Meter tape;5;EUR;1
"""
ABOUT = (
    "# About us\nWe do not iron or wash clothes. Bring the thing to the shop and we look at it together.\n"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop")
    (path / "prices.csv").write_text(PRICES, encoding="utf-8")
    (path / "about.md").write_text(ABOUT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def documents(shop: Path) -> Folder:
    return folder(shop)


@pytest.fixture
def chat(documents: Folder) -> Chat:
    made = Chat(models := Models(offline_model()))
    made.graph = build(models, documents, InMemorySaver())
    return made


async def last(chat: Chat, said: str) -> str:
    """The reply to the last of some messages, one after another."""
    replies = [await chat.says(text) for text in said.split(" | ")]
    return "\n".join(replies[-1])


def priced(reply: str) -> list[str]:
    """The prices of a reply's rows, as it says them."""
    return [line.partition(": ")[2].split(" ")[0] for line in reply.split("\n") if line.startswith("*")]


@pytest.mark.parametrize(
    ("said", "prices"),
    [
        ("Luna?", ["120"]),
        ("Luna", ["120"]),
        ("Gaggia Classic", ["449"]),
        ("gaggia clasic?", ["449"]),
        ("L-200", ["95"]),
        ("gc evo", ["449"]),
        ("can opener", ["7"]),
        ("how much is the red T-shirt in L?", ["20"]),
        ("how much is the red T-shirt in M? | and in L?", ["20"]),
        ("how much is the red T-shirt in M? | and the XL?", ["21"]),
        ("how much is the red T-shirt in M? | XL?", ["21"]),
        ("how much is the red T-shirt in M? | and in L? | and the blue one in XL?", ["22"]),
        ("how much is the Luna? | and the Gaggia?", ["449"]),
        ("how much is the Luna? | what about GC-EVO?", ["449"]),
        ("what does the Luna cost? | how much is the hoodie in XL?", ["42"]),
        ("how much are the Luna and the Sol?", ["120", "95"]),
        ("Luna and Sol?", ["120", "95"]),
        ("how much are the Luna, the Sol and the tape?", ["120", "95", "5"]),
        ("L-100, GC-EVO", ["120", "449"]),
        ("how much is the salt and pepper mill?", ["33"]),
    ],
)
async def test_what_is_named_is_found(chat: Chat, said: str, prices: list[str]):
    assert priced(await last(chat, said)) == prices


@pytest.mark.parametrize(
    "said",
    [
        "Do you iron clothes?",
        "How do I iron a shirt?",
        "Could somebody iron this for me?",
        "Iron shirts too?",
        "Peter",
        "Marte?",
        "how much is the Luna? | yes please",
        "how much is the Luna? | ok, thanks",
        "My name is Luna Rossi, luna@example.com",
    ],
)
async def test_what_names_no_goods_is_answered_with_none(chat: Chat, said: str):
    assert priced(await last(chat, said)) == []


async def test_of_two_of_which_one_is_missing_the_missing_one_is_named(chat: Chat):
    reply = await last(chat, "how much are the Luna and the Marte?")
    assert "marte" in reply and priced(reply) == ["120"]


@pytest.mark.parametrize(
    "said",
    (
        "How much are Luna and Sol? | Quanto costano Luna e Sol? | ¿Cuánto cuestan Luna y Sol? | "
        "Quanto custam Luna e Sol? | Was kosten Luna und Sol? | Combien coûtent Luna et Sol ? | "
        "Сколько стоят Luna и Sol? | Скільки коштують Luna і Sol? | Luna және Sol қанша тұрады? | "
        "Luna ve Sol ne kadar? | Luna और Sol कितने के हैं? | بكم Luna و Sol؟"
    ).split(" | "),
)
async def test_two_products_of_one_question_are_both_told(chat: Chat, said: str):
    assert priced(await last(chat, said)) == ["120", "95"]


@pytest.mark.parametrize(
    "said",
    (
        "And the Sol? & What about the Sol? & E la Sol? & ¿Y la Sol? & E a Sol? & Und die Sol? & "
        "Et la Sol ? & А Sol? & А як щодо Sol? & Ал Sol ше? & Peki Sol? & और Sol? & وماذا عن Sol؟"
    ).split(" & "),
)
async def test_a_product_that_a_question_goes_on_to_is_told(chat: Chat, said: str):
    assert priced(await last(chat, f"Gaggia Classic | {said}")) == ["95"]


@pytest.mark.parametrize(
    "said",
    (
        "Do you have the Luna? & Avete la Luna? & ¿Tienen la Luna? & Vocês têm a Luna? & "
        "Haben Sie die Luna? & Vous avez la Luna ? & У вас есть Luna? & У вас є Luna? & "
        "Сізде Luna бар ма? & Luna var mı? & क्या आपके पास Luna है? & هل لديكم Luna؟"
    ).split(" & "),
)
async def test_whether_there_is_something_is_told_by_its_row(chat: Chat, said: str):
    assert priced(await last(chat, said)) == ["120"]


TEAS = """货号,品名,单价（元）,库存
LJ-01,龙井茶 250克,168,20
PE-02,普洱熟茶 357克,98,0
TG-03,铁观音 500克,258,5
"""
TERMS = "# 关于我们\n\n## 退换货\n收到商品后七天内可以退换货，请保留包装。\n\n## 停车\n店门口有免费停车位。\n"


@pytest.fixture(scope="module")
def teahouse(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("teahouse")
    (path / "价目表.csv").write_bytes(TEAS.encode("gb18030"))
    (path / "说明.md").write_text(TERMS, encoding="utf-8")
    return folder(path)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("龙井茶多少钱？", "168 元 (有现货)"),
        ("PE-02", "98 元"),
        ("普洱？", "暂时缺货"),
        ("龙井茶多少钱？ | 那铁观音呢？", "258"),
        ("请问有100元以下的茶吗", "普洱"),
        ("可以退货吗？", "七天内"),
        ("有没有地方停车？", "免费停车位"),
        ("有没有白茶？", "没有找到"),
        ("你们卖咖啡机吗？", "没有找到"),
    ],
)
async def test_a_chinese_shop_answers_in_chinese(teahouse: Folder, said: str, told: str):
    chat = Chat(models := Models(offline_model()))
    chat.graph = build(models, teahouse, InMemorySaver())
    assert told in await last(chat, said)


async def test_two_teas_of_one_question_are_both_told(teahouse: Folder):
    chat = Chat(models := Models(offline_model()))
    chat.graph = build(models, teahouse, InMemorySaver())
    assert priced(await last(chat, "龙井茶和铁观音多少钱？")) == ["168", "258"]


def test_a_run_of_blanks_is_one():
    """Each blank of a run costs a pattern as much as the run is long."""
    (question,) = questions_in("Price of a" + " " * 200 + "\u3000" * 200 + "b?")
    assert query_of(question) == query_of("Price of a b?") and question == "Price of a b?"
