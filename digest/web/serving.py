"""The web application as the configuration describes it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Engine

from digest.config import Config
from digest.files.country import open_countries
from digest.files.scanners import load_scanners
from digest.pipeline import branding, contribution, networks
from digest.pipeline.replaying import journals, spool_of
from digest.pipeline.tracking import company_networks, country_database, in_ascii, thresholds
from digest.web.app import App, make_app
from digest.web.settings import WebSettings

log = logging.getLogger(__name__)


def application(engine: Engine, config: Config, clock: Callable[[], datetime]) -> App:
    """The links and pages of `config`, over an open database."""
    return make_app(engine, web_settings(config, clock()), clock)


def web_settings(config: Config, now: datetime) -> WebSettings:
    """The part of `config` that the pages need, as plain values. Files that cannot be used are told, and the pages do without them."""
    countries, problem = open_countries(country_database(config), now)
    if problem:
        log.warning("%s", problem)
    spool = spool_of(config)
    with suppress(OSError):  # presses find out, and go another way
        spool.path.parent.mkdir(parents=True, exist_ok=True)
    brand, notes = branding.brand(config)
    for note in notes:
        log.warning("%s", note)
    usable = networks.usable(config)
    labels = {network.name: network.label for network in usable}
    return WebSettings(
        site_url=config.site.url,
        site_name=config.site.name,
        company=config.site.company,
        policy_url=config.site.policy_url,
        networks=usable,
        keep_days=config.tracking.keep_days,
        tracking=config.tracking.mode,
        opt_in=config.tracking.consent == "opt-in",
        short=config.sharing.link == "short",
        caption_uses=config.sharing.caption_uses,
        trusted_proxies=config.web.trusted_proxies,
        metrics=config.web.metrics,
        spool=spool.path,
        spool_octets=spool.most,
        journal=journals(config),
        thresholds=thresholds(config),
        scanners=load_scanners(),
        honeypot=config.tracking.honeypot,
        company_networks=company_networks(config),
        click_hosts=in_ascii(config.conversions.hosts),
        country=countries.of,
        conversions_secret=config.conversions.secret,
        conversion_events=config.conversions.events,
        minimum_group=config.privacy.minimum_group,
        letters=config.colleagues.letters,
        received=config.colleagues.received,
        passes=config.colleagues.passes,
        brand=brand,
        logo=branding.logo_file(config)[0],
        templates=config.templates_path,
        hour=config.schedule.time,
        quiet=config.schedule.quiet,
        moderation=contribution.rules(config),
        offered=tuple((name, labels[name]) for name in dict.fromkeys(config.sharing.networks) if name in labels),
    )
