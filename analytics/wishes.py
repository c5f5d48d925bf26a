"""Wishes for no nudges that came by MQTT, until the registry has them: the latest of each wearer."""

from __future__ import annotations

from collections.abc import Container

from contracts.errors import DecodeError, Reason, SettingError
from contracts.settings import NotNow
from contracts.units import NS_PER_S
from contracts.wishes import NotNowWish
from store.ports import Registry


class Wishes:
    """Wearers with a wish that is not in the registry yet. False where there is none."""

    def __init__(self) -> None:
        self._new: dict[str, NotNow | None] = {}

    def __bool__(self) -> bool:
        return bool(self._new)

    def take(self, wearer: str, wish: NotNowWish, known: Container[str], now_ns: int) -> None:
        """A wish, in place of the one before. DecodeError for a wearer who is not ``known``."""
        if wearer not in known:
            raise DecodeError(Reason.BAD_ID, f"there is no wearer {wearer}.")
        start_ns = now_ns if wish.at_ns is None else wish.at_ns
        end_ns = start_ns + wish.minutes * 60 * NS_PER_S
        self._new[wearer] = NotNow(start_ns=start_ns, end_ns=end_ns) if wish.minutes else None

    def put(self, registry: Registry) -> None:
        """Into the registry. StoreError where it cannot be written; the wishes stay."""
        for wearer in list(self._new):
            try:
                registry.put_not_now(wearer, self._new[wearer])
            except SettingError as error:
                if error.reason is not Reason.MISSING:
                    raise
            del self._new[wearer]
