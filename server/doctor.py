"""What `salesgraph doctor` says of the settings: what to fix, and what might work better."""

from __future__ import annotations

import importlib.util

from agent.meter import price_of
from server.hearing import default_model
from server.settings import Settings


def problems(settings: Settings) -> list[str]:
    """What does not work as it is set."""
    together = (
        "whatsapp_access_token",
        "whatsapp_phone_number_id",
        "whatsapp_app_secret",
        "whatsapp_webhook_verify_token",
    )
    unset = [name.upper() for name in together if not getattr(settings, name)]
    problems = [f"{', '.join(unset)}: set them too, a number needs all four"] if 0 < len(unset) < len(together) else []
    provider = settings.model_name.partition(":")[0]
    if provider == "openai" and not settings.openai_key and "api.openai.com" in settings.openai_base_url:
        problems.append("OPENAI_API_KEY: CHAT_MODEL needs it")
    if provider == "google_genai" and not settings.gemini_key:
        problems.append("GEMINI_API_KEY: CHAT_MODEL needs it")
    if default_model(settings) == "offline" and importlib.util.find_spec("faster_whisper") is None:
        problems.append("TRANSCRIPTION_MODEL: offline needs the voice model; run make voice")
    if bool(settings.wappi_token) != bool(settings.wappi_profile_id):
        problems.append("WAPPI_TOKEN, WAPPI_PROFILE_ID: set both, a profile needs its account's token")
    if settings.waha_url and not settings.waha_hmac_key:
        problems.append("WAHA_HMAC_KEY: set it, unsigned webhooks of the gateway are refused")
    if settings.mcp_file and importlib.util.find_spec("langchain_mcp_adapters") is None:
        problems.append("MCP_FILE: its tools need a package; run make mcp")
    return problems


def notes(settings: Settings) -> list[str]:
    """What works, and might work better."""
    notes = [
        f"{setting}: {name} has no price in agent/prices.json, so DAILY_BUDGET does not see its cost"
        for setting, name in _paid_models(settings).items()
        if price_of(name) is None
    ]
    linked = {"WAPPI_TOKEN": settings.wappi_token, "WAHA_URL": settings.waha_url}
    notes += [
        f"{name}: not WhatsApp's own interface; against its terms of service, and numbers get banned for it"
        for name, value in linked.items()
        if value
    ]
    if default_model(settings) == "off":
        notes.append("TRANSCRIPTION_MODEL: voice messages are not understood; set a key, or run make voice")
    return notes


def _paid_models(settings: Settings) -> dict[str, str]:
    """Setting -> model, of those with a bill. A model behind an address of one's own has a price of one's own."""
    named = {
        "CHAT_MODEL": settings.model_name,
        "FALLBACK_MODEL": settings.fallback_model,
        "MODERATOR_MODEL": settings.moderator_model,
        "EXTRACTOR_MODEL": settings.extractor_model,
        "SUMMARY_MODEL": settings.summary_model,
        "CHEAPER_MODEL": settings.cheaper_model,
    }
    return {setting: name for setting, name in named.items() if name and name != "offline"}
