"""Statistical disclosure control: what may be published about units that were promised secrecy."""

from workbook.publish.disclosure.attack import intervals
from workbook.publish.disclosure.cells import TOTAL, tabulate
from workbook.publish.disclosure.rules import DisclosureError, Rules
from workbook.publish.disclosure.suppress import protect

__all__ = ["TOTAL", "DisclosureError", "Rules", "intervals", "protect", "tabulate"]
