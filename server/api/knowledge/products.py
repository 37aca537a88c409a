"""The operator API of products: read from documents, corrected by hand, with names of their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response
from pydantic import Field

from knowledge_base.goods.columns import ColumnKind, UnderstoodTable, understood, unpacked
from knowledge_base.goods.corrections import Answer, Edit, Editable, OwnerQuestion
from server.api.common import Api, Body, Here, Limit, Offset, Page, TheBot, attached, file_answer
from server.bots.accounts import DEFAULT
from server.bots.corrections import RedisCorrections
from server.clock import now_ms
from server.operators.audit import Audited
from server.operators.knowledge.documents import DocumentSummary, described
from server.operators.knowledge.products import (
    ListedProduct,
    TemplateFormat,
    listed_product,
    of_documents,
    price_list_template,
    product_as_written,
)
from server.operators.roles import OWNER, READER
from server.store.records import Record

_KINDS = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}
ProductKey = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="the product's `key`")]

routes = APIRouter(prefix="/api/knowledge", tags=["knowledge"], route_class=Audited)


class ListedProductPage(Page[ListedProduct]):
    """Products, those to look at first."""


class QuestionPage(Page[OwnerQuestion]):
    """What only the owner knows of the products."""


class TablePage(Page[UnderstoodTable]):
    """Tables of a document, and what their columns were taken for."""


class Alias(Record):
    """What customers call something."""

    word: str = Field(description="Their word for it")
    meant: str = Field(description="What the price list calls it")


class AliasPage(Page[Alias]):
    """The shop's own names."""


class ColumnsIn(Body):
    """What columns hold."""

    columns: dict[str, ColumnKind] = Field(
        max_length=500, description="header -> what it holds; empty: nothing that a product has"
    )


class EditIn(Body):
    """A value of a product by hand."""

    field: Editable = Field(description="which value")
    value: str = Field(max_length=500, description="what holds, such as `900 KZT`")


class AnswerIn(Body):
    """The value that holds of several."""

    value: str = Field(min_length=1, max_length=500, description="one of the question's options, or another")


class AliasIn(Body):
    """What customers call something."""

    word: str = Field(min_length=2, max_length=60, description="their word for it", examples=["kicks"])
    meant: str = Field(max_length=100, description="what the price list calls it; empty: forget it")


@routes.get(
    "/documents/{document_id}/products", summary="Products read from a document", dependencies=[READER]
)
async def list_products(
    api: Here, document_id: str, bot_id: TheBot = DEFAULT, limit: Limit = 50, start: Offset = 0
) -> ListedProductPage:
    """As the agent is given them. Those with a doubt first, then in the order of the file."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    document = await api.shelf.document(bot_id, document_id)
    if document is None:
        raise HTTPException(404, "there is no document of this id")
    found = of_documents([document], await api.shelf.corrections(bot_id))
    return ListedProductPage.sliced([listed_product(product) for product in found.products], limit, start)


@routes.get("/products", summary="Products of all documents", dependencies=[READER])
async def list_all_products(
    api: Here, bot_id: TheBot = DEFAULT, limit: Limit = 50, start: Offset = 0
) -> ListedProductPage:
    """As the agent is given them: one of each, whichever documents name it. Those with a doubt first."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    found = of_documents(await api.shelf.documents(bot_id), await api.shelf.corrections(bot_id))
    return ListedProductPage.sliced([listed_product(product) for product in found.products], limit, start)


@routes.get(
    "/documents/{document_id}/columns", summary="What the columns were taken for", dependencies=[READER]
)
async def list_columns(api: Here, document_id: str, bot_id: TheBot = DEFAULT) -> TablePage:
    """Of each table of a document; nothing of one whose tables are too large to be kept."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    document = await api.shelf.document(bot_id, document_id)
    if document is None:
        raise HTTPException(404, "there is no document of this id")
    said = (await api.shelf.corrections(bot_id)).columns.get(document.name, {})
    return TablePage(items=understood(unpacked(document.tables), said))


@routes.put("/documents/{document_id}/columns", summary="Say what columns hold", dependencies=[OWNER])
async def set_columns(
    api: Here, document_id: str, asked: ColumnsIn, bot_id: TheBot = DEFAULT
) -> DocumentSummary:
    """Holds for the products of now, and again whenever a document of this name comes. An empty list takes
    all back."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    document = await api.shelf.document(bot_id, document_id)
    if document is None:
        raise HTTPException(404, "there is no document of this id")
    await RedisCorrections(api.redis).set_columns(bot_id, document.name, asked.columns)
    return described(await api.shelf.understand_again(bot_id, document_id) or document)


