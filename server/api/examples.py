"""Answers of the operator API as they look, for its description. A test compares their fields with real
answers."""

from __future__ import annotations

from typing import Any

_ID = "0b6f5a5e-6c0c-5f0f-9f4c-9a1d2f6f0c11"
_AT = 1_786_000_000_000
_USAGE = {"calls": 4, "input_tokens": 2210, "output_tokens": 160, "cost": 0.00114}
_FUNNEL = {
    "contacted": 3,
    "yes": 1,
    "no": 0,
    "opted_out": 0,
    "touched": {"1": 3},
    "answered": {"1": 2},
    "skipped": {},
}
_DAY = {
    **{
        "contacts": 2,
        "conversations": 2,
        "messages_in": 9,
        "replies": 7,
        "written_by_people": 1,
        "answers": 7,
    },
    **{"clients": 1, "non_clients": 0, "handoffs": 1, "touch_messages": 0, "touches": 0, "yes": 1, "no": 0},
    **{"opted_out": 0, "calls_booked": 1, "delivered": 8, "read": 6, "failed_sends": 0, "given_up": 0},
}
MESSAGE = {
    **{
        "id": "4465fcd2:0",
        "author": "bot",
        "kind": "text",
        "text": "The Duo costs 449 000 KZT.",
        "at": _AT + 4000,
    },
    **{"touch": 0, "turn_id": "4465fcd2", "template": "", "variables": [], "model": "openai:gpt-4.1-mini"},
    **{"sources": ["price-list.csv, p. 2"], "checked": ["money 449 000 KZT: in price-list.csv, p. 2"]},
    **{
        "prompts": ["sell@62337230"],
        "calls": 4,
        "tokens": 2370,
        "cost": 0.00114,
        "quoted_id": "",
        "media": None,
    },
    **{"status": "read", "heard": None},
}
CONVERSATION = {
    **{
        "id": _ID,
        "bot_id": "default",
        "name": "Aigerim",
        "class": "client",
        "owner": "bot",
        "stage": "problem",
    },
    **{"task": "", "unread": 2, "waiting_since": _AT, "last_activity": _AT + 4000, "last_message": MESSAGE},
}
CONTACT = {
    **{"id": _ID, "bot_id": "default", "wa_id": "77010000001", "user_id": "", "account": "106540352242922"},
    **{
        "name": "Aigerim",
        "owner": "bot",
        "owner_at": 0,
        "heard_at": _AT,
        "task": "",
        "task_at": 0,
        "unread": 2,
    },
    **{"asked_at": _AT, "created": _AT, "profile": {"class": "client", "email": "aigerim@example.kz"}},
    "referral": {"source_type": "ad", "source_id": "120200", "headline": "Espresso week", "at": str(_AT)},
    **{
        "sources": {"class": "wamid.1", "email": "operator"},
        "usage": _USAGE,
        "class": "client",
        "is_client": True,
    },
    **{"stopped": False, "missing": ["company"], "complete": False},
}
TRACE = {
    **{
        "turn_id": "4465fcd2",
        "at": _AT + 4000,
        "ms": 1820,
        "waited": 3400,
        "resumed": False,
        "verdict": "answer",
    },
    **{"steps": [{"node": "sell", "ms": 1400, "began": 310}], "reason": "asks for a price", "topic": "price"},
    "tools": [{"tool": "find_product", "arguments": "{'query': 'Duo'}", "answer": "[...]", "failed": False}],
    "passages": [{"document": "price-list.csv", "page": 2, "text": "Aurora Duo ...", "strong": True}],
    "checked": ["money 449 000 KZT: in price-list.csv, p. 2"],
    **{"rewritten": [], "prompts": ["sell@62337230"], "model": "openai:gpt-4.1-mini", "traceparent": ""},
    "calls": [
        {
            "purpose": "sell",
            "model": "openai:gpt-4.1-mini",
            "input_tokens": 1400,
            "output_tokens": 90,
            "cost": 0.0007,
        }
    ],
}


def _list(*items: Any, **more: Any) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": None, **more}


