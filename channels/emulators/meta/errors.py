"""How Graph refuses a request ("Error codes")."""

from __future__ import annotations

from fastapi.responses import Response

from channels.emulators.base import SendFault, refused


def graph_error(status: int, code: int, message: str, fault: SendFault | None = None) -> Response:
    """An error with Meta's number and words."""
    error = {
        "message": f"(#{code}) {message}",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "emulated",
        "error_data": {"messaging_product": "whatsapp", "details": message},
    }
    return refused(status, {"error": error}, fault)


def not_allowed() -> Response:
    """A request without the token of the business."""
    return graph_error(401, 190, "Invalid OAuth access token.")
