"""Why a page, feed or picture could not be had. Each is a sentence for the person who named the address."""

from __future__ import annotations

from digest.errors import DigestError


class FetchError(DigestError):
    """Something on the web could not be fetched; the subject is its address."""

    summary = "could not be fetched"


class AddressRefusedError(FetchError):
    """The address itself is not one we ask."""

    summary = "this address is not asked"


class InsideError(FetchError):
    """The address leads to a place that is not public."""

    summary = "leads to a place that is not public"


class UnknownNameError(FetchError):
    """The name has no address."""

    summary = "its name is not known"


class UnreachableError(FetchError):
    """Nobody answered there, or not safely."""

    summary = "its server could not be reached"


class TooSlowError(FetchError):
    """The whole took too long."""

    summary = "its server took too long"


class TooBigError(FetchError):
    """More octets than are wanted, packed or unpacked."""

    summary = "is too big"


class WrongKindError(FetchError):
    """It is something else than what was asked for."""

    summary = "is something else"


class RedirectError(FetchError):
    """It leads on too often, or to a worse place."""

    summary = "leads on to nowhere"


class StatusError(FetchError):
    """Its server answered that there is nothing, or nothing for us."""

    summary = "its server refused"


class GarbledError(FetchError):
    """The answer breaks the rules of HTTP."""

    summary = "its server's answer cannot be read"
