"""The `salesgraph` command on documents, in the terminal, and on a taken port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.command_line import run

pytestmark = pytest.mark.slow


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "hours.md").write_text("# Hours\n\nThe shop is open from 10 to 19 on weekdays.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 this is not really one")
    (folder / "prices.csv").write_text("name;price\nBlue vase;900\nRed vase;950\n")
    return folder


def test_ingest_reads_the_readable_and_names_the_rest(tmp_path: Path, documents: Path):
    done = run(tmp_path, "ingest", str(documents), "--bot", "default")
    assert done.returncode == 1
    assert "not read broken.pdf: damaged or not a PDF" in " ".join(done.stderr.split())
    assert "hours.md" in done.stderr and "prices.csv" in done.stderr
    (documents / "broken.pdf").unlink()
    assert run(tmp_path, "ingest", str(documents)).returncode == 0


def test_ingest_into_nowhere(tmp_path: Path, documents: Path):
    assert "no bot 'nobody'" in run(tmp_path, "ingest", str(documents), "--bot", "nobody").stderr
    missing = run(tmp_path, "ingest", str(tmp_path / "missing"))
    assert (missing.returncode, "does not exist" in missing.stderr) == (2, True)


def test_serve_on_a_taken_port_says_so(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, "serve", PORT=str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "set HOST or PORT" in done.stderr


def test_a_mistake_in_the_bot_file_is_one_line_that_names_it(tmp_path: Path):
    wrong = tmp_path / "bot.yaml"
    wrong.write_text("business: Aurora\nsell_promt: hello\n")
    for command in ("serve", "work", "doctor", "chat"):
        done = run(tmp_path, command, BOT_FILE=str(wrong))
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        assert "BOT_FILE" in done.stderr and "sell_promt" in done.stderr
    wrong.write_text("outreach: {intervals: [72, 24], templates: {'1': 'Come back'}}\n")
    done = run(tmp_path, "doctor", BOT_FILE=str(wrong))
    assert (
        done.returncode == 2 and "intervals: use rising hours" in done.stderr and "Come back" in done.stderr
    )
    done = run(tmp_path, "doctor", FOLLOW_UP_TEMPLATES="1=Come back", HOLIDAYS="XX", WORKING_DAYS="Funday")
    assert done.returncode == 2 and "FOLLOW_UP_TEMPLATES: Come back" in done.stderr
    assert "HOLIDAYS: use an ISO country" in done.stderr and "WORKING_DAYS: use days such as" in done.stderr
    missing = run(tmp_path, "doctor", BOT_FILE=str(tmp_path / "none.yaml"))
    assert missing.returncode == 2 and "cannot be read" in missing.stderr


def test_doctor_says_what_a_model_without_a_price_means(tmp_path: Path):
    done = run(
        tmp_path, "doctor", CHAT_MODEL="openai:of-our-own", OPENAI_API_KEY="sk-x", TRANSCRIPTION_MODEL="off"
    )
    assert "CHAT_MODEL: openai:of-our-own has no price" in done.stdout
    assert "TRANSCRIPTION_MODEL: voice messages are not understood" in done.stdout


def test_the_doctor_knows_the_other_channels(tmp_path: Path):
    done = run(
        tmp_path,
        "doctor",
        WAPPI_TOKEN="t",
        WAHA_URL="http://127.0.0.1:9",
        CHAT_MODEL="offline",
        TRANSCRIPTION_MODEL="off",
    )
    assert done.returncode == 1
    assert "fix: WAPPI_TOKEN, WAPPI_PROFILE_ID" in done.stdout and "fix: WAHA_HMAC_KEY" in done.stdout
    assert "note: WAHA_URL: not WhatsApp's own interface" in done.stdout and "banned" in done.stdout
    wrong = tmp_path / "mcp.json"
    wrong.write_text('{"mcpServers": {"crm": {}}}')
    done = run(tmp_path, "doctor", MCP_FILE=str(wrong))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "MCP_FILE" in done.stderr and "command or url" in done.stderr
