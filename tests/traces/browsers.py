"""Who asks for a page, and what the request says: browsers of people and the masks of scanners.

Written from what was observed of scanners and browsers alone; nothing here knows how clicks are judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

Headers = tuple[tuple[str, str], ...]

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
_EDGE = _WINDOWS + " Edg/{v}.0.0.0"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
_SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15"
_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{f}.0) Gecko/20100101 Firefox/{f}.0"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36"
_OLD_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1"
)

_IOS_APP = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 {app}"
_ANDROID_APP = (
    "Mozilla/5.0 (Linux; Android 14; {phone}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{v}.0.0.0 Mobile Safari/537.36 {app}"
)

DESKTOPS = (_WINDOWS, _WINDOWS, _EDGE, _EDGE, _EDGE, _MAC, _SAFARI, _FIREFOX)
PHONES = (_IPHONE, _IPHONE, _ANDROID)
IN_APP = (
    _IOS_APP.format(app="[LinkedInApp]/9.31.1"),
    _IOS_APP.format(app="[FBAN/FBIOS;FBAV/531.0.0.46.109;FBDV/iPhone15,2]"),
    _IOS_APP.format(app="Twitter for iPhone/11.30"),
    _IOS_APP.format(app="OutlookMobile"),
    _IOS_APP.format(app="Safari Line/15.18.0"),
    _ANDROID_APP.replace("{phone}", "Pixel 8 Build/AP3A.240617.008").replace("{app}", "Instagram 401.0.0.48.79 Android"),
    _ANDROID_APP.replace("{phone}", "SM-A536B Build/UP1A").replace("{app}", "[FB_IAB/FB4A;FBAV/530.0.0.48.74;] MetaIAB Facebook"),
    _ANDROID_APP.replace("{phone}", "CUBOT P60 Build/TP1A").replace("{app}", ""),
    _ANDROID_APP.replace("{phone}", "SM-G991B Build/UP1A").replace("{app}", "Viber/25.2"),
    _MAC.replace("Safari/537.36", "Electron/38 Safari/537.36 Sonic Slack_SSB/4.47"),
    _EDGE + " Teams/25306",
)
# What mail filters called themselves when they were seen; only the last looks like today's browsers.
OLD_MASKS = (
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/57.0.2987.133 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246",
)
UNFURLERS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "WhatsApp/2.23.20.0 A",
    "TelegramBot (like TwitterBot)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
)
TWITTER = "Twitterbot/1.0"


@dataclass(frozen=True, kw_only=True)
class Browser:
    """One browser at one address."""

    address: str
    agent: str
    headers: Headers = ()  # beside its name

    def sent(self, *more: tuple[str, str]) -> Headers:
        """The header fields of one request."""
        return (("user-agent", self.agent), *self.headers, *more)


def spell(dice: Random, pattern: str) -> str:
    """A browser's name with a version of the last half year in it."""
    return pattern.replace("{v}", str(dice.randint(150, 156))).replace("{f}", str(dice.randint(148, 156)))


def navigation(*, site: str = "none") -> Headers:
    """What a browser says when a person's press opens a page."""
    return (("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1"), ("sec-fetch-dest", "document"))


def home(dice: Random) -> str:
    """An address of somebody's own line or phone."""
    return f"{dice.choice((77, 84, 91, 178))}.{dice.randint(1, 250)}.{dice.randint(0, 255)}.{dice.randint(1, 254)}"


def desktop(dice: Random, address: str | None = None) -> Browser:
    """A person's computer."""
    return Browser(address=address or home(dice), agent=spell(dice, dice.choice(DESKTOPS)), headers=navigation())


def phone(dice: Random) -> Browser:
    """A person's phone: its browser, one inside an app, or (rarely) one too old to say that it navigates."""
    luck = dice.random()
    if luck < 0.07:
        return Browser(address=home(dice), agent=_OLD_IPHONE)
    pattern = dice.choice(IN_APP[:9]) if luck < 0.3 else dice.choice(PHONES)
    return Browser(address=home(dice), agent=spell(dice, pattern), headers=navigation())


def in_app(dice: Random) -> Browser:
    """A browser inside an app, where shared posts are read."""
    return Browser(address=home(dice), agent=spell(dice, dice.choice(IN_APP)), headers=navigation(site="cross-site"))


def mask(dice: Random, address: str, *, headless: bool) -> Browser:
    """A scanner that calls itself a browser of today; a headless one is a browser and says all that browsers say."""
    pattern = dice.choice((_WINDOWS, _WINDOWS, _EDGE, _MAC))
    agent = spell(dice, pattern) if headless or dice.random() < 0.7 else pattern.replace("{v}", str(dice.randint(125, 149)))
    return Browser(address=address, agent=agent, headers=navigation() if headless else ())
