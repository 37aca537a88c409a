"""How the emulated number stands, as Graph says it of a number ("Messaging limits", section "Via API")."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class EmulatedStanding(BaseModel):
    """The fields of a number that are asked for."""

    model_config = ConfigDict(frozen=True)

    quality_rating: str = "GREEN"
    whatsapp_business_manager_messaging_limit: str = "TIER_250"

    def asked(self, number: str, fields: str) -> dict[str, str]:
        """The answer to `fields`, which are named with commas between them; what nobody knows is left out."""
        known = {**self.model_dump(), "display_phone_number": f"+{number}", "verified_name": "Emulated"}
        return {"id": number, **{name: known[name] for name in fields.split(",") if name in known}}
