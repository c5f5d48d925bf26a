"""What stands around the picture of the session sheet: the way to the PDF, and its figures in words. Pure."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from urllib.parse import quote

from dashboard.look import text
from dashboard.look.safety import safety
from dashboard.review import words as review_words
from dashboard.review.model import WeekReview
from dashboard.sheet.words import shown_areas

_HINT = (
    "One A4 page. Print it at 100 % (“actual size”); it reads in black and white too. "
    "Check whose it is before you hand it over."
)


def download(wearer: str, week: str, *, named: bool) -> str:
    """The link to the PDF of the week ``2026-W47``, and how to print it."""
    name = "" if named else "&amp;named=0"
    address = f"/export/{quote(wearer, safe='')}/sheet.pdf?week={quote(week, safe='')}{name}"
    return (
        f'<div class="pl pl-sheet-get"><a class="pl-do" href="{address}" '
        f"download>Download the PDF</a><span class='quiet'>{_HINT}</span></div>"
    )


def picture(png: bytes, words: str) -> str:
    """The sheet's page as an image; ``words`` say what it is, also to who cannot see it."""
    address = f"data:image/png;base64,{b64encode(png).decode()}"
    return (
        f'<figure class="pl pl-sheet-picture"><img alt="{escape(words)}" src="{address}">'
        f"<figcaption class='quiet' aria-hidden='true'>{escape(words)}</figcaption></figure>"
    )


def figures(review: WeekReview) -> str:
    """The sheet's figures as text, for who cannot see the picture or reads on a phone."""
    found = review.figures
    areas = [text.pattern(area.area.rule) for area in shown_areas(review)]
    rows = (
        ("Worn", f"{text.duration(found.worn_s)} on {text.count(found.worn_days, 'day')}"),
        ("Rounded", review_words.min_h(found.rounded_min_h)),
        ("Episodes", f"{found.episodes}, longest {text.duration(found.longest_s)}"),
        ("Areas to assess", ", ".join(areas) or "none"),
        ("Pain taps", str(len(review.pain))),
    )
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in rows)
    return (
        '<div class="pl"><section class="pl-card pl-sheet-words" aria-label="The sheet in words">'
        f"<p>{escape(review_words.headline(review))}</p><dl>{shown}</dl>"
        f'<div class="quiet">{escape(safety().standing)}</div></section></div>'
    )
