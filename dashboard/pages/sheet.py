"""The session sheet of a client's week, as it will be printed. Thin: the sheet itself is dashboard.sheet.sheet's."""

from __future__ import annotations

import streamlit as st

from dashboard.entry.visit import Visit
from dashboard.frame import cards, week_chooser
from dashboard.frame.parts import part
from dashboard.look import weeks
from dashboard.look.weeks import IsoWeek
from dashboard.review.model import week_review
from dashboard.sheet import cards as sheet_cards
from dashboard.sheet import sheet
from dashboard.sheet import words as sheet_words

_NAMED_HELP = (
    "Without it, the sheet shows the client’s id alone: for sheets that leave the practice."
)


def page(visit: Visit) -> None:
    """The chosen week's sheet."""
    person, now_ns = visit.client, visit.clock_ns()
    begin = weeks.shown_first(now_ns, person.zone)
    week = week_chooser.choose(person, now_ns, begin=begin)
    _sheet(visit, week)


@part
def _sheet(visit: Visit, week: IsoWeek) -> None:
    person = visit.client
    review = week_review(visit.series, visit.registry, visit.people, person, week, visit.clock_ns())
    named = st.toggle("Name on the sheet", value=True, key="name on the sheet", help=_NAMED_HELP)
    st.html(sheet_cards.download(person.wearer, week.name, named=named))
    words, paper = st.columns([4, 7], gap="medium")
    with words:
        st.html(sheet_cards.figures(review))
    with paper:
        picture_words = f"The sheet of {person.wearer}, {week.name}: the very page of the PDF."
        st.html(sheet_cards.picture(sheet.picture(review, named=named), picture_words))
    if sheet_words.shown_areas(review):
        st.html(cards.part("Before anyone works on the body"))
        st.html(cards.warnings())
