"""Times are counted in steps, and a median is read from them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.store.counters import STEPS, median


@given(
    st.lists(st.floats(min_value=0.01, max_value=STEPS[-1]), min_size=1, max_size=60),
    st.sampled_from(["bot", "person"]),
)
def test_a_median_lies_in_the_step_of_the_middle_answer(seconds: list[float], author: str):
    total: dict[str, int] = {}
    for took in seconds:
        step = next(end for end in STEPS if took <= end)
        total[f"answers of {author} le {step}"] = total.get(f"answers of {author} le {step}", 0) + 1
    middle = sorted(seconds)[(len(seconds) - 1) // 2]
    upper = next(end for end in STEPS if middle <= end)
    lower = max((end for end in STEPS if end < upper), default=0)
    found = median(total, "bot", "person")
    assert found is not None and lower <= found <= upper
    assert median(total, "person" if author == "bot" else "bot") is None


def test_one_slow_answer_of_a_person_makes_no_slow_bot():
    total = {"answers of bot le 2": 30, "answers of person le 600": 1}
    assert median(total, "bot") == 1.5 and median(total, "person") == 450.0  # type: ignore[comparison-overlap]
