"""From registered, seen and declared names to who owns what. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pie.platform.ask.ownership import Ownership, ownership, parents
from pie.platform.ask.registered import state_of
from pie.platform.pages.psm.declared import NOTHING, is_psm, kind_of
from pie.platform.pages.psm.sql import SEEN_DAYS, SeenName, SeenOne
from pie.platform.pages.psm.store import Declared, History
from pie.platform.pages.psm.typos import KnownNames
from pie.platform.pages.psm.views import (
    Filter,
    OtherName,
    ProductRow,
    PsmCounts,
    PsmDetail,
    PsmLike,
    PsmRegistered,
    PsmRow,
    PsmSeen,
    PsmTree,
    SubsystemRow,
)
from pie.state import Service

MAX_OTHERS = 200
MAX_DESCRIPTION_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Asker:
    """Who looks at the page."""

    name: str
    admin: bool

    def may_claim(self, found: Ownership) -> bool:
        """Whether they may become the owner of a PSM that is so owned."""
        if found.owners_from in ("declared", "registered"):
            return False
        return not found.owners or self.may_change(found)

    def may_change(self, found: Ownership) -> bool:
        """Whether they may act for a name that is so owned."""
        return self.admin or found.includes(self.name)


@dataclass(frozen=True, slots=True)
class Names:
    """Everything known of names: by the registry, by people, by calls (None: not known now)."""

    registry: dict[str, Service]
    declared: dict[str, Declared]
    seen: list[SeenName] | None

    def ownership(self, name: str) -> Ownership:
        """Who owns a name."""
        return ownership(name, self._declared_owners, self._registered_owners)

    def certain_psms(self) -> set[str]:
        """PSMs that are no typing errors: they run now, or a person declared them."""
        running = (psm for psm, service in self.registry.items() if service.instances)
        return {*running, *filter(is_psm, self.declared_names())}

    def declared_names(self) -> Iterable[str]:
        """Names with a declaration that is not empty."""
        return (name for name, each in self.declared.items() if each.fields != NOTHING)

    def _declared_owners(self, name: str) -> list[str]:
        declared = self.declared.get(name)
        return declared.fields.owners if declared is not None else []

    def _registered_owners(self, name: str) -> tuple[str, ...]:
        service = self.registry.get(name)
        return service.meta.owners if service is not None and service.meta is not None else ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which PSMs are listed: by filter, part of the name or an owner, and product."""

    filter: Filter = ""
    q: str = ""
    product: str = ""
    limit: int = 1_000

    def takes(self, row: PsmRow) -> bool:
        """Whether a PSM is among them."""
        chosen = {
            "": True,
            "mine": row.mine,
            "unowned": not row.owners,
            "typo": bool(row.like),
        }[self.filter]
        text = self.q.lower()
        named = any(text in each.lower() for each in (row.psm, *row.owners))
        in_product = not self.product or row.psm.startswith(f"{self.product}.")
        return chosen and named and in_product


