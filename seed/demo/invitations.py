"""The one-time links behind interviews that people answered on a phone."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session

from seed.demo.field_irregularities import FieldIrregularities
from seed.demo.field_plan import surveyor_login
from seed.demo.interviews import DemoWave
from seed.demo.stored_responses import Links, StoredIds
from survey.store.inserts import insert_columns
from survey.store.tables import Invitation, Wave, new_id


def device_name(wave: DemoWave, device: int) -> str:
    """What the store keeps of a phone."""
    return sha256(f"{wave.key}:{wave.seed}:{device}".encode()).hexdigest()


def store_links(
    *, session: Session, row: Wave, wave: DemoWave, lapses: FieldIrregularities, places: StoredIds
) -> Links:
    """Write the links; those of interviews that the surveyor asked do not exist."""
    drawn, when, cities = wave.draw, wave.times, wave.city_codes
    links: list[UUID | None] = [None if device < 0 else new_id() for device in lapses.device]
    alone = [at for at, link in enumerate(links) if link is not None]
    opened = [datetime.fromtimestamp(moment, UTC) for moment in when.started[alone].tolist()]
    city = [cities[place] for place in drawn.city[alone].tolist()]
    insert_columns(
        session.connection(),
        Invitation,
        {
            "id": [links[at] for at in alone],
            "token_sha256": [
                sha256(f"{wave.key}:{wave.seed}:{high}:{low}".encode()).hexdigest()
                for high, low in wave.ids[alone].tolist()
            ],
            "city_code": city,
            "point_id": [
                places.points[wave.points.code[point]] for point in drawn.point[alone].tolist()
            ],
            "surveyor_id": [
                places.surveyors[surveyor_login(code, number)]
                for code, number in zip(city, drawn.surveyor[alone].tolist(), strict=True)
            ],
            "issued_at": [moment - timedelta(minutes=1) for moment in opened],
            "opened_at": opened,
            "used_at": [
                datetime.fromtimestamp(moment, UTC) for moment in when.submitted[alone].tolist()
            ],
            "expires_at": [moment + timedelta(days=1) for moment in opened],
            "device_sha256": [
                device_name(wave, device) for device in lapses.device[alone].tolist()
            ],
        },
        {"wave_id": row.id, "ready_made": False},
    )
    return links
