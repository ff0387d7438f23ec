"""The company's logo, from our own address: `/b/logo-HASH.png`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.files.logo import LogoFile
from digest.pipeline.branding import PATH

_YEAR = 31_536_000  # seconds


def logo_routes(logo: LogoFile | None) -> list[Route]:
    """Where the logo is served; nowhere without one."""
    return [Route(f"{PATH}{{name}}", _door(logo), methods=["GET"])] if logo else []


def _door(logo: LogoFile) -> Callable[[Request], Awaitable[Response]]:
    async def give(request: Request) -> Response:
        """Letters outlive logos: the address of an earlier one gives the one of today, for a day."""
        same = request.path_params["name"] == logo.name
        cache = f"public, max-age={_YEAR}, immutable" if same else "public, max-age=86400"
        headers = {"cache-control": cache, "x-content-type-options": "nosniff", "cross-origin-resource-policy": "cross-origin"}
        return Response(logo.data, media_type=logo.content_type, headers=headers)

    return give
