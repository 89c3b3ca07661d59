"""People in a restore: opened by the keys that are left, erased again, and denied where what they said is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from imp_consent.audit.leaves import person_fields
from imp_consent.identity.secrets import SubjectSecrets
from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement, parse_system_leaf
from imp_consent.ledger.layout import SYSTEM_LEAF
from imp_consent.ledger.suppression import suppress
from imp_consent.ledger.tombstones import Buried
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.guardians import Names, authorised_by, forget_guardians, names_of
from imp_consent.plane.kept_out import erased_since
from imp_consent.plane.linked import forget_numbers
from imp_consent.plane.outbox import channels_of
from imp_consent.plane.remove import destroy_person, leave_word
from imp_consent.plane.restore.result import Site
from imp_consent.plane.restore.rows import refuse_without_keys, take_survivors, take_wraps
from imp_core.errors import CheckFailed

__all__ = ["Found", "check_tombstones", "find_people", "orphaned_leaves", "settle_people", "unexplained_leaves"]


@dataclass(slots=True)
class Found:
    """Who lives on, who is erased again, and how many entries of whom are lost.

    `since` are the tokens of whoever was erased since the backup; `authorisations` counts what they authorised, once
    they are taken out of it.
    """

    living: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    lost: dict[int, int] = field(default_factory=dict)
    covered: int = 0
    since: frozenset[bytes] = frozenset()
    authorisations: int = 0


def check_tombstones(buried: Buried, tail: Iterable[bytes]) -> None:
    """Refuse where nobody can tell who was erased since the backup.

    Raises:
        CheckFailed: people were erased before tombstones were kept, or some of these are not there.
    """
    for leaf in tail:
        entry = parse_system_leaf(leaf, seq=0)
        if entry is None or entry.type != "erased":
            continue
        if not buried.begins_as(entry) or entry.fields.get("tombstones_lost"):
            raise CheckFailed(
                "people were erased since this backup, and their tombstones are not all beside the keys: "
                "it would bring them back",
                mend="put the keys' folder back from its own newest backup, or use a newer backup of the ledger",
            )


def find_people(
    transaction: Transaction, tail: Iterable[bytes], buried: Buried, *, backup_size: int, supp_id: str
) -> Found:
    """Open everybody the backup holds, and see who was erased since and whose chain goes on in the tail.

    `supp_id` is the suppression key that was in use when the backup was made.

    Raises:
        CheckFailed: a row of somebody living is under a key that the ring lacks.
        LedgerBroken: a row does not open.
    """
    take_survivors(transaction, backup_size)
    found = Found()
    links = {bytes.fromhex(person[1]) for leaf in tail if (person := person_fields(leaf)) is not None}
    asked = {row[0] for row in transaction.sealed.select("erasure")}
    missing: Counter[str] = Counter()
    for subject, wrapped, kek_id, next_i in list(transaction.sealed.select("subject_key")):
        assert isinstance(subject, int) and isinstance(wrapped, bytes)  # noqa: S101, PT018 (the columns' types)
        assert isinstance(kek_id, str) and isinstance(next_i, int)  # noqa: S101, PT018 (the columns' types)
        if subject in asked or buried.holds(subject):
            found.gone.add(subject)
        elif not transaction.keyring.has("kek", kek_id):
            missing[kek_id] += 1
        else:
            secrets = SubjectSecrets(subject, transaction.subjects.encryption(kek_id).unwrap(wrapped))
            _follow_chain(transaction, found, secrets, next_i, links)
    refuse_without_keys(transaction, missing, found.living)
    take_wraps(transaction, supp_id)
    found.since = erased_since(transaction, buried)
    return found


def _follow_chain(
    transaction: Transaction, found: Found, secrets: SubjectSecrets, next_i: int, links: Collection[bytes]
) -> None:
    subject, end = secrets.subject, next_i
    while links and secrets.link(end) in links:
        end += 1
    found.living.add(subject)
    found.covered += end
    if end > next_i:
        found.lost[subject] = end - next_i
        transaction.sealed.update("subject_key", "subject = ?", (subject,), {"next_i": end})


def settle_people(transaction: Transaction, site: Site, found: Found, buried: Buried) -> list[bytes]:
    """Erase again who was erased, keep suppressed who was suppressed, and say of whom entries are lost.

    Returns the tokens that are suppressed since.
    """
    channels = sorted(channels_of(transaction).union(site.workspace.plugin_pins))
    tokens: list[bytes] = []
    forget_numbers(transaction, found.gone, found.living)  # whom these were linked with their own rows may tell no more
    # nor may entries lead to erased guardians: their tokens outside say who they were, and the backup who was already
    names = names_of(transaction, found.gone).union([Names(tokens=found.since)])
    found.authorisations = forget_guardians(transaction, authorised_by(transaction, names), beside=found.gone)
    for subject in sorted(found.gone):
        tokens += destroy_person(transaction, subject)
    leave_word(transaction, sorted(found.gone), channels)
    suppress(transaction.sealed, sorted(buried.suppressed))
    now_us = transaction.now_us
    statement = Statement(type="lost", purpose=EVERY_PURPOSE, channel=EVERY_CHANNEL, at_us=now_us)
    for subject in sorted(found.lost):
        transaction.append_person(subject, statement, site.envelope())
    return tokens


def orphaned_leaves(transaction: Transaction, covered: int) -> int:
    """How many people's entries belong to nobody living (`covered` do), and are in no erasure's account."""
    (people,) = transaction.sql.execute(f"SELECT count(*) FROM entry WHERE NOT ({SYSTEM_LEAF})").fetchone()  # noqa: S608 (the schema's own words)
    published = sum(
        int(str(entry.fields.get("leaves", 0)))
        for type_ in ("erased", "restore")
        for entry in transaction.system_entries(type_)
    )
    return int(people) - covered - published


def unexplained_leaves(transaction: Transaction) -> int:
    """The same of the backup as it is, which a restore must not answer for: somebody was removed without an erasure."""
    (covered,) = transaction.sql.execute("SELECT coalesce(sum(next_i), 0) FROM subject_key").fetchone()
    return orphaned_leaves(transaction, covered)