def build_tree(names: Names, asker: Asker, now: float, wanted: Wanted) -> PsmTree:
    """Products, subsystems and PSMs, by name."""
    rows = _rows(names, asker)
    shown = [row for row in rows if wanted.takes(row)]
    listed = {row.psm for row in shown[: wanted.limit]}
    by_product: dict[str, dict[str, list[PsmRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        subsystem, product = parents(row.psm)
        by_product[product][subsystem].append(row)
    for name in names.declared_names():
        if kind_of(name) == "subsystem":
            by_product[name.partition(".")[0]].setdefault(name, [])
        elif kind_of(name) == "product":
            by_product.setdefault(name, defaultdict(list))
    everything = wanted == Wanted(limit=wanted.limit)
    products = []
    for product, subsystems in sorted(by_product.items()):
        parts = [
            _subsystem(names, name, psms, listed)
            for name, psms in sorted(subsystems.items())
            if everything or any(row.psm in listed for row in psms)
        ]
        if parts or everything:
            every = [row for psms in subsystems.values() for row in psms]
            products.append(_product(names, product, every, parts))
    return PsmTree(
        now=now,
        user=asker.name,
        seen_days=SEEN_DAYS,
        seen_known=names.seen is not None,
        counts=_counts(rows),
        shown=len(listed),
        more=len(shown) > len(listed),
        products=products,
        others=_others(names),
    )


def build_detail(
    names: Names, name: str, asker: Asker, seen: SeenOne | None, history: History
) -> PsmDetail | None:
    """Everything known of one name; None when nothing is.

    ``seen`` is None when it is not known now. The names of ``names.seen`` are looked at for a
    product or subsystem only.
    """
    kind = kind_of(name)
    declared = names.declared.get(name)
    service = names.registry.get(name)
    is_seen = bool(seen and seen.edges)
    if declared is None and service is None and not is_seen and not _has_parts(names, name):
        return None
    owned = names.ownership(name)
    return PsmDetail(
        name=name,
        kind=kind,
        version=declared.version if declared else 0,
        declared=declared.fields if declared else NOTHING,
        owners=owned.owners,
        owners_from=owned.owners_from,
        claimable=kind == "psm" and asker.may_claim(owned),
        mine=asker.name in owned.owners,
        may_change=asker.may_change(owned),
        like=build_like(names, name).like,
        seen_days=SEEN_DAYS,
        seen_known=(seen if kind == "psm" else names.seen) is not None,
        registered=_registered(service),
        seen=_seen(seen),
        history=history.changes[::-1],
        older_changes=history.dropped,
    )


def build_like(names: Names, name: str) -> PsmLike:
    """Which PSMs that run or are declared a name is nearly; none for one of these, or a group."""
    certain = names.certain_psms() if kind_of(name) == "psm" else set()
    return PsmLike(name, KnownNames(certain).like(name) if certain and name not in certain else [])


def _rows(names: Names, asker: Asker) -> list[PsmRow]:
    """Every PSM, by name."""
    certain = names.certain_psms()
    index = KnownNames(certain)
    seen = {each.name: each for each in names.seen or () if is_psm(each.name)}
    rows = []
    for psm in sorted(certain | names.registry.keys() | seen.keys()):
        owned = names.ownership(psm)
        declared = names.declared.get(psm)
        fields = declared.fields if declared else NOTHING
        calls = seen.get(psm)
        rows.append(
            PsmRow(
                psm=psm,
                owners=owned.owners,
                owners_from=owned.owners_from,
                description=fields.description[:MAX_DESCRIPTION_SHOWN],
                tier=fields.tier,
                on_call=fields.on_call,
                version=declared.version if declared else 0,
                state=state_of(names.registry.get(psm)),
                last_seen=float(calls.last_seen) if calls else 0.0,
                calls=calls.calls if calls else 0,
                claimable=asker.may_claim(owned),
                mine=asker.name in owned.owners,
                like=[] if psm in certain else index.like(psm),
            )
        )
    return rows


def _counts(rows: list[PsmRow]) -> PsmCounts:
    return PsmCounts(
        psms=len(rows),
        mine=sum(row.mine for row in rows),
        unowned=sum(not row.owners for row in rows),
        typo=sum(bool(row.like) for row in rows),
    )


def _subsystem(names: Names, name: str, psms: list[PsmRow], listed: set[str]) -> SubsystemRow:
    owned = names.ownership(name)
    declared = names.declared.get(name)
    return SubsystemRow(
        name=name,
        owners=owned.owners,
        owners_from=owned.owners_from,
        description=declared.fields.description if declared else "",
        version=declared.version if declared else 0,
        counts=_counts(psms),
        psms=[row for row in psms if row.psm in listed],
    )


def _product(
    names: Names, name: str, psms: list[PsmRow], subsystems: list[SubsystemRow]
) -> ProductRow:
    owned = names.ownership(name)
    declared = names.declared.get(name)
    return ProductRow(
        name=name,
        owners=owned.owners,
        owners_from=owned.owners_from,
        description=declared.fields.description if declared else "",
        version=declared.version if declared else 0,
        counts=_counts(psms),
        subsystems=subsystems,
    )


def _others(names: Names) -> list[OtherName]:
    others = [each for each in names.seen or () if not is_psm(each.name)]
    return [OtherName(each.name, float(each.last_seen), each.calls) for each in others[:MAX_OTHERS]]


def _has_parts(names: Names, name: str) -> bool:
    """Whether a known PSM belongs to this product or subsystem."""
    prefix = f"{name}."
    seen = (each.name for each in names.seen or ())
    return any(each.startswith(prefix) for each in (*names.registry, *names.declared, *seen))


def _registered(service: Service | None) -> PsmRegistered:
    meta = service.meta if service else None
    instances = service.instances if service else ()
    return PsmRegistered(
        state=state_of(service),
        owners=list(meta.owners) if meta else [],
        language=meta.language if meta else "",
        framework=f"{meta.framework} {meta.framework_version}".strip() if meta else "",
        clusters=sorted({each.cluster for each in instances}),
        instances=len(instances),
    )


def _seen(seen: SeenOne | None) -> PsmSeen | None:
    if seen is None or not seen.edges:
        return None
    return PsmSeen(
        last_seen=float(seen.last_seen),
        received=seen.received,
        made=seen.made,
        callers=seen.callers,
        callees=seen.callees,
        hosts=seen.hosts,
    )
