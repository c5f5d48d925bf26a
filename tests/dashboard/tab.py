"""One browser's tab as its websocket: what a page sent, and messages that no browser would send.

Nothing is drawn. A run's elements are kept until the next run of the whole page; parts that run again add theirs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from dashboard.entry.door import COOKIE

PATIENCE_S: Final = 60.0
_WHOLE: Final = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
)
_ENDS: Final = (*_WHOLE, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Tab:
    """An open page. ``elements``: of the last run of all of it, and of its parts since."""

    def __init__(self, socket: Connection, address: str) -> None:
        self.elements: list[Element] = []
        self._part_of: list[str] = []  # each element's part
        self.pages: dict[str, str] = {}
        self.parts: dict[str, float] = {}  # id → seconds between its runs
        self.session = ""
        self.state: dict[str, WidgetState] = {}  # what a browser sends of all widgets each time
        self._socket = socket
        self._address = address
        self._shown = ""
        self._query = ""

    def open(self, path: str, query: str = "") -> str:
        """The page at ``path``; the text of all that it shows."""
        self._query, self._shown = query, self.pages.get(path, "")
        self.state.clear()
        self.send(page_name="" if self._shown else path, page_script_hash=self._shown)
        return self.until_it_ran()

    def set(self, *states: WidgetState, part: str = "") -> str:
        """Run again with widgets set so, as after a click; the text of all that is shown then."""
        self.state |= {
            state.id: state for state in states if state.WhichOneof("value") != "trigger_value"
        }
        clicks = [state for state in states if state.WhichOneof("value") == "trigger_value"]
        self.send(
            page_script_hash=self._shown, fragment_id=part, states=[*self.state.values(), *clicks]
        )
        return self.until_it_ran()

    def click(self, label: str) -> str:
        """Press the button of that label."""
        button, part = self.widget("button", label)
        return self.set(WidgetState(id=button.id, trigger_value=True), part=part)

    def again(self, part: str) -> str:
        """Run a part again, as its timer does."""
        self.send(page_script_hash=self._shown, fragment_id=part, is_auto_rerun=True)
        return self.until_it_ran()

    def send(self, *, states: list[WidgetState] | None = None, **fields: Any) -> None:
        """Any message at all."""
        message = BackMsg()
        run = message.rerun_script
        for name, value in fields.items():
            setattr(run, name, value)
        run.query_string = run.query_string or self._query
        run.widget_states.widgets.extend(states or [])
        run.context_info.url = self._address
        run.context_info.timezone = "Europe/Berlin"
        run.context_info.color_scheme = "light"
        self._socket.send(message.SerializeToString())

    def until_it_ran(self) -> str:
        """Hear until a run has ended; the text of all that is shown."""
        ends_s = time.monotonic() + PATIENCE_S
        while True:
            data = self._socket.recv(timeout=max(0.0, ends_s - time.monotonic()))
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            if self._took(message):
                return self.text

    @property
    def text(self) -> str:
        """All HTML, Markdown and labels."""
        return "\n".join(_words(element) for element in self.elements)

    @property
    def failed(self) -> list[str]:
        """What Streamlit shows of exceptions that nobody caught."""
        return [e.exception.type for e in self.elements if e.WhichOneof("type") == "exception"]

    def widgets(self, kind: str) -> list[tuple[Any, str]]:
        """The widgets of a kind, in the order they were sent, each with the part that it is in."""
        return [
            (getattr(element, kind), part)
            for element, part in zip(self.elements, self._part_of, strict=True)
            if element.WhichOneof("type") == kind
        ]

    def widget(self, kind: str, label: str) -> tuple[Any, str]:
        """The latest widget of a kind whose label begins so, and the part that it is in."""
        return [found for found in self.widgets(kind) if found[0].label.startswith(label)][-1]

    def _took(self, message: ForwardMsg) -> bool:
        match message.WhichOneof("type"):
            case "new_session":
                self.session = message.new_session.initialize.session_id
                if not message.metadata.run.fragment_ids:
                    self.elements.clear()
                    self._part_of.clear()
                    self.parts.clear()
            case "navigation":
                found = message.navigation
                self.pages = {p.url_pathname: p.page_script_hash for p in found.app_pages}
                self._shown = found.page_script_hash
            case "auto_rerun":
                self.parts[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            case "delta":
                if message.delta.HasField("new_element"):
                    self.elements.append(message.delta.new_element)
                    self._part_of.append(message.delta.fragment_id)
            case "script_finished":
                return message.script_finished in _ENDS
        return False


def _words(element: Element) -> str:
    kind = str(element.WhichOneof("type"))
    found = getattr(element, kind)
    return str(getattr(found, "body", "") or getattr(found, "label", "") or kind)


@contextmanager
def tab(address: str, token: str, *, origin: str = "") -> Iterator[Tab]:
    """A tab of a browser that is signed in by ``token``."""
    with connect(
        f"ws://{urlsplit(address).netloc}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]  # a new type of str
        additional_headers={"Cookie": f"{COOKIE}={token}"},
        origin=origin or address,  # type: ignore[arg-type]  # likewise
        max_size=2**26,
        proxy=None,
    ) as socket:
        yield Tab(socket, address)
