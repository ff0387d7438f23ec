"""One HTTP request to a named server, following nothing, with its answer or the reason why there is none."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_MOST = 65536  # octets of a body that are read


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server said; status 0 and a problem when it said nothing."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # names in small letters
    body: str = ""
    problem: str = ""


def ask(method: str, url: str, *, form: str = "", patience: float = 10.0) -> Answer:
    """Send one request; `form`: an urlencoded body. Redirects are answers, not followed; no proxy is used."""
    place = urlsplit(url)
    secure = place.scheme == "https"
    host = place.hostname or ""
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(host, place.port, timeout=patience)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    try:
        connection.request(method, f"{place.path or '/'}{'?' + place.query if place.query else ''}", body=form or None, headers=headers)
        answer = connection.getresponse()
        body = answer.read(_MOST).decode("utf-8", "replace")
        return Answer(status=answer.status, headers={name.lower(): value for name, value in answer.getheaders()}, body=body)
    except ssl.SSLCertVerificationError as error:
        return Answer(problem=f"its certificate is not valid: {error.verify_message}")
    except TimeoutError:
        return Answer(problem="no answer in time")
    except ConnectionRefusedError:
        return Answer(problem="nobody listens there")
    except (OSError, http.client.HTTPException) as error:
        return Answer(problem=str(error) or type(error).__name__)
    finally:
        connection.close()
