"""Cities that a city has chosen to be compared with; one that has not has those of its size.

The choice is the city's, not a reader's: whoever reads the city for its area sees the same. No
figure follows from it that the reader does not see anyway, see `survey.results.peer_differences`.
"""

from collections.abc import Sequence

from sqlmodel import Session, col, delete, select

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import ChosenPeer, City

MAX_PEERS = 8


def list_chosen_peers(work: Work, *, city_code: str) -> tuple[str, ...]:
    """Return the peers that a city has chosen, in their order; none where it has not chosen."""
    work.require(Action.READ_RESULTS, city_code)
    return _read_peers(work.session, city_code)


def list_all_peers(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the peers of every city that has chosen some, for services that check the area."""
    query = select(ChosenPeer).order_by(col(ChosenPeer.city_code), col(ChosenPeer.position))
    peers: dict[str, tuple[str, ...]] = {}
    for chosen in session.exec(query):
        peers[chosen.city_code] = (*peers.get(chosen.city_code, ()), chosen.peer_code)
    return peers


def choose_peers(work: Work, *, city_code: str, peers: Sequence[str]) -> None:
    """Compare a city with `peers` from now on, until they are changed or reset.

    Raises:
        RefusedError: none or more than `MAX_PEERS`, the city itself, or an unknown city.
    """
    work.require(Action.CHOOSE_PEERS, city_code)
    chosen = tuple(dict.fromkeys(peers))
    _require_choosable(work.session, city_code, chosen)
    _lock_city(work.session, city_code)
    before = _read_peers(work.session, city_code)
    if chosen == before:
        return
    _delete_peers(work.session, city_code)
    work.session.add_all(
        ChosenPeer(
            city_code=city_code,
            position=position,
            peer_code=peer,
            chosen_by=actor_id(work.principal),
            chosen_at=work.now,
        )
        for position, peer in enumerate(chosen, start=1)
    )
    work.session.flush()
    work.record(AuditEvent.PEERS_CHOSEN, city_code, {"from": list(before), "to": list(chosen)})


def reset_peers(work: Work, *, city_code: str) -> None:
    """Compare a city with the cities of its size again."""
    work.require(Action.CHOOSE_PEERS, city_code)
    _lock_city(work.session, city_code)
    before = _read_peers(work.session, city_code)
    if not before:
        return
    _delete_peers(work.session, city_code)
    work.record(AuditEvent.PEERS_RESET, city_code, {"from": list(before), "to": []})


def _require_choosable(session: Session, city_code: str, chosen: Sequence[str]) -> None:
    if not chosen:
        raise RefusedError(
            "peers_not_allowed", msg("Please choose at least one city to compare with.")
        )
    if len(chosen) > MAX_PEERS:
        raise RefusedError(
            "peers_not_allowed",
            msg("Please choose at most {most} cities to compare with.", most=MAX_PEERS),
        )
    if city_code in chosen:
        raise RefusedError("peers_not_allowed", msg("A city cannot be compared with itself."))
    known = set(session.exec(select(City.code).where(col(City.code).in_(chosen))))
    if not set(chosen) <= known:
        raise RefusedError(
            "peers_not_allowed", msg("One of these cities is not part of the survey.")
        )


def _lock_city(session: Session, city_code: str) -> None:
    """Let the choices for one city follow each other; interviews of the city need not wait."""
    query = select(City.code).where(City.code == city_code).with_for_update(key_share=True)
    if session.exec(query).first() is None:
        raise RefusedError("peers_not_allowed", msg("There is no city {city}.", city=city_code))


def _read_peers(session: Session, city_code: str) -> tuple[str, ...]:
    query = (
        select(ChosenPeer.peer_code)
        .where(ChosenPeer.city_code == city_code)
        .order_by(col(ChosenPeer.position))
    )
    return tuple(session.exec(query))


def _delete_peers(session: Session, city_code: str) -> None:
    session.connection().execute(delete(ChosenPeer).where(col(ChosenPeer.city_code) == city_code))
