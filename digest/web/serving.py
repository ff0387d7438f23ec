"""The web application as the configuration describes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.files.scanners import load_scanners
from digest.pipeline import networks
from digest.pipeline.tracking import in_ascii
from digest.web.app import App, make_app
from digest.web.settings import WebSettings


def application(engine: Engine, config: Config, clock: Callable[[], datetime]) -> App:
    """The links and pages of `config`, over an open database."""
    return make_app(engine, web_settings(config), clock)


def web_settings(config: Config) -> WebSettings:
    """The part of `config` that the pages need, as plain values."""
    return WebSettings(
        site_url=config.site.url,
        site_name=config.site.name,
        company=config.site.company,
        policy_url=config.site.policy_url,
        networks=networks.usable(config),
        keep_days=config.tracking.keep_days,
        tracking=config.tracking.mode,
        opt_in=config.tracking.consent == "opt-in",
        short=config.sharing.link == "short",
        trusted_proxies=config.web.trusted_proxies,
        scanners=load_scanners(),
        click_hosts=in_ascii(config.conversions.hosts),
        conversions_secret=config.conversions.secret,
        conversion_events=config.conversions.events,
    )