# (method, path) -> what a good answer is.
EXAMPLES: dict[tuple[str, str], Any] = {
    ("get", "/api/stats"): {
        "conversations": 12,
        "bots": [
            {
                **{
                    "bot_id": "default",
                    "conversations": 12,
                    "waiting": 0,
                    "dead_letters": 0,
                    "needs_person": 1,
                },
                **{
                    "unread": 3,
                    "failed": 0,
                    "paused": None,
                    "today": {**_USAGE, "assumed_cost": 0.0, "unpriced_calls": 0},
                },
                **{"daily_budget": 5.0, "follow_ups": _FUNNEL},
            }
        ],
        "alerts": [],
    },
    ("get", "/api/conversations"): {**_list(CONVERSATION), "searched_until": None},
    ("get", "/api/conversations/{conversation_id}"): {
        **CONTACT,
        "messages": [MESSAGE],
        "message_count": 2,
        "writing": {"text": True, "template": True, "until": _AT + 86_400_000, "why": ""},
    },
    ("get", "/api/conversations/{conversation_id}/turns/{turn_id}"): TRACE,
    ("post", "/api/conversations/{conversation_id}/messages"): {"id": "5f0f9f4c:0", "status": "queued"},
    ("get", "/api/contacts"): _list(CONTACT),
    ("get", "/api/contacts/{contact_id}"): CONTACT,
    ("delete", "/api/contacts/{contact_id}"): {
        "id": _ID,
        "keys": 9,
        "entries": 4,
        "left": [],
        "status": "erased",
    },
    ("get", "/api/analytics"): {
        **{"first": "2026-10-24", "last": "2026-11-22", "bots": ["default"], "total": _DAY},
        **{
            "answered_within": {"5": 6, "15": 7, "60": 7, "300": 7, "3600": 7},
            "answer_seconds": 3.1,
            "answer_seconds_bot": 2.9,
            "answer_seconds_people": 140.0,
        },
        "otherwise": {"merged": 4, "offline": 1},
        "funnel": {
            name: _FUNNEL[name] for name in ("contacted", "yes", "no", "touched", "skipped", "answered")
        },
        "usage": _USAGE,
        "contacts": {"all": 12, "client": 8, "non_client": 1, "fields": {"name": 9, "email": 4}},
        "days": [{"day": "2026-11-22", **_DAY, **_USAGE}],
    },
    ("get", "/api/dead-letters"): _list(
        {
            **{"id": "4465fcd2", "bot_id": "default", "conversation_id": _ID, "at": _AT},
            "reason": "failed 5 times, began 5 times",
            "messages": [{"id": "wamid.1", "kind": "text", "text": "hello", "timestamp": 1_786_000_000}],
        }
    ),
    ("get", "/api/quarantine"): _list(
        {"id": "9c1f0a", "bot_id": "default", "at": _AT, "reason": "no sender", "piece": '{"id": "wamid.1"}'}
    ),
    ("post", "/api/knowledge/search"): _list(
        {
            **{
                "document": "catalogue-en.pdf",
                "page": 1,
                "heading": "Delivery",
                "text": "Two days in Almaty.",
            },
            **{"score": 2.1, "cosine": 0.873, "coverage": 0.6, "strong": True},
        }
    ),
    ("get", "/api/audit"): _list(
        {
            **{
                "at": _AT,
                "operator": "Aigerim",
                "operator_id": "1f0e9d8c7b6a",
                "role": "agent",
                "detail": "",
            },
            "action": "POST /api/conversations/{conversation_id}/handoff",
            **{"bot_id": "default", "target": _ID},
        }
    ),
    ("get", "/api/tokens"): _list(
        {
            "id": "1f0e9d8c7b6a",
            "name": "Aigerim",
            "role": "agent",
            "bots": ["default"],
            "created": _AT,
            "bot_id": "default",
        }
    ),
    ("get", "/api/hooks/{hook_id}/deliveries"): _list(
        {
            **{
                "id": "8a7b",
                "hook_id": "5d0c7a1e9b32",
                "event": "lead_created",
                "at": _AT,
                "status": "delivered",
            },
            **{"attempts": 1, "answer": "204", "next": 0},
            "payload": {
                **{
                    "id": "77aa",
                    "event": "lead_created",
                    "bot_id": "default",
                    "at": _AT,
                    "data": {"created": _AT},
                },
                "contact": {"id": _ID, "name": "Aigerim", "phone": "+77010000001", "profile": {}},
            },
        }
    ),
    ("get", "/api/bots"): _list(
        {
            **{
                "id": "default",
                "business": "Aurora Coffee, espresso machines in Almaty",
                "model": "openai:gpt-4.1-mini",
            },
            **{"channel": "cloud_api", "account": "106540352242922", "simulator": "sim-default"},
        }
    ),
    ("get", "/api/me"): {
        "id": "1f0e9d8c7b6a",
        "name": "Aigerim",
        "role": "agent",
        "bots": ["default"],
        "created": _AT,
    },
    ("get", "/api/knowledge/documents"): _list(
        {
            "id": "9c1f0a",
            "name": "price-list.csv",
            "language": "en",
            "pages": 1,
            "passages": 14,
            "problems": [],
            "words": 96,
            "words_kept": 96,
            "products": 14,
            "doubts": [],
        },
        reading=[],
    ),
    ("get", "/api/hooks"): _list(
        {
            **{"id": "5d0c7a1e9b32", "bot_id": "default", "url": "https://crm.example/hooks/salesgraph"},
            **{"events": ["lead_created"], "created": _AT},
        }
    ),
    ("post", "/api/generate"): {
        **{"bot_id": "default", "replies": ["The Duo costs 449 000 KZT."], "model": "openai:gpt-4.1-mini"},
        **{"verdict": "answer", "profile": {"language": "en"}},
        "passages": [{"document": "price-list.csv", "page": 2, "strong": True}],
    },
}


def with_examples(description: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI description with the examples in it."""
    for (method, path), value in EXAMPLES.items():
        for status, answer in description["paths"][path][method]["responses"].items():
            if status.startswith("2") and "application/json" in answer.get("content", {}):
                answer["content"]["application/json"]["example"] = value
    return description
