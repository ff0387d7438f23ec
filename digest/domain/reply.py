"""Somebody writes back: whose words they are, how sure that is, why some are not taken, and what the others become.

A From line proves nothing. What we know is which letter of ours is answered, and what a mail server we trust says of the sender.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

import regex

A_DAY: Final = 20  # what one person may send in a day; more of it waits for a person to look at
UNSURE_A_DAY: Final = 5  # of it, what may bear their name alone: each of these asks them by mail
KEPT_FOR: Final = timedelta(days=180)  # that a letter was read: no mail server brings it again later
BODY: Final = 20_000  # characters that are taken of one letter
_SHORT = 200  # characters of a wish that says nothing else
_LONG = 60  # words of something to tell rather than to remark
_LONG_UNSPACED = 200  # letters of the same, in writing without spaces


class Skip(StrEnum):
    """Why what somebody wrote enters nothing. None of these is ever answered."""

    AUTOMATIC = "automatic"  # a machine says that it wrote it (RFC 3834)
    MAYBE_AUTOMATIC = "maybe_automatic"  # it looks as if a machine wrote it: a list, bulk mail, or an absence by its subject
    OWN = "own"  # a letter of ours, or of another digest, came back
    STRANGER = "stranger"  # nobody on the roster has this address
    NOT_TO_US = "not_to_us"  # it answers no letter and is not addressed to the digest
    NO_WORDS = "no_words"  # nothing of their own stands in it
    FLOOD = "flood"  # more than one person writes in a day


class Becomes(StrEnum):
    """What somebody's words are taken for, until they say otherwise."""

    QUESTION = "question"  # an entry of the ledger
    SUGGESTION = "suggestion"  # the same, for what is neither of the others
    OBJECTION = "objection"  # the same, for a clear no
    POST = "post"  # a post they offer
    LETTER = "letter"  # an answer to a colleague, which went on to them alone
    NOTE = "note"  # a note beside the post or the entry that they were told of; never printed
    BACK = "back"  # nothing here: they have it back by mail, with the reason
    STOP = "stop"  # a wish for no more letters: they are mailed how


class Vouched(StrEnum):
    """What a mail server that we trust says of the sender (RFC 8601)."""

    YES = "yes"  # the address is its owner's
    NO = "no"  # it is not
    SILENT = "silent"  # it says nothing, or no server is trusted


@dataclass(frozen=True, kw_only=True)
class Written:
    """A message by somebody, read. All of it may be forged."""

    sender: str  # address in From, lower case; "" for none or several
    identity: str  # its own Message-ID, or what stands for it
    subject: str
    to: tuple[str, ...]  # addresses it may have come to, lower case
    notices: tuple[str, ...]  # what look like Message-IDs of our notices among those it answers
    automatic: bool  # by the word of RFC 3834, or as old programs say it
    bulk: bool  # a list, bulk mail, or a program that wants no answers
    digest: bool  # it carries marks that only a digest's letters have
    authentication: tuple[str, ...]  # values of Authentication-Results, the newest first
    words: str = field(repr=False)  # their own: without quoted text and signature
    cut: bool  # there was more than is taken
    attachments: tuple[str, ...]  # their names


@dataclass(frozen=True, kw_only=True)
class Someone:
    """A person on the roster, as far as a reply asks."""

    id: int
    address: str  # lower case
    name: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Whose:
    """Who wrote it, as far as anybody can tell."""

    person: Someone
    sure: bool  # False: the person is asked by mail, and nothing happens before they say yes


def whose(answered: Someone | None, sender: Someone | None, vouched: Vouched) -> Whose | None:
    """Whom it is from. `answered`: whose letter it answers; `sender`: who has the address in From. None: a stranger.

    To have the letter and to name the address of its owner is as good as a press in it; either alone is not.
    """
    if sender is not None:
        same = answered is not None and answered.id == sender.id
        return Whose(person=sender, sure=vouched is Vouched.YES or (same and vouched is not Vouched.NO))
    return None if answered is None else Whose(person=answered, sure=False)


def skipped(written: Written, *, answers: bool, ours: Collection[str]) -> Skip | None:
    """Why `written` is not taken, whoever it is from. `answers`: it answers a letter of ours; `ours`: the digest's own addresses."""
    if written.sender in ours or written.digest:
        return Skip.OWN
    if written.automatic:
        return Skip.AUTOMATIC
    if written.bulk or _AWAY.match(written.subject):
        return Skip.MAYBE_AUTOMATIC
    if not answers and not set(written.to) & set(ours):
        return Skip.NOT_TO_US
    return None


