"""The page at `/`: public, since it holds no data; everything that it asks for needs the token."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from omni_server.page.assemble import page


async def show(request: Request) -> Response:
    """The page, under a policy that lets it load and run nothing else."""
    made = await asyncio.to_thread(page)
    headers = {
        "Content-Security-Policy": made.policy,
        "Cache-Control": "no-cache",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return HTMLResponse(made.html, headers=headers)