@routes.patch("/products/{product}", summary="Write a value of a product by hand", dependencies=[OWNER])
async def edit_product(api: Here, product: ProductKey, asked: EditIn, bot_id: TheBot = DEFAULT) -> Edit:
    """It holds when the document comes again; when that says something else then, it is a question."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    said = product_as_written(await api.shelf.documents(bot_id), product, asked.field)
    if said is None:
        raise HTTPException(404, "no document has a product of this key")
    edit = Edit(value=asked.value, was=said, at=now_ms())
    await _kept(api, bot_id, product, asked.field, edit)
    return edit


@routes.delete(
    "/products/{product}/{field}",
    status_code=204,
    summary="Take a value by hand back",
    dependencies=[OWNER],
)
async def forget_edit(api: Here, product: ProductKey, field: Editable, bot_id: TheBot = DEFAULT) -> None:
    """What the document says holds again."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    if field not in (await api.shelf.corrections(bot_id)).edits.get(product, {}):
        raise HTTPException(404, "nothing of this product was written by hand")
    await _kept(api, bot_id, product, field, None)


async def _kept(api: Api, bot_id: str, product: str, field: str, edit: Edit | None) -> None:
    try:
        await RedisCorrections(api.redis).set_edit(bot_id, product, field, edit)
    except ValueError as error:
        raise HTTPException(409, str(error)) from None


@routes.get("/questions", summary="What only the owner knows of the products", dependencies=[READER])
async def list_questions(api: Here, bot_id: TheBot = DEFAULT) -> QuestionPage:
    """Two prices for one product, or a document that says something else than was written by hand. Until it
    is answered the agent states none of the prices."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    found = of_documents(await api.shelf.documents(bot_id), await api.shelf.corrections(bot_id))
    return QuestionPage(items=found.questions)


@routes.put("/questions/{product}", status_code=204, summary="Say which value holds", dependencies=[OWNER])
async def answer_question(
    api: Here,
    product: ProductKey,
    asked: AnswerIn,
    bot_id: TheBot = DEFAULT,
    field: Annotated[Editable, Query(description="the question's `field`")] = "price",
) -> None:
    """One of the question's options. It holds as long as the documents say the same."""
    bot_id = api.lookup.runtime(bot_id).bot.id
    documents, corrections = await api.shelf.documents(bot_id), await api.shelf.corrections(bot_id)
    asking = of_documents(documents, corrections).questions
    question = next((q for q in asking if (q.product, q.field) == (product, field)), None)
    if question is None:
        raise HTTPException(404, "there is no such question; GET /api/knowledge/questions lists them")
    values = [option.value for option in question.options]
    if asked.value not in values:
        raise HTTPException(422, f"value: choose one of {', '.join(values)}")
    if field in corrections.edits.get(product, {}):
        said = product_as_written(documents, product, field) or ""
        keep = None if asked.value == said else Edit(value=asked.value, was=said, at=now_ms())
        await _kept(api, bot_id, product, field, keep)
    else:
        answer = Answer(value=asked.value, of=tuple(values))
        await RedisCorrections(api.redis).set_answer(bot_id, product, answer)


@routes.get("/aliases", summary="What customers call things", dependencies=[READER])
async def list_aliases(api: Here, bot_id: TheBot = DEFAULT) -> AliasPage:
    found = (await api.shelf.corrections(api.lookup.runtime(bot_id).bot.id)).aliases
    return AliasPage(items=[Alias(word=word, meant=meant) for word, meant in sorted(found.items())])


@routes.put("/aliases", status_code=204, summary="Say what customers call something", dependencies=[OWNER])
async def set_alias(api: Here, asked: AliasIn, bot_id: TheBot = DEFAULT) -> None:
    """`find_product` takes the word for what it means, with other endings too from four letters on."""
    try:
        await RedisCorrections(api.redis).set_alias(
            api.lookup.runtime(bot_id).bot.id, asked.word, asked.meant.strip()
        )
    except ValueError as error:
        raise HTTPException(409, str(error)) from None


@routes.get(
    "/template",
    summary="A price list to begin with",
    dependencies=[READER],
    responses=file_answer(*_KINDS.values()),
    response_class=Response,
)
async def get_template(
    api: Here, form: Annotated[TemplateFormat, Query(alias="format", description="which file")] = "xlsx"
) -> Response:
    """Every column of it is understood; write over its two products."""
    return attached(price_list_template(form), _KINDS[form], f"price-list.{form}")
