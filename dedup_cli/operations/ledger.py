"""What the ledger found, as people and programs read it."""

from rich.table import Table
from rich.text import Text

from dedup_app.ports.findings import PREFIXES, Ledger
from dedup_cli.presentation.output import counted


def ledger_record(ledger: Ledger) -> dict[str, object]:
    return {
        "images": ledger.images,
        "complete": ledger.complete,
        "waiting": ledger.waiting,
        "broken": ledger.broken,
        "found": {kind.name.lower(): count for kind, count in ledger.found.items() if count},
        "damaged_bytes": ledger.damaged_bytes,
        "slices": ledger.slices,
        "oldest": ledger.oldest.isoformat() if ledger.oldest else None,
    }


def ledger_table(ledger: Ledger, known: int = 0) -> Table | None:
    """None before anything was looked at. `known`: how many images there are by now."""
    if not ledger.slices:
        return None
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row(ledger_sentence(ledger, known))
    for kind, count in ledger.found.items():
        if count:
            table.add_row(Text(f"{kind.value}: {count:,}", style="yellow"))
    if ledger.left_out:
        names = f"{counted(ledger.left_out, 'blob')} left out, because of characters that no path may have"
        table.add_row(Text(f"{names}: `dedup ingest --all` names them", style="yellow"))
    if ledger.damaged_bytes:
        damage = f"damaged in the fingerprint log: {counted(ledger.damaged_bytes, 'byte')}: `dedup reindex`"
        table.add_row(Text(damage, style="bold red"))
    if ledger.slices < len(PREFIXES):
        table.add_row(Text(f"{ledger.slices} of {len(PREFIXES)} slices were looked at so far", style="dim"))
    return table


def ledger_sentence(ledger: Ledger, known: int) -> Text:
    if known > ledger.images:
        looked_at = f"{ledger.images:,} of {counted(known, 'image')} looked at"
        told = f"{looked_at}, {ledger.complete:,} of these complete; the others follow by themselves"
    else:
        told = f"{ledger.complete:,} of {counted(ledger.images, 'image')} complete"
    if ledger.waiting:
        told += f"; {ledger.waiting:,} waiting"
    if ledger.broken:
        told += f"; {ledger.broken:,} broken: `dedup reconcile --fix`"
    return Text(told, style="bold red" if ledger.broken else "")