# What programs write above an absence notice that has no field for it: the beginning of a subject, in our languages and some more.
_AWAY = regex.compile(
    r"\s*(?:auto(?:matic|mated|mat)?[ -]?(?:reply|response|answer)\b|out of (?:the )?office\b|ooo\b|away from|on (?:leave|vacation)\b"
    r"|automatische (?:antwort|abwesenheit)|abwesenheit|abwesend|nicht im (?:büro|haus)"
    r"|réponse automatique|absence (?:du|de) bureau|absent(?:e)? du bureau|message d'absence"
    r"|respuesta autom[aá]tica|fuera de (?:la )?oficina|ausente|ausencia"
    r"|resposta autom[aá]tica|fora do escrit[oó]rio|aus[eê]ncia"
    r"|risposta automatica|automatisch antwoord|afwezig"
    r"|自動(?:応答|返信)|不在(?:通知|の?お知らせ|です)?|休暇中"
    r"|رد تلقائي|الرد التلقائي|خارج المكتب|خارج العمل)",
    regex.IGNORECASE,
)

# The first word, before a colon: what people call it themselves.
_CALLED: Mapping[Becomes, str] = {
    Becomes.POST: r"posts?|beitrag|publication|article|publicaci[oó]n|publica[cç][aã]o|artigo|artículo|投稿|記事|منشور|مقال",
    Becomes.QUESTION: r"questions?|frage|pregunta|pergunta|質問|سؤال",
    Becomes.OBJECTION: r"objection|i disagree|einspruch|einwand|objeci[oó]n|obje[cç][aã]o|異議|反対|اعتراض",
    Becomes.SUGGESTION: (
        r"suggestions?|ideas?|proposal|comments?|idee|vorschlag|anmerkung|id[ée]e|proposition|commentaire|sugerencia|comentario|sugest[aã]o|ideia"
        r"|comentário|提案|意見|コメント|اقتراح|فكرة|تعليق"
    ),
}
_NAMED = {
    kind: regex.compile(rf"\s*(?:(?:re|aw|antw|sv|rv|ref|res|tr|返信|رد)\s*[:：]\s*)*(?:{words})\s*[:：]", regex.IGNORECASE)  # noqa: RUF001 - the colon that Japanese and Chinese programs write
    for kind, words in _CALLED.items()
}
_ASKS = regex.compile(
    r"\s*(?:why|how come|wieso|weshalb|warum|pourquoi|por ?qu[eé]|なぜ|どうして|لماذا|لمَ)(?![\p{L}\p{M}])",
    regex.IGNORECASE,
)
_AGAINST = regex.compile(
    r"\s*(?:i (?:strongly )?(?:disagree|object)|ich (?:widerspreche|bin dagegen|bin nicht einverstanden)|je (?:ne suis pas d'accord|m'oppose)"
    r"|no estoy de acuerdo|(?:eu )?(?:discordo|não concordo)|反対です|賛成できません|لا أوافق|أعترض)",
    regex.IGNORECASE,
)
# No more letters, in our languages: a sentence that says so, or the one word.
_OUT = regex.compile(
    r"(?<![\p{L}\p{M}])(?:unsubscribe me|(?:how|where) (?:do|can|could) i (?:unsubscribe|opt out)"
    r"|to (?:unsubscribe|opt out|be unsubscribed) from (?:this|these|the|your)"
    r"|(?:i want|i would like|i['\u2019]d like|i wish) to (?:unsubscribe|opt out|be removed|stop (?:getting|receiving))"
    r"|opt me out|cancel my subscription"
    r"|(?:remove|take) me (?:from|off) (?:this|the|your)\b|stop (?:sending me|e-?mailing me|mailing me)"
    r"|(?:do not|don['\u2019]t) (?:send|e-?mail|mail) me"
    r"|no more (?:of these )?(?:e-?mails|mails|letters|newsletters)(?: please|, please|[.!]?\s*$)"
    r"|mich (?:bitte )?(?:wieder )?(?:abmelden|austragen)|melde?t? mich (?:bitte )?ab\b|melden sie mich (?:bitte )?ab\b"
    r"|(?:nehmt|nimm|nehmen sie|tragt|trag|tragen sie|streicht) mich (?:bitte )?.{0,30}(?:raus|aus\b|verteiler|liste)"
    r"|keine (?:weiteren |solchen )?(?:e-?mails?|mails?|briefe|newsletter) mehr|(?:brief|newsletter|abo) (?:bitte )?(?:abbestellen|kündigen)"
    r"|me désabonner|désabonne[sz]?[- ]moi|me désinscrire|désinscri(?:s|vez)[- ]moi|(?:retire|retirez|enlevez|supprimez)[- ]moi"
    r"|ne (?:veux|souhaite|voudrais|désire) plus (?:recevoir|de (?:mails|lettres|courriels))|ne plus recevoir"
    r"|darme de baja|(?:dame|denme|déme|deme|dadme) de baja|cancelar (?:mi|la) suscripci[oó]n|no (?:quiero|deseo) recibir más|no me env[ií]e[ns]? más"
    r"|me descadastr\p{L}*|descadastre[- ]me|remova[- ]me|me remov[ae]m?"
    r"|cancelar (?:a )?(?:minha )?(?:inscrição|assinatura)|não quero (?:mais )?receber"
    r"|[إا]لغاء (?:ال)?اشتراكي?|[أا]لغوا اشتراكي|لا أريد (?:المزيد من )?(?:ال)?رسائل|أوقفوا (?:ال)?رسائل)"
    r"|配信を?(?:停止|止めて|やめて|解除)|購読を?(?:解除|停止|やめ)|登録を?解除|メールはもう(?:不要|いりません|送らないで)|退会",
    regex.IGNORECASE,
)
_OUT_ALONE = regex.compile(
    r"[\s\p{P}]*(?:(?:please|bitte|por favor|merci de (?:me )?)[\s\p{P}]*)?"
    r"(?:unsubscribe|stop|opt[- ]?out|abmelden|abmeldung|abbestellen|abbestellung|austragen|désabonn(?:er|ement|ez)|désinscri(?:re|ption|vez)"
    r"|baja|cancelar|descadastrar|descadastro|أوقف|إلغاء)"
    r"(?:[\s\p{P}]*(?:please|bitte|danke|thanks|thank you|merci|svp|s['\u2019]il (?:vous|te) pla[iî]t|gracias|por favor|obrigad[oa]))*[\s\p{P}]*",
    regex.IGNORECASE,
)
_LINK = regex.compile(r"https?://[^\s/]", regex.IGNORECASE)
_QUESTION = regex.compile(r"[?？؟][ \t]*[\"”»』」)]*[ \t]*$", regex.MULTILINE)  # noqa: RUF001 - the question marks of our languages
_WORD = regex.compile(r"\w+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


def becomes(subject: str, words: str) -> Becomes:
    """What `words` are taken for: as their first word calls them, else no more letters, a question, a clear no, something to tell, or a remark."""
    for text in (words, subject):
        for kind, named in _NAMED.items():
            if named.match(text):
                return kind
    if wants_out(words):
        return Becomes.STOP
    if _AGAINST.match(words):
        return Becomes.OBJECTION
    long = is_long(words)
    if _asks(words) and not long:
        return Becomes.QUESTION
    if long or _LINK.search(words):
        return Becomes.POST
    return Becomes.SUGGESTION


def _asks(words: str) -> bool:
    """Whether a sentence of it ends as a question at the end of a line, or it begins as one. A `?` inside an address is none."""
    return _ASKS.match(words) is not None or any("://" not in line.split()[-1] for line in words.splitlines() if _QUESTION.search(line))


def wants_out(words: str) -> bool:
    """Whether somebody says no more than that they want no more letters."""
    return len(words) <= _SHORT and (_OUT.search(words) is not None or _OUT_ALONE.fullmatch(words) is not None)


def is_long(words: str) -> bool:
    """Whether it is something to tell rather than a remark."""
    return len(_WORD.findall(words)) >= _LONG or len(_UNSPACED.findall(words)) >= _LONG_UNSPACED


def plain_words(words: str) -> str:
    """`words` without what their first word calls them."""
    for named in _NAMED.values():
        found = named.match(words)
        if found:
            return words[found.end() :].strip()
    return words


def without_name(words: str, name: str) -> str:
    """`words` without the name of whoever wrote them at their end: what is printed must not name them."""
    names = {name.casefold(), *(part.casefold() for part in name.split())} - {""}
    lines = words.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].strip(" \t,.-~\u2013\u2014").casefold() in names):
        lines.pop()
    return "\n".join(lines).strip()


def vouched(values: Collection[str], sender: str, trusted: Collection[str]) -> Vouched:
    """What the newest word of a server named in `trusted` says of `sender` (RFC 8601, 2.2; DMARC alone binds the address in From)."""
    for value in values:
        server, _, rest = value.partition(";")
        if not server.split() or server.split()[0].lower() not in trusted:
            continue
        found = _DMARC.search(rest)
        if found is None:
            return Vouched.SILENT
        domain = found[2] or ""
        ours = not domain or domain.lower().rstrip(".") == sender.rpartition("@")[2]
        if found[1].lower() == "pass":
            return Vouched.YES if ours else Vouched.NO
        return Vouched.NO if found[1].lower() == "fail" else Vouched.SILENT
    return Vouched.SILENT


_DMARC = regex.compile(r"(?:^|[;\s])dmarc\s*=\s*([a-z]{1,20})(?:[^;]*?\bheader\.from\s*=\s*([^\s;()]{1,253}))?", regex.IGNORECASE)
