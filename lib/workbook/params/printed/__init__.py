"""Tables as journals print them: what a study may say of them, and what that comes to column by column."""

from workbook.params.printed.model import Printed
from workbook.params.printed.resolve import resolved

__all__ = ["Printed", "resolved"]
