"""Statistical disclosure control: what may be published about units that were promised secrecy."""

from fusion.workbook.disclosure.attack import intervals
from fusion.workbook.disclosure.cells import TOTAL, tabulate
from fusion.workbook.disclosure.rules import DisclosureError, Rules
from fusion.workbook.disclosure.suppress import protect

__all__ = ["TOTAL", "DisclosureError", "Rules", "intervals", "protect", "tabulate"]
