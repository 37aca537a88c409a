"""How a number stands is asked for, where no webhook has said it yet."""

from __future__ import annotations

from redis.asyncio import Redis

from channels.emulators.meta.standing import EmulatedStanding
from server.observability.health.kept import record_of
from server.observability.health.record import NumberHealth
from server.pipeline.account.standing import ask_standing
from server.store.keys import key
from tests.support.office import NUMBER, Office


async def asked(office: Office, **stands: str) -> NumberHealth:
    """What is known of the number once it was asked for, as it stands now."""
    office.emulator.standing = EmulatedStanding(**stands)
    await office.redis.delete(key("default", "asked", NUMBER))  # six hours later
    await ask_standing(office.runtime, office.router)
    return await record_of(office.redis).with_history("default", NUMBER)


async def test_the_limit_and_the_quality_of_a_number_are_asked_for(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    found = await asked(office)
    assert (found.limit, found.tier, found.flagged) == (250, "TIER_250", None)
    found = await asked(office, whatsapp_business_manager_messaging_limit="TIER_2K", quality_rating="RED")
    assert (found.limit, found.limit_before, found.flagged) == (2_000, 250, True)
    found = await asked(office, whatsapp_business_manager_messaging_limit="TIER_2K", quality_rating="YELLOW")
    assert (found.limit, found.flagged) == (2_000, True)  # neither good nor bad changes nothing
    assert len(found.history) == 3, "what is known already is not told again"
    found = await asked(office, whatsapp_business_manager_messaging_limit="TIER_UNLIMITED")
    assert (found.limit, found.flagged) == (-1, False)


async def test_a_number_is_asked_for_once_in_six_hours_and_a_refusal_changes_nothing(redis: Redis, tmp_path):
    office = Office(redis, tmp_path)
    await asked(office)
    office.emulator.standing = EmulatedStanding(whatsapp_business_manager_messaging_limit="TIER_2K")
    await ask_standing(office.runtime, office.router)
    assert (await record_of(redis).of("default", NUMBER)).limit == 250
    found = await asked(office, whatsapp_business_manager_messaging_limit="TIER_MANY", quality_rating="NA")
    assert (found.limit, found.flagged) == (250, None)
    assert 0 < await redis.ttl(key("default", "asked", NUMBER)) <= 6 * 3600
